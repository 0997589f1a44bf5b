// No packet to a pod, service or node address leaves this machine, whoever asks for addresses that are not there: pods, nodes, the host
// and the API server. A table of the test counts, behind all routing, what would leave by other links than the clusters' own; it drops it too.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pods, services, validatingWebhookConfigurations } from '../../src/api/generated/resources.ts';
import { addressPlan, type AddressPlan } from '../../src/machine/index.ts';
import { ClusterUnderTest, eventually, run } from '../../src/testing/cluster-under-test.ts';

const namespace = 'default';
const TABLE = 'leak-test';
/** For documentation, nobody's: to see that the table counts. */
const CONTROL = '198.51.100.1';
const RANGES = '10.96.0.0/12, 10.231.0.0/16, 10.240.0.0/12';

/** The machine's own may be in the same ranges, and others ask them at any time. */
const NAMESERVERS = [...readFileSync('/etc/resolv.conf', 'utf8').matchAll(/^nameserver\s+(\d+\.\d+\.\d+\.\d+)/gm)].map((match) => match[1]!);

const isRoot = process.getuid?.() === 0;
beforeAll(async () => {
  if (!isRoot) return;
  // "wh*" are bridges and cables of all clusters.
  const outside = `oifname != "lo" oifname != "wh*"${NAMESERVERS.map((address) => ` ip daddr != ${address}`).join('')}`;
  const rules = `table ip ${TABLE} {\n counter leaked { }\n counter control { }\n chain out {\n type filter hook postrouting priority 300\n ${outside} ip daddr { ${RANGES} } counter name leaked drop\n ${outside} ip saddr { ${RANGES} } counter name leaked drop\n ${outside} ip daddr ${CONTROL} counter name control drop\n }\n}\n`;
  await run(['nft', 'delete', 'table', 'ip', TABLE]);
  expect(await run(['nft', '-f', '-'], { input: rules })).toMatchObject({ code: 0 });
});
afterAll(async () => {
  if (isRoot) await run(['nft', 'delete', 'table', 'ip', TABLE]);
});

async function counted(name: 'leaked' | 'control'): Promise<number> {
  return Number(/packets (\d+)/.exec((await run(['nft', 'list', 'counter', 'ip', TABLE, name])).stdout)![1]);
}

/** Every kind of address of the cluster that nobody has. */
function deadAddresses(plan: AddressPlan): string[] {
  const pod = plan.pods.replace('.0.0/16', '');
  const service = plan.services.replace('.0.0/16', '');
  const fabric = plan.fabric.replace('.0/24', '');
  return [`${pod}.1.250`, `${pod}.2.250`, `${pod}.77.5`, `${service}.99.99`, `${service}.255.254`, `${fabric}.99`, `${fabric}.210`];
}

/** Whether a packet that the command routes stays on the machine: refused, or by a link of the cluster. */
async function routeOf(address: string, prefix: readonly string[]): Promise<string> {
  const { stdout, stderr } = await run([...prefix, 'ip', 'route', 'get', address]);
  return stdout + stderr;
}

