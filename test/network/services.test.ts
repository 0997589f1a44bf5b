// Services on real containers of two nodes: every way in, every policy, and what a backend's end does to its clients.
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ContainerPort, PodSpec, ServiceSpec } from '../../src/api/generated/core-v1.ts';
import { endpointSlices, nodes, pods, services } from '../../src/api/generated/resources.ts';
import { keyOf } from '../../src/api/object.ts';
import type { HttpClient } from '../../src/client/http-client.ts';
import { addressPlan } from '../../src/machine/index.ts';
import { hostPortRules, hostPorts } from '../../src/proxy/host-ports.ts';
import { RuleStore } from '../../src/proxy/rule-store.ts';
import { servicePorts } from '../../src/proxy/service-ports.ts';
import { serviceRules } from '../../src/proxy/service-rules.ts';
import { ClusterUnderTest, eventually, run } from '../../src/testing/cluster-under-test.ts';
import { processOfPod } from '../../src/testing/pod-process.ts';

const cluster = new ClusterUnderTest('ways');
const image = 'msung99/maestro:0.1.0';
const namespace = 'default';
const children: ChildProcess[] = [];
let client: HttpClient;
/** By pod: its address, and a process in its network. */
const addresses: Record<string, string> = {};
const processes: Record<string, number> = {};
/** Of the first and the second node. */
let nodeAddresses: readonly string[];
/** The machine's own address on the bridge. */
let host: string;
let plan: ReturnType<typeof addressPlan>;

/** Answers each request with its own name and the address it sees; says no more that it is ready once `/tmp/ready` is gone. Takes no notice of SIGTERM. */
const SERVER = [
  'trap "" TERM', 'mkdir -p /tmp/w/cgi-bin', 'cd /tmp/w/cgi-bin',
  `printf '#!/bin/sh\\nprintf "Content-Type: text/plain\\\\r\\\\n\\\\r\\\\n"\\necho "$(hostname) $REMOTE_ADDR"\\n' > index.cgi`, 'busybox chmod 755 index.cgi', 'touch /tmp/w/ready', 'httpd -f -p 8080 -h /tmp/w',
].join('; ');

async function makePod(name: string, node: 'ways' | 'ways-2', labels: Record<string, string>, ports: readonly ContainerPort[] = [], more: Partial<PodSpec> = {}): Promise<void> {
  await client.create(pods, {
    metadata: { name, namespace, labels },
    spec: {
      nodeSelector: { 'kubernetes.io/hostname': node }, terminationGracePeriodSeconds: 300, ...more,
      containers: [{ name: 'c', image, imagePullPolicy: 'Never', command: ['sh', '-c', SERVER], ports: [{ name: 'http', containerPort: 8080 }, ...ports], readinessProbe: { httpGet: { port: 8080, path: '/ready' }, periodSeconds: 1, failureThreshold: 1 } }],
    },
  });
  const pod = await eventually(`${name} is ready`, async () => {
    const found = await client.get(pods, { namespace, name });
    return found.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') && found;
  });
  addresses[name] = pod.status!.podIP!;
  processes[name] = processOfPod(pod.metadata.uid, (await cluster.status()).nodes.find((one) => one.name === node)!.pid!);
}

/** The network of a pod, a node (`ways`) or the machine (`host`). */
function networkOf(place: string): string[] {
  if (place === 'host') return [];
  return ['nsenter', `--net=${processes[place] ? `/proc/${processes[place]}/ns/net` : `${cluster.dataDir}/run/${place}.net`}`, '--'];
}

/** One request; its answer is `POD CLIENT`, or nothing. */
async function ask(place: string, address: string, port: number, seconds = 5): Promise<string> {
  const { stdout } = await run([...networkOf(place), 'busybox', 'nc', '-w', String(seconds), address, String(port)], { input: 'GET / HTTP/1.0\n\n' });
  return /^\S+ \[::ffff:[\d.]+\]$/m.exec(stdout)?.[0].replace(/\[::ffff:(.*)\]/, '$1') ?? '';
}
/** Whether nothing answers. */
const isSilent = async (place: string, address: string, port: number): Promise<boolean> => (await ask(place, address, port, 1)) === '';
async function asks(times: number, place: string, address: string, port: number): Promise<string[]> {
  const answers: string[] = [];
  for (let i = 0; i < times; i++) answers.push(await ask(place, address, port));
  return answers;
}
const who = (answers: readonly string[]): string[] => [...new Set(answers.map((answer) => answer.split(' ')[0]!))].toSorted();
const exec = (pod: string, ...argv: string[]) => cluster.kubectl('exec', pod, '--', ...argv);

