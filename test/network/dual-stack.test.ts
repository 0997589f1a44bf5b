// A cluster of both families on real containers of two nodes: addresses, services, names and policies of IPv6 beside those of IPv4.
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ServiceSpec } from '../../src/api/generated/core-v1.ts';
import { networkPolicies, nodes, pods, services } from '../../src/api/generated/resources.ts';
import type { HttpClient } from '../../src/client/http-client.ts';
import { ClusterUnderTest, eventually, run } from '../../src/testing/cluster-under-test.ts';

const able = existsSync('/proc/net/if_inet6');
const cluster = new ClusterUnderTest('both');
const namespace = 'default';
const image = 'msung99/maestro:0.1.0';
let client: HttpClient;
/** Of each pod the address of IPv6. */
const six: Record<string, string> = {};

async function makePod(name: string, node: string): Promise<void> {
  await client.create(pods, {
    metadata: { name, namespace, labels: { app: 'web', name } },
    spec: { nodeSelector: { 'kubernetes.io/hostname': node }, terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image, imagePullPolicy: 'Never', readinessProbe: { httpGet: { port: 8080, path: '/' }, periodSeconds: 1 } }] },
  });
  const pod = await eventually(`${name} is ready`, async () => {
    const found = await client.get(pods, { namespace, name });
    return found.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') && found;
  });
  const addresses = pod.status!.podIPs!.map(({ ip }) => ip);
  expect(addresses).toEqual([expect.stringMatching(/^10\./), expect.stringMatching(/^fd00:10:2[45]/)]);
  expect(pod.status!.hostIPs).toHaveLength(2);
  six[name] = addresses[1]!;
}

const service = async (name: string, spec: ServiceSpec) => (await client.create(services, { metadata: { name, namespace }, spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }], ...spec } })).spec;
/** The pod that answers, from a pod or (`host`) the machine; nothing when none does. */
async function ask(from: string, address: string, port: number): Promise<string> {
  const request = `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | busybox nc -w 2 ${address} ${port}`;
  const { stdout } = from === 'host' ? await run(['sh', '-c', request]) : await cluster.kubectl('exec', from, '--', 'sh', '-c', request);
  return /You've hit (\w+)/.exec(stdout)?.[1] ?? '';
}
const answered = (what: string, from: string, address: string, port: number): Promise<string> => eventually(what, async () => (await ask(from, address, port)) || undefined);

beforeAll(async () => {
  if (!able) return;
  await cluster.start('--nodes', '2', '--ip-family', 'dual');
  await cluster.loadSampleImage();
  client = cluster.client();
  await Promise.all([makePod('one', 'both'), makePod('two', 'both-2')]);
}, 120_000);

afterAll(async () => {
  client?.[Symbol.dispose]();
  await cluster[Symbol.asyncDispose]();
  // Nothing of its addresses is left on the machine.
  if (six['one']) expect((await run(['ip', '-6', 'route', 'show'])).stdout).not.toContain(six['one'].split(':').slice(0, 3).join(':'));
}, 60_000);

test.runIf(able)('nodes, pods and the way between them', async () => {
  const [node] = (await client.list(nodes)).items;
  expect(node!.spec.podCIDRs).toHaveLength(2);
  expect(node!.status!.addresses!.filter(({ type }) => type === 'InternalIP')).toHaveLength(2);
  // For its first second a new address of IPv6 is on trial (duplicate address detection), and answers nobody.
  for (const [from, to] of [['one', 'two'], ['two', 'one'], ['host', 'two']] as const) expect(await answered(`${to} answers ${from}`, from, six[to]!, 8080)).toBe(to);
  // The guard: an address of the cluster's that nobody has dies here.
  const nobody = six['one']!.replace(/::.*$/, '::ffff:1').replace(/:(\d):/, ':99:');
  const route = await run(['ip', '-6', 'route', 'get', nobody]);
  expect(`${route.stdout}${route.stderr}`).toMatch(/unreachable|No route to host/);
});

test.runIf(able)('services of one family, of the other and of both; their names, and node ports', async () => {
  const both = await service('both', { type: 'NodePort', ipFamilyPolicy: 'RequireDualStack' });
  const only = await service('six', { ipFamilies: ['IPv6'] });
  const plain = await service('plain', {});
  const preferring = await service('preferring', { ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv6'] });
  expect([both.ipFamilies, only.ipFamilies, plain.ipFamilies, preferring.ipFamilies]).toEqual([['IPv4', 'IPv6'], ['IPv6'], ['IPv4'], ['IPv6', 'IPv4']]);
  expect([both.clusterIPs, only.clusterIPs, plain.clusterIPs].map((addresses) => addresses!.map((one) => (one.includes(':') ? 6 : 4)))).toEqual([[4, 6], [6], [4]]);
  await eventually('slices of both families', async () => (await cluster.kubectl('get', 'endpointslices', '-l', 'kubernetes.io/service-name=both', '-o', 'jsonpath={.items[*].addressType}')).stdout.split(' ').toSorted().join() === 'IPv4,IPv6');
  for (const address of both.clusterIPs!) await answered(`${address} answers`, 'one', address, 80);
  await answered('the service of IPv6 answers by its name', 'one', 'six', 80);
  const [, nodeSix] = (await client.get(nodes, { name: 'both' })).status!.addresses!;
  await answered('the node port answers', 'host', nodeSix!.address, both.ports![0]!.nodePort!);
  const names = (await cluster.kubectl('exec', 'one', '--', 'nslookup', 'both.default.svc.cluster.local')).stdout;
  for (const address of both.clusterIPs!) expect(names).toContain(address);
  // The second family is given up and taken again.
  const change = async (spec: object): Promise<ServiceSpec> => (await client.patch(services, { namespace, name: 'both' }, { type: 'application/merge-patch+json', body: { spec } })).spec;
  expect((await change({ ipFamilyPolicy: 'SingleStack' })).clusterIPs).toEqual(both.clusterIPs!.slice(0, 1));
  expect((await change({ ipFamilyPolicy: 'PreferDualStack' })).clusterIPs).toEqual([both.clusterIPs![0], expect.stringMatching(/^fd00:10:/)]);
});

test.runIf(able)('a policy holds for both', async () => {
  await client.create(networkPolicies, { metadata: { name: 'closed', namespace }, spec: { podSelector: { matchLabels: { name: 'two' } }, policyTypes: ['Ingress'] } });
  await eventually('it is closed', async () => (await ask('one', six['two']!, 8080)) === '');
  await client.create(networkPolicies, { metadata: { name: 'block', namespace }, spec: { podSelector: { matchLabels: { name: 'two' } }, ingress: [{ from: [{ ipBlock: { cidr: `${six['one']}/128` } }] }] } });
  expect(await answered('the block is open', 'one', six['two']!, 8080)).toBe('two');
});