describe.skipIf(!isRoot)('packets for addresses that are not there stay on the machine', () => {
  test('the table counts', async () => {
    const defaultRoute = (await run(['ip', 'route', 'show', 'default'])).stdout;
    if (!defaultRoute) return;
    await run(['bash', '-c', `echo > /dev/udp/${CONTROL}/9`]);
    expect(await counted('control')).toBe(1);
  });

  test.each(['off', 'on'])('real containers, --egress %s', async (egress) => {
    await using cluster = new ClusterUnderTest(`guard-${egress}`);
    expect(await cluster.wherry('start', '--nodes', '2', '--egress', egress)).toMatchObject({ code: 0 });
    await cluster.loadSampleImage();
    const plan = addressPlan((JSON.parse(readFileSync(join(cluster.dataDir, 'cluster.json'), 'utf8')) as { index: number }).index);
    const dead = deadAddresses(plan);
    for (const address of dead) expect(await routeOf(address, [])).toMatch(new RegExp(`unreachable|No route to host| dev ${plan.bridge} `));
    for (const node of [cluster.profile, `${cluster.profile}-2`]) {
      const inside = ['nsenter', `--net=${cluster.dataDir}/run/${node}.net`, '--'];
      // eth0 of a node is its cable to the bridge. With egress the host decides, as seen above.
      for (const address of dead) expect(await routeOf(address, inside)).toMatch(/unreachable|No route to host| dev (eth0|lo) /);
      const outside = await routeOf(CONTROL, inside);
      if (egress === 'off') expect(outside).toMatch(/unreachable/i);
      else expect(outside).toContain(` via ${plan.host} dev eth0 `);
    }

    using client = cluster.client();
    await client.create(services, { metadata: { name: 'nobody', namespace }, spec: { selector: { app: 'nobody' }, ports: [{ port: 80 }] } });
    await client.create(services, { metadata: { name: 'headed', namespace }, spec: { ports: [{ port: 80 }], clusterIP: 'None', selector: { app: 'nobody' } } });
    for (const name of ['one', 'host']) {
      await client.create(pods, { metadata: { name, namespace }, spec: { terminationGracePeriodSeconds: 1, hostNetwork: name === 'host', containers: [{ name: 'web', image: 'msung99/maestro:0.1.0' }] } });
    }
    await eventually('the pods run', async () => (await client.list(pods, { namespace })).items.every(({ status }) => status?.phase === 'Running'));
    const nobody = (await client.get(services, { namespace, name: 'nobody' })).spec.clusterIP!;
    const attempts = [...dead, nobody].map((address) => `nc -w 1 ${address} 80 </dev/null & ping -c 1 -W 1 ${address} & echo x | nc -u -w 1 ${address} 53 &`).join(' ');
    for (const name of ['one', 'host']) expect((await cluster.kubectl('exec', name, '--', 'sh', '-c', `${attempts} wait; echo done`)).stdout).toMatch(/done\n$/);
    await run(['bash', '-c', `for a in ${dead.join(' ')} ${nobody}; do timeout 1 bash -c "echo > /dev/tcp/$a/80" & echo > /dev/udp/$a/53; done; wait`]);
    await proxies(cluster);
    expect(await counted('leaked')).toBe(0);
  }, 100_000);

  test('simulated nodes: the API server, probes and hooks send nothing to addresses that exist in words only', async () => {
    await using cluster = new ClusterUnderTest('guard-simulated');
    await cluster.start('--runtime', 'simulated');
    using client = cluster.client();
    const http = { httpGet: { path: '/', port: 8080 }, periodSeconds: 1, timeoutSeconds: 1 };
    await client.create(pods, {
      metadata: { name: 'one', namespace, labels: { app: 'one' } },
      spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'web', image: 'web', ports: [{ containerPort: 8080 }], readinessProbe: http, livenessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 }, lifecycle: { postStart: { httpGet: { path: '/', port: 8080 } } } }] },
    });
    await client.create(services, { metadata: { name: 'one', namespace }, spec: { selector: { app: 'one' }, ports: [{ port: 80, targetPort: 8080 }] } });
    await eventually('the pod has an address', async () => (await client.get(pods, { namespace, name: 'one' })).status?.podIP);
    await client.create(validatingWebhookConfigurations, {
      metadata: { name: 'asks-a-service' },
      webhooks: [{ name: 'asks.a.service', clientConfig: { service: { name: 'one', namespace, port: 80 } }, failurePolicy: 'Ignore', sideEffects: 'None', admissionReviewVersions: ['v1'], timeoutSeconds: 1, rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['secrets'] }] }],
    });
    await cluster.kubectl('create', 'secret', 'generic', 'asked');
    await proxies(cluster);
    await eventually('the readiness probe told something', async () => (await client.get(pods, { namespace, name: 'one' })).status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'));
    await expect(client.raw('GET', `/api/v1/namespaces/${namespace}/pods/one:8080/proxy/`)).rejects.toThrow('is the address of a simulated pod, which has no network; start the cluster with --runtime containerd to reach pods');
    expect(await counted('leaked')).toBe(0);
  }, 60_000);
});

/** Has the API server call pods and services itself; what comes back is of no matter. */
async function proxies(cluster: ClusterUnderTest): Promise<void> {
  using client = cluster.client();
  await Promise.all(['pods/one:8080', 'services/one:80', 'services/nobody:80', 'pods/http:one:9999'].map((target) =>
    client.raw('GET', `/api/v1/namespaces/${namespace}/${target}/proxy/`).catch((error: unknown) => error)));
}