/** Makes a service and waits until the first node's kernel knows it. */
async function service(name: string, spec: ServiceSpec): Promise<{ ip: string; nodePort: number }> {
  const made = await client.create(services, { metadata: { name, namespace }, spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }], ...spec } });
  const ip = made.spec.clusterIP!;
  for (const node of ['ways', 'ways-2']) await eventually(`${name} is known to ${node}`, async () => (await rulesOf(node)).includes(ip));
  return { ip, nodePort: made.spec.ports![0]!.nodePort! };
}
const rulesOf = async (node: string): Promise<string> => (await run([...networkOf(node), 'nft', 'list', 'table', 'ip', 'wherry-proxy'])).stdout;
const change = (name: string, spec: object): Promise<unknown> => client.patch(services, { namespace, name }, { type: 'application/merge-patch+json', body: { spec } });
const setStatus = (name: string, ingress: readonly object[]): Promise<unknown> => (
  client.patch(services, { namespace, name }, { type: 'application/merge-patch+json', body: { status: { loadBalancer: { ingress } } } }, { subresource: 'status' })
);
const label = async (object: string, value: string): Promise<void> => expect(await cluster.kubectl('label', 'node', object, value, '--overwrite')).toMatchObject({ code: 0 });

/** A program in JavaScript in a pod's network. */
function program(place: string, script: string): { readonly child: ChildProcess; readonly lines: Interface } {
  const [command, ...rest] = [...networkOf(place), process.execPath, '-e', script] as string[] as [string, ...string[]];
  const child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  return { child, lines: createInterface(child.stdout!) };
}
/** Answers UDP with its name. */
async function answerUdp(pod: string, port: number): Promise<void> {
  const { lines } = program(pod, `const s = require('dgram').createSocket('udp4').on('message', (_, { port, address }) => s.send('${pod}', port, address)).bind(${port}, () => console.log('listens'))`);
  await new Promise((resolve) => lines.once('line', resolve));
}
/** One socket that speaks to one place for as long as it lives; answers who answered, or nothing after a second. */
function udpClient(place: string, address: string, port: number): () => Promise<string> {
  const { child, lines } = program(place, `
    const s = require('dgram').createSocket('udp4').on('message', (text) => said(String(text))); let said = () => {};
    process.stdin.on('data', () => { const timer = setTimeout(() => said(''), 1000); said = (text) => { clearTimeout(timer); said = () => {}; console.log(text) }; s.send('?', ${port}, '${address}') })`);
  return () => new Promise((resolve) => {
    lines.once('line', resolve);
    child.stdin!.write('\n');
  });
}

beforeAll(async () => {
  await cluster.start('--nodes', '2');
  await cluster.loadSampleImage();
  client = cluster.client();
  nodeAddresses = (await cluster.status()).nodes.map(({ address }) => address!);
  plan = addressPlan(Number(nodeAddresses[0]!.split('.')[2]));
  host = plan.host;
  await label('ways', 'topology.kubernetes.io/zone=east');
  await label('ways-2', 'topology.kubernetes.io/zone=west');
  await Promise.all([
    makePod('one', 'ways', { app: 'web' }), makePod('two', 'ways-2', { app: 'web' }), makePod('three', 'ways-2', { app: 'web' }), makePod('client', 'ways', { app: 'client' }),
  ]);
}, 120_000);

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  client?.[Symbol.dispose]();
  await cluster[Symbol.asyncDispose]();
}, 60_000);

test('the API server answers under its name, by way of the proxy', async () => {
  const found = await eventually('its name is known', async () => /Address.*: (10\.\d+\.0\.1)$/m.exec((await exec('client', 'nslookup', 'kubernetes.default.svc.cluster.local')).stdout)?.[1]);
  const { stdout } = await run([...networkOf('client'), 'curl', '-sk', '-m', '5', `https://${found}/version`]);
  expect(JSON.parse(stdout)).toHaveProperty('gitVersion');
});

test('session affinity binds a client for as long as it says', async () => {
  const { ip } = await service('bound', { sessionAffinity: 'ClientIP' });
  await eventually('it answers', async () => (await ask('client', ip, 80)) !== '');
  expect(who(await asks(12, 'client', ip, 80))).toHaveLength(1);
  await service('shortly', { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 1 } } }).then(async ({ ip: other }) => {
    const first = await eventually('it answers', async () => who([await ask('client', other, 80)])[0] || undefined);
    await eventually('it goes elsewhere when its time is over', async () => {
      await new Promise((resolve) => setTimeout(resolve, 1_300));
      return who([await ask('client', other, 80)])[0] !== first;
    });
  });
  // Without it nobody is bound.
  await change('bound', { sessionAffinity: 'None', sessionAffinityConfig: null });
  await eventually('it goes to all', async () => who(await asks(12, 'client', ip, 80)).length === 3);
});

test('internal traffic policy Local: on this node or not at all', async () => {
  const { ip } = await service('near', { internalTrafficPolicy: 'Local' });
  await eventually('only the one on its node', async () => who(await asks(8, 'client', ip, 80)).join() === 'one');
  await eventually('both on the other node', async () => who(await asks(12, 'two', ip, 80)).join() === 'three,two');
  await change('near', { selector: { app: 'web', 'only': 'there' } });
  await cluster.kubectl('label', 'pod', 'two', 'only=there');
  await eventually('the first node has none', async () => (await isSilent('client', ip, 80)) && who([await ask('two', ip, 80)])[0] === 'two');
});

test('external traffic policy Local keeps the address of the client, and the health port says where', async () => {
  expect(await cluster.wherry('addons enable', 'load-balancer')).toMatchObject({ code: 0 });
  await cluster.kubectl('label', 'pod', 'two', 'place=second');
  const { ip, nodePort } = await service('outer', { type: 'LoadBalancer', externalTrafficPolicy: 'Local', selector: { place: 'second' } });
  const made = await eventually('it has an address', async () => {
    const found = await client.get(services, { namespace, name: 'outer' });
    return found.status?.loadBalancer?.ingress?.[0]?.ip !== undefined && found;
  });
  const balancer = made.status!.loadBalancer!.ingress![0]!.ip!;
  await eventually('it answers', async () => (await ask('host', nodeAddresses[1]!, nodePort)) === `two ${host}`);
  expect(await isSilent('host', nodeAddresses[0]!, nodePort)).toBe(true);
  await eventually('the address leads to the node that has one', async () => (await ask('host', balancer, 80)) === `two ${host}`);
  // Whoever is inside may use any node.
  expect(who([await ask('client', balancer, 80), await ask('client', nodeAddresses[0]!, nodePort), await ask('client', ip, 80)])).toEqual(['two']);
  const health = async (node: number): Promise<string> => (await run(['curl', '-s', '-m', '5', '-w', ' %{http_code}', `http://${nodeAddresses[node]}:${made.spec.healthCheckNodePort}/`])).stdout;
  expect([await health(0), await health(1)]).toEqual([expect.stringMatching(/"localEndpoints":0.* 503$/), expect.stringMatching(/"localEndpoints":1.* 200$/)]);
  await change('outer', { externalTrafficPolicy: 'Cluster' });
  await eventually('every node takes it', async () => (await ask('host', nodeAddresses[0]!, nodePort)).startsWith('two '));
  await eventually('the health port is closed', async () => (await health(1)).endsWith('000'));

  // Who may use the address: not who uses the node's port.
  await change('outer', { loadBalancerSourceRanges: [`${host}/32`] });
  await eventually('pods may not', () => isSilent('client', balancer, 80));
  expect(who([await ask('host', balancer, 80), await ask('client', nodeAddresses[0]!, nodePort)])).toEqual(['two']);
  await client.delete(services, { namespace, name: 'outer' });
  expect(await cluster.wherry('addons disable', 'load-balancer')).toMatchObject({ code: 0 });
});

test('external IPs and addresses of other load balancers', async () => {
  // Addresses for documentation: should nothing translate them, the node has no way out.
  await service('outside', { type: 'LoadBalancer', loadBalancerClass: 'example.com/other', externalIPs: ['192.0.2.7'] });
  await eventually('the external IP answers', async () => who(await asks(12, 'client', '192.0.2.7', 80)).length === 3);
  await setStatus('outside', [{ ip: '192.0.2.9', ipMode: 'VIP' }]);
  await eventually('the load balancer\'s address answers', async () => who([await ask('client', '192.0.2.9', 80)])[0] !== '');
  await setStatus('outside', [{ ip: '192.0.2.9', ipMode: 'Proxy' }]);
  await eventually('it is left to its proxy', async () => !(await rulesOf('ways')).includes('192.0.2.9'));
  expect(await isSilent('client', '192.0.2.9', 80)).toBe(true);
  await client.delete(services, { namespace, name: 'outside' });
});

test('traffic distribution: near ones first, far ones where there is none', async () => {
  const { ip } = await service('spread', { trafficDistribution: 'PreferSameZone' });
  await eventually('the client stays in its zone', async () => who(await asks(8, 'client', ip, 80)).join() === 'one');
  expect(who(await asks(12, 'two', ip, 80))).toEqual(['three', 'two']);
  await label('ways', 'topology.kubernetes.io/zone=west');
  await eventually('both nodes are in one zone', async () => who(await asks(12, 'client', ip, 80)).length === 3);
  await change('spread', { trafficDistribution: 'PreferSameNode' });
  await eventually('the client stays on its node', async () => who(await asks(8, 'client', ip, 80)).join() === 'one');
  await exec('one', 'rm', '/tmp/w/ready');
  await eventually('there is none on its node', async () => who(await asks(12, 'client', ip, 80)).join() === 'three,two');
  await exec('one', 'touch', '/tmp/w/ready');
  await eventually('there is again', async () => who(await asks(8, 'client', ip, 80)).join() === 'one');
});

test('a backend that ends is used while there is no other', async () => {
  await makePod('last', 'ways-2', { app: 'last' });
  const { ip, nodePort } = await service('last', { type: 'NodePort', selector: { app: 'last' } });
  await eventually('it answers', async () => who([await ask('client', ip, 80)])[0] === 'last');
  await client.delete(pods, { namespace, name: 'last' });
  await eventually('it ends', async () => (await cluster.kubectl('get', 'endpointslices', '-l', 'kubernetes.io/service-name=last', '-o', 'jsonpath={.items[0].endpoints[0].conditions.terminating}')).stdout === 'true');
  expect(who([...(await asks(5, 'client', ip, 80)), ...(await asks(3, 'host', nodeAddresses[0]!, nodePort))])).toEqual(['last']);
  await makePod('next', 'ways', { app: 'last' });
  await eventually('the next one takes over', async () => who(await asks(6, 'client', ip, 80)).join() === 'next');
  for (const name of ['last', 'next']) await client.delete(pods, { namespace, name }, { gracePeriodSeconds: 0 });
  await eventually('nobody is left, and clients are told at once', async () => (await run([...networkOf('client'), 'busybox', 'nc', '-w', '2', ip, '80'])).stderr.includes('refused'));
});

test('UDP: a client goes on to another backend when its own is gone', async () => {
  const { ip, nodePort } = await service('names', { type: 'NodePort', selector: { app: 'names' }, ports: [{ port: 53, targetPort: 5353, protocol: 'UDP' }] });
  const inside = udpClient('client', ip, 53);
  const outside = udpClient('host', nodeAddresses[0]!, nodePort);
  // It began before there was any.
  expect([await inside(), await outside()]).toEqual(['', '']);
  await Promise.all(['two', 'three'].map((pod) => answerUdp(pod, 5353)));
  await cluster.kubectl('label', 'pod', 'two', 'app=names', '--overwrite');
  await eventually('the first one answers', async () => (await inside()) === 'two' && (await outside()) === 'two');
  await cluster.kubectl('label', 'pod', 'three', 'app=names', '--overwrite');
  await eventually('there are two', async () => (await rulesOf('ways')).includes(`${addresses['three']} . 5353`));
  // Whoever speaks with one stays with it.
  expect([await inside(), await outside()]).toEqual(['two', 'two']);
  await cluster.kubectl('label', 'pod', 'two', 'app=web', '--overwrite');
  await eventually('the second one answers', async () => (await inside()) === 'three' && (await outside()) === 'three');
  await cluster.kubectl('label', 'pod', 'three', 'app=web', '--overwrite');
});

test('host ports: on all addresses or one, TCP and UDP', async () => {
  await makePod('porter', 'ways', { app: 'porter' }, [
    { name: 'open', containerPort: 8080, hostPort: 9080 }, { name: 'loopback', containerPort: 8080, hostPort: 9081, hostIP: '127.0.0.1' },
    { name: 'udp', containerPort: 5353, hostPort: 9053, protocol: 'UDP', hostIP: nodeAddresses[0] },
  ].map((port) => ({ protocol: 'TCP', ...port })));
  await answerUdp('porter', 5353);
  await eventually('it answers outside', async () => (await ask('host', nodeAddresses[0]!, 9080)) === `porter ${host}`);
  expect(who([await ask('ways', '127.0.0.1', 9080), await ask('ways', '127.0.0.1', 9081), await ask('client', nodeAddresses[0]!, 9080), await ask('two', nodeAddresses[0]!, 9080)])).toEqual(['porter']);
  expect(await isSilent('host', nodeAddresses[0]!, 9081)).toBe(true);
  expect(await isSilent('host', nodeAddresses[1]!, 9080)).toBe(true);
  const speaker = udpClient('host', nodeAddresses[0]!, 9053);
  expect(await speaker()).toBe('porter');
  await client.delete(pods, { namespace, name: 'porter' }, { gracePeriodSeconds: 0 });
  await eventually('the ports are closed', async () => !(await rulesOf('ways')).includes('9080'));
  expect([await isSilent('host', nodeAddresses[0]!, 9080), await isSilent('ways', '127.0.0.1', 9081)]).toEqual([true, true]);
});

test('names: every kind of record, over UDP and TCP, and what is not there', async () => {
  await makePod('named', 'ways-2', { app: 'heads' }, [], { hostname: 'h-0', subdomain: 'heads' });
  await cluster.kubectl('label', 'pod', 'three', 'app=heads', '--overwrite');
  const port = { name: 'web', port: 80, targetPort: 8080, protocol: 'TCP' };
  await client.create(services, { metadata: { name: 'heads', namespace }, spec: { clusterIP: 'None', selector: { app: 'heads' }, ports: [port] } });
  await client.create(services, { metadata: { name: 'alias', namespace }, spec: { type: 'ExternalName', externalName: 'heads.default.svc.cluster.local' } });
  const { ip } = await service('known', { ports: [port] });
  const dashed = addresses['three']!.replaceAll('.', '-');
  const script = `
    const r = new (require('dns').promises.Resolver)({ timeout: 2000, tries: 2 }); r.setServers(['${plan.dnsService}']);
    const all = { a: r.resolve4('KNOWN.default.svc.cluster.local', { ttl: true }), aaaa: r.resolve6('known.default.svc.cluster.local'), absent: r.resolve4('nothing.default.svc.cluster.local'),
      srv: r.resolveSrv('_web._tcp.known.default.svc.cluster.local'), noPort: r.resolveSrv('_other._tcp.known.default.svc.cluster.local'), reverse: r.reverse('${ip}'), heads: r.resolve4('heads.default.svc.cluster.local'),
      head: r.resolve4('h-0.heads.default.svc.cluster.local'), dashed: r.resolve4('${dashed}.heads.default.svc.cluster.local'), headSrv: r.resolveSrv('_web._tcp.heads.default.svc.cluster.local'),
      headReverse: r.reverse('${addresses['named']}'), alias: r.resolveCname('alias.default.svc.cluster.local'), behindAlias: r.resolve4('alias.default.svc.cluster.local'), pod: r.resolve4('10-1-2-3.default.pod.cluster.local'),
      version: r.resolveTxt('dns-version.cluster.local'), zone: r.resolveSoa('cluster.local'), server: r.resolveNs('cluster.local'), outside: r.resolve4('example.org') };
    Promise.all(Object.entries(all).map(async ([name, asked]) => [name, await asked.catch((error) => error.code)])).then((found) => console.log(JSON.stringify(Object.fromEntries(found))))`;
  const ask = async (): Promise<Record<string, unknown>> => JSON.parse((await run([...networkOf('client'), process.execPath, '-e', script])).stdout) as Record<string, unknown>;
  const found = await eventually('all pods are known', async () => {
    const one = await ask();
    return Array.isArray(one['heads']) && one['heads'].length === 2 && one;
  });
  const sorted = (value: unknown): unknown => (value as unknown[]).toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  expect({ ...found, heads: sorted(found['heads']), behindAlias: sorted(found['behindAlias']), headSrv: (found['headSrv'] as { name: string; port: number }[]).map(({ name, port: number }) => ({ name, port: number })).toSorted((a, b) => (a.name < b.name ? -1 : 1)) }).toEqual({
    a: [{ address: ip, ttl: 5 }], aaaa: 'ENODATA', absent: 'ENOTFOUND', srv: [expect.objectContaining({ name: 'known.default.svc.cluster.local', port: 80 })], noPort: 'ENOTFOUND', reverse: ['known.default.svc.cluster.local'],
    heads: sorted([addresses['named'], addresses['three']]), head: [addresses['named']], dashed: [addresses['three']],
    headSrv: [`${dashed}.heads.default.svc.cluster.local`, 'h-0.heads.default.svc.cluster.local'].map((name) => ({ name, port: 8080 })),
    headReverse: ['h-0.heads.default.svc.cluster.local'], alias: ['heads.default.svc.cluster.local'], behindAlias: sorted([addresses['named'], addresses['three']]), pod: ['10.1.2.3'],
    version: [['1.1.0']], zone: expect.objectContaining({ nsname: 'ns.dns.cluster.local' }), server: ['ns.dns.cluster.local'], outside: 'EREFUSED',
  });
  // By the search list of the pod, as its programs do.
  for (const [name, there] of [['known', true], ['known.default', true], ['known.default.svc', true], ['nothing', false]] as const) {
    expect((await exec('client', 'nc', '-w', '2', name, '80')).code === 0, name).toBe(there);
  }
  await cluster.kubectl('label', 'pod', 'three', 'app=web', '--overwrite');
  await client.delete(pods, { namespace, name: 'named' }, { gracePeriodSeconds: 0 });
});

test('the kernel holds what is meant: rules made from the API alone, in an empty network, are the same', async () => {
  const listed = (json: string): string[] => {
    const { nftables } = JSON.parse(json) as { nftables: Record<string, { name?: string }>[] };
    return nftables.filter((entry) => !entry['metainfo']).map((entry) => JSON.stringify(entry, (key, value: unknown) => {
      if (key === 'handle') return undefined;
      // Whom affinity binds is the kernel's own business.
      return key !== 'elem' || !Array.isArray(value) ? value : entry['set']?.name?.startsWith('aff-') ? [] : value.map((one) => JSON.stringify(one)).toSorted();
    }).replace(',"elem":[]', '')).toSorted();
  };
  for (const [i, name] of ['ways', 'ways-2'].entries()) {
    await eventually(`${name} agrees`, async () => {
      const zone = (await client.get(nodes, { name })).metadata.labels?.['topology.kubernetes.io/zone'];
      const slices = (await client.list(endpointSlices)).items;
      const store = new RuleStore({ nodeAddress: nodeAddresses[i]!, serviceCidr: plan.services });
      for (const one of (await client.list(services)).items) {
        const own = slices.filter(({ metadata }) => metadata.namespace === one.metadata.namespace && metadata.labels?.['kubernetes.io/service-name'] === one.metadata.name);
        store.put(`service/${keyOf(one)}`, serviceRules(servicePorts(one, own, { name, ...(zone && { zone }) }), { clusterCidr: plan.pods }));
      }
      for (const pod of (await client.list(pods)).items) if (pod.spec.nodeName === name) store.put(`pod/${keyOf(pod)}`, hostPortRules(keyOf(pod), hostPorts(pod, { nodeAddress: nodeAddresses[i]! })));
      const expected = await run(['unshare', '--net', 'sh', '-ec', 'nft -f -; nft -j list table ip wherry-proxy'], { input: store.render() });
      const present = await run([...networkOf(name), 'nft', '-j', 'list', 'table', 'ip', 'wherry-proxy']);
      expect(listed(present.stdout)).toEqual(listed(expected.stdout));
      return true;
    });
  }
});
