import { spawn, execFileSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Service } from '../api/generated/core-v1.ts';
import type { EndpointSlice } from '../api/generated/discovery-v1.ts';
import { endpointSlices, pods, services } from '../api/generated/resources.ts';
import { IPV6 } from '../base/address-family.ts';
import { systemClock as clock } from '../base/clock.ts';
import { silentLog as log } from '../base/log.ts';
import { nftRunner, type NftRunner } from '../base/nft-runner.ts';
import { seededRandom } from '../base/random.ts';
import { createInformerFactory } from '../client/informer-factory.ts';
import { startTestApiServer, type TestApiServer } from '../testing/api-server.ts';
import { conntrackRunner } from './conntrack-runner.ts';
import { startProxy, type Proxy } from './proxy.ts';
import { RuleStore } from './rule-store.ts';
import { servicePorts } from './service-ports.ts';
import { serviceRules } from './service-rules.ts';

const address = '10.231.99.11';
const able = process.platform === 'linux' && process.getuid?.() === 0
  && ['/usr/sbin/nft', '/usr/sbin/ip', '/usr/bin/busybox', '/usr/bin/unshare'].every((program) => existsSync(program));

/** Network namespaces that end with their `sleep`. */
class Namespaces implements Disposable {
  readonly #sleepers: ChildProcess[] = [];

  async add(): Promise<number> {
    const child = spawn('unshare', ['--net', 'sleep', '600']);
    this.#sleepers.push(child);
    while (readFileSync(`/proc/${child.pid}/comm`, 'utf8').trim() !== 'sleep') await clock.sleep(5);
    inside(child.pid!, 'ip link set lo up');
    return child.pid!;
  }

  /** A cable from namespace `a` to namespace `b`. */
  join(a: number, linkA: string, b: number, linkB: string): void {
    inside(a, `ip link add ${linkA} type veth peer name ${linkB} netns ${b}; ip link set ${linkA} up`);
    inside(b, `ip link set ${linkB} up`);
  }

  /** `busybox nc` says its name to whoever connects. */
  serve(pid: number, port: number, name: string): void {
    this.#sleepers.push(spawn('nsenter', [`--net=/proc/${pid}/ns/net`, 'busybox', 'nc', '-ll', '-p', String(port), '-e', 'echo', name], { stdio: 'ignore' }));
  }

  /** A program in JavaScript, which has sockets of all kinds. */
  run(pid: number, script: string): ChildProcess {
    const child = spawn('nsenter', [`--net=/proc/${pid}/ns/net`, process.execPath, '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#sleepers.push(child);
    return child;
  }

  [Symbol.dispose](): void {
    for (const child of this.#sleepers) child.kill('SIGKILL');
  }
}

function inside(pid: number, script: string): string {
  return execFileSync('nsenter', [`--net=/proc/${pid}/ns/net`, 'sh', '-ec', script], { encoding: 'utf8', timeout: 20_000, stdio: ['ignore', 'pipe', 'pipe'] });
}

describe.runIf(able)('a node with two pods, another node\'s pod and a client, in the kernel', () => {
  const namespaces = new Namespaces();
  const backends = ['10.244.1.5', '10.244.1.6', '10.244.2.7'];
  let node: number;
  let podNamespaces: number[];
  let client: number;
  let api: TestApiServer;
  let proxy: Proxy;
  let nft: NftRunner;
  const stack = new AsyncDisposableStack();
  const written: string[] = [];

  const startOne = async (): Promise<Proxy> => {
    const informers = stack.use(createInformerFactory({ client: api.admin, clock, random: seededRandom(1), log }));
    const recording: NftRunner = { ...nft, apply: (text) => (written.push(text), nft.apply(text)) };
    const one = stack.use(await startProxy({
      informers, nodeName: 'one', nodeAddress: address, clusterCidr: '10.244.0.0/16', serviceCidr: '10.96.0.0/16', nft: recording,
      conntrack: conntrackRunner(['nsenter', `--net=/proc/${node}/ns/net`]), clock, log,
    }));
    await one.idle();
    return one;
  };
  /** Until the proxy has seen what the server has, and written it. */
  const settled = async (): Promise<void> => {
    await clock.sleep(50);
    await proxy.idle();
  };
  const makeSlice = (service: string, addresses: readonly string[], port = 8080, protocol = 'TCP') => api.admin.create(endpointSlices, {
    metadata: { name: `${service}-1`, namespace: 'default', labels: { 'kubernetes.io/service-name': service } }, addressType: 'IPv4', ports: [{ name: '', port, protocol }],
    endpoints: addresses.map((one) => ({ addresses: [one], nodeName: one.startsWith('10.244.1.') ? 'one' : 'two', conditions: { ready: true, serving: true, terminating: false } })),
  });
  /** Who answers how often. */
  const ask = (from: number, at: string, port: number, times: number): Record<string, number> => {
    const answers = inside(from, `for i in $(seq ${times}); do busybox nc -w 3 ${at} ${port} < /dev/null || echo refused; done`).trim().split('\n');
    return Object.fromEntries([...new Set(answers)].toSorted().map((name) => [name, answers.filter((answer) => answer === name).length]));
  };

  beforeAll(async () => {
    node = await namespaces.add();
    client = await namespaces.add();
    podNamespaces = await Promise.all(backends.map(() => namespaces.add()));
    inside(node, 'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter; echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet');
    podNamespaces.forEach((pod, i) => {
      namespaces.join(node, `pod${i}`, pod, 'eth0');
      inside(node, `ip addr add 10.244.1.1/32 dev pod${i}; ip route add ${backends[i]} dev pod${i}`);
      inside(pod, `ip addr add ${backends[i]}/32 dev eth0; ip route add 10.244.1.1 dev eth0; ip route add default via 10.244.1.1`);
      namespaces.serve(pod, 8080, `pod${i}`);
    });
    namespaces.join(node, 'eth0', client, 'eth0');
    inside(node, `ip addr add ${address}/24 dev eth0; ip route add 10.96.0.0/16 dev eth0 src ${address}`);
    inside(client, 'ip addr add 10.231.99.1/24 dev eth0; ip route add 10.231.99.200 via 10.231.99.11');
    nft = nftRunner(['nsenter', `--net=/proc/${node}/ns/net`]);
    api = stack.use(await startTestApiServer());
    await api.admin.create(services, { metadata: { name: 'web', namespace: 'default' }, spec: { type: 'LoadBalancer', clusterIP: '10.96.0.50', ports: [{ port: 80, targetPort: 8080, nodePort: 30080, protocol: 'TCP' }] } });
    await makeSlice('web', backends);
    proxy = await startOne();
    await clock.sleep(200);
  });

  afterAll(async () => {
    await stack.disposeAsync();
    namespaces[Symbol.dispose]();
  });

  it('spreads over all backends, whoever asks, themselves included', () => {
    for (const [from, at, port] of [[node, '10.96.0.50', 80], [podNamespaces[0]!, '10.96.0.50', 80], [client, address, 30080], [podNamespaces[2]!, address, 30080]] as const) {
      const answers = ask(from, at, port, 60);
      expect(Object.keys(answers)).toEqual(['pod0', 'pod1', 'pod2']);
      for (const count of Object.values(answers)) expect(count).toBeGreaterThan(5);
    }
  }, 60_000);

  it('refuses at once what nobody serves', async () => {
    expect(ask(podNamespaces[0]!, '10.96.0.50', 81, 1)).toEqual({ refused: 1 });
    expect(ask(node, '10.96.77.77', 80, 1)).toEqual({ refused: 1 });
    await api.admin.create(services, { metadata: { name: 'empty', namespace: 'default' }, spec: { type: 'NodePort', clusterIP: '10.96.0.51', ports: [{ port: 80, nodePort: 30081, protocol: 'TCP' }] } });
    await settled();
    const began = performance.now();
    for (const [from, at, port] of [[podNamespaces[0]!, '10.96.0.51', 80], [node, '10.96.0.51', 80], [client, address, 30081]] as const) expect(ask(from, at, port, 1)).toEqual({ refused: 1 });
    expect(performance.now() - began).toBeLessThan(1500);
  });

  it('answers on the address of a load balancer as soon as the service has one, and only to those who may', async () => {
    const key = { namespace: 'default', name: 'web' };
    await api.admin.patch(services, key, { type: 'application/merge-patch+json', body: { status: { loadBalancer: { ingress: [{ ip: '10.231.99.200', ipMode: 'VIP' }] } } } }, { subresource: 'status' });
    await settled();
    expect(Object.values(ask(client, '10.231.99.200', 80, 10)).reduce((a, b) => a + b)).toBe(10);
    await api.admin.patch(services, key, { type: 'application/merge-patch+json', body: { spec: { loadBalancerSourceRanges: ['192.0.2.0/24'] } } });
    await settled();
    expect(ask(client, '10.231.99.200', 80, 1)).toEqual({ refused: 1 });
    expect(ask(client, address, 30080, 1)).not.toEqual({ refused: 1 });
  });

  it('keeps a client with its backend, over a restart of the proxy too', async () => {
    await api.admin.create(services, { metadata: { name: 'bound', namespace: 'default' }, spec: { clusterIP: '10.96.0.52', sessionAffinity: 'ClientIP', ports: [{ port: 80, targetPort: 8080, protocol: 'TCP' }] } });
    await makeSlice('bound', backends);
    await settled();
    const first = ask(podNamespaces[1]!, '10.96.0.52', 80, 10);
    expect(Object.values(first)).toEqual([10]);
    await proxy[Symbol.asyncDispose]();
    proxy = await startOne();
    expect(ask(podNamespaces[1]!, '10.96.0.52', 80, 10)).toEqual(first);
  });

  it('keeps the address of a client where that is asked for', async () => {
    for (const pod of [podNamespaces[0]!, podNamespaces[2]!]) namespaces.run(pod, "require('net').createServer((socket) => socket.end(socket.remoteAddress.replace('::ffff:', '') + '\\n')).listen(8081)");
    await api.admin.create(services, { metadata: { name: 'own', namespace: 'default' }, spec: { type: 'NodePort', clusterIP: '10.96.0.53', externalTrafficPolicy: 'Local', ports: [{ port: 80, targetPort: 8081, nodePort: 30083, protocol: 'TCP' }] } });
    await makeSlice('own', [backends[0]!, backends[2]!], 8081);
    await settled();
    await clock.sleep(300);
    expect(ask(client, address, 30083, 10)).toEqual({ '10.231.99.1': 10 });
    expect(Object.keys(ask(client, address, 30080, 5))).not.toContain('refused');
    // Of the pods only the local one gets what comes from outside; inside, the other one does too.
    expect(Object.keys(ask(podNamespaces[1]!, '10.96.0.53', 80, 20))).toEqual(['10.244.1.6']);
  });

  it('sends UDP clients elsewhere when their backend goes', async () => {
    backends.forEach((_, i) => namespaces.run(podNamespaces[i]!, `const s = require('dgram').createSocket('udp4').on('message', (_, { port, address }) => s.send('pod${i}', port, address)).bind(5353)`));
    await api.admin.create(services, { metadata: { name: 'names', namespace: 'default' }, spec: { clusterIP: '10.96.0.54', ports: [{ port: 53, targetPort: 5353, protocol: 'UDP' }] } });
    const slice = await makeSlice('names', backends, 5353, 'UDP');
    await settled();
    await clock.sleep(300);
    const asker = namespaces.run(client, `const s = require('dgram').createSocket('udp4').on('message', (text) => console.log(String(text))).bind(7777); process.stdin.on('data', () => s.send('?', 53, '10.96.0.54'))`);
    inside(client, 'ip route add 10.96.0.0/16 via 10.231.99.11');
    const who = async (): Promise<string> => {
      const answered = once(asker.stdout!, 'data') as Promise<[Buffer]>;
      asker.stdin!.write('\n');
      return (await answered)[0].toString().trim();
    };
    const first = await who();
    expect([await who(), await who()]).toEqual([first, first]);
    await api.admin.update(endpointSlices, { ...slice, endpoints: slice.endpoints!.filter((_, i) => `pod${i}` !== first) });
    await settled();
    expect(await who()).not.toBe(first);
  });

  it('opens a host port on the node and on its loopback', async () => {
    const pod = await api.admin.create(pods, { metadata: { name: 'p', namespace: 'default' }, spec: { nodeName: 'one', containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 8080, hostPort: 8888 }] }] } });
    await api.admin.updateStatus(pods, { ...pod, status: { phase: 'Running', podIP: backends[1]!, podIPs: [{ ip: backends[1]! }] } });
    await settled();
    expect(ask(client, address, 8888, 1)).toEqual({ pod1: 1 });
    expect(ask(node, '127.0.0.1', 8888, 1)).toEqual({ pod1: 1 });
    expect(ask(podNamespaces[1]!, address, 8888, 1)).toEqual({ pod1: 1 });
    await api.admin.delete(pods, { namespace: 'default', name: 'p' }, { gracePeriodSeconds: 0 });
    await settled();
    expect(ask(client, address, 8888, 1)).toEqual({ refused: 1 });
  });

  it('writes only what changed', async () => {
    written.length = 0;
    const slice = await api.admin.get(endpointSlices, { namespace: 'default', name: 'web-1' });
    await api.admin.update(endpointSlices, { ...slice, endpoints: slice.endpoints!.slice(0, 2) });
    await settled();
    expect(written).toHaveLength(1);
    expect(written[0]!.split('\n').filter(Boolean).every((line) => /\/web\//.test(line))).toBe(true);
    expect(Object.keys(ask(node, '10.96.0.50', 80, 30))).toEqual(['pod0', 'pod1']);
  });

  it('has in the kernel exactly what it means', async () => {
    const list = (pid: number): string[] => {
      const listed = JSON.parse(inside(pid, 'nft -j list table ip wherry-proxy')) as { nftables: Record<string, { handle?: number; family?: string; name?: string; elem?: unknown[] }>[] };
      return listed.nftables.filter((entry) => !entry['metainfo']).map((entry) => JSON.stringify(entry, (key, value: unknown) => {
        if (key === 'handle') return undefined;
        return key === 'elem' && Array.isArray(value) && entry['set']?.name?.startsWith('aff-') ? [] : key === 'elem' && Array.isArray(value) ? value.map((one) => JSON.stringify(one)).toSorted() : value;
      }).replace(',"elem":[]', '')).toSorted();
    };
    const other = await namespaces.add();
    await nftRunner(['nsenter', `--net=/proc/${other}/ns/net`]).apply(proxy.rules.render());
    expect(list(node)).toEqual(list(other));
  });

  it('takes rules up again that somebody else destroyed, with the next change', async () => {
    inside(node, 'nft delete table ip wherry-proxy');
    await api.admin.patch(services, { namespace: 'default', name: 'web' }, { type: 'application/merge-patch+json', body: { spec: { loadBalancerSourceRanges: null, sessionAffinity: 'ClientIP' } } });
    await settled();
    expect(ask(node, '10.96.0.50', 80, 1)).not.toEqual({ refused: 1 });
  });
});

describe.runIf(able)('rules of IPv6, in the kernel', () => {
  it('lead from a service and a node port to its pods, remember clients, and refuse what nobody serves', async () => {
    using namespaces = new Namespaces();
    const [node, client, ...podNamespaces] = await Promise.all([0, 1, 2, 3].map(() => namespaces.add())) as [number, number, number, number];
    const backends = ['fd00:10:244:1::5', 'fd00:10:244:1::6'];
    inside(node, 'echo 1 > /proc/sys/net/ipv6/conf/all/forwarding');
    podNamespaces.forEach((pod, i) => {
      namespaces.join(node, `pod${i}`, pod, 'eth0');
      inside(node, `ip addr add fd00:10:244:1::1/128 dev pod${i} nodad; ip -6 route add ${backends[i]} dev pod${i}`);
      inside(pod, `ip addr add ${backends[i]}/128 dev eth0 nodad; ip -6 route add fd00:10:244:1::1 dev eth0; ip -6 route add default via fd00:10:244:1::1`);
      namespaces.serve(pod, 8080, `pod${i}`);
    });
    namespaces.join(node, 'eth0', client, 'eth0');
    inside(node, 'ip addr add fd00:10:231::b/64 dev eth0 nodad; ip -6 route add fd00:10:96::/112 dev eth0 src fd00:10:231::b');
    inside(client, 'ip addr add fd00:10:231::1/64 dev eth0 nodad');
    const metadata = { name: 'web', namespace: 'default', uid: 'u', resourceVersion: '1', creationTimestamp: '' };
    const service = (spec: object): Service => ({ apiVersion: 'v1', kind: 'Service', metadata, spec: { type: 'NodePort', clusterIP: '10.96.0.70', clusterIPs: ['10.96.0.70', 'fd00:10:96::70'], ports: [{ port: 80, nodePort: 30070, protocol: 'TCP' }], ...spec } });
    const slice: EndpointSlice = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata, addressType: 'IPv6', ports: [{ port: 8080, protocol: 'TCP' }], endpoints: backends.map((one) => ({ addresses: [one], nodeName: 'one' })) };
    const foreign: EndpointSlice = { ...slice, addressType: 'IPv4', endpoints: [{ addresses: ['10.244.1.5'] }] };
    const store = new RuleStore({ family: IPV6, nodeAddress: 'fd00:10:231::b', serviceCidr: 'fd00:10:96::/112' });
    const nft = nftRunner(['nsenter', `--net=/proc/${node}/ns/net`]);
    const put = async (spec: object, ...slices: EndpointSlice[]): Promise<void> => {
      store.put('web', serviceRules(servicePorts(service(spec), slices, { name: 'one' }, IPV6), { clusterCidr: 'fd00:10:244::/56' }));
      await nft.apply(store.resync((await nft.present('ip6', 'wherry-proxy')) ?? { chains: [], sets: [] }));
      store.written();
    };
    const ask = (from: number, at: string, port: number, times: number): string[] => [...new Set(inside(from, `for i in $(seq ${times}); do busybox nc -w 3 ${at} ${port} < /dev/null || echo refused; done`).trim().split('\n'))].toSorted();
    await put({}, slice, foreign);
    for (const [from, at, port] of [[node, 'fd00:10:96::70', 80], [podNamespaces[0]!, 'fd00:10:96::70', 80], [client, 'fd00:10:231::b', 30070]] as const) expect(ask(from, at, port, 20)).toEqual(['pod0', 'pod1']);
    expect([ask(podNamespaces[0]!, 'fd00:10:96::70', 81, 1), ask(node, 'fd00:10:96::71', 80, 1)]).toEqual([['refused'], ['refused']]);
    await put({ sessionAffinity: 'ClientIP' }, slice);
    expect(ask(podNamespaces[1]!, 'fd00:10:96::70', 80, 10)).toHaveLength(1);
    await put({});
    expect(ask(client, 'fd00:10:231::b', 30070, 1)).toEqual(['refused']);
  }, 60_000);
});

describe('a pod that was deleted', () => {
  it('is drained when its services have written it out of the rules, at once when it has none', async () => {
    await using api = await startTestApiServer();
    const written: string[] = [];
    const nft: NftRunner = { apply: async (text) => void written.push(text), present: async () => undefined };
    await using informers = createInformerFactory({ client: api.admin, clock, random: seededRandom(1), log });
    await api.admin.create(services, { metadata: { name: 'web', namespace: 'default' }, spec: { ports: [{ port: 80, protocol: 'TCP' }] } });
    const pod = await api.admin.create(pods, { metadata: { name: 'p', namespace: 'default' }, spec: { nodeName: 'one', containers: [{ name: 'c', image: 'i' }] } });
    const endpoint = (address: string, conditions: object) => ({ addresses: [address], conditions, ...(address.endsWith('.1') && { targetRef: { kind: 'Pod', namespace: 'default', name: 'p', uid: pod.metadata.uid } }) });
    await using proxy = await startProxy({ informers, nodeName: 'one', nodeAddress: '127.0.0.1', clusterCidr: '10.244.0.0/16', nft, conntrack: { listUdp: async () => [], deleteUdp: async () => undefined }, clock, log });
    await proxy.idle();
    expect(await proxy.drained(pod)).toBe(false);
    const slice = await api.admin.create(endpointSlices, {
      metadata: { name: 'web-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } }, addressType: 'IPv4', ports: [{ name: '', port: 8080, protocol: 'TCP' }],
      endpoints: [endpoint('10.244.1.1', { ready: true }), endpoint('10.244.1.2', { ready: true })],
    });
    await eventually(() => written.at(-1)!.includes('10.244.1.1'));
    let drained = false;
    const draining = proxy.drained(pod).then(() => { drained = true; });
    await clock.sleep(100);
    expect(drained).toBe(false);
    await api.admin.update(endpointSlices, { ...slice, endpoints: [endpoint('10.244.1.1', { ready: false, serving: true, terminating: true }), endpoint('10.244.1.2', { ready: true })] });
    await draining;
    expect(written.at(-1)).toContain('10.244.1.2');
    expect(written.at(-1)).not.toContain('10.244.1.1:');
    const signal = new AbortController();
    await api.admin.update(endpointSlices, { ...(await api.admin.get(endpointSlices, { namespace: 'default', name: 'web-1' })), endpoints: [endpoint('10.244.1.1', { ready: true })] });
    await eventually(() => written.at(-1)!.includes('10.244.1.1'));
    const hurried = proxy.drained(pod, signal.signal);
    signal.abort();
    expect(await hurried).toBe(true);
  });

  const eventually = async (check: () => boolean): Promise<void> => {
    while (!check()) await clock.sleep(5);
  };
});

describe('health checks of services that keep their clients\' addresses', () => {
  it('say how many backends are here', async () => {
    await using api = await startTestApiServer();
    const quiet: NftRunner = { apply: async () => undefined, present: async () => undefined };
    await api.admin.create(services, { metadata: { name: 'web', namespace: 'default' }, spec: { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 32001, ports: [{ port: 80, protocol: 'TCP' }] } });
    await using informers = createInformerFactory({ client: api.admin, clock, random: seededRandom(1), log });
    await using proxy = await startProxy({ informers, nodeName: 'one', nodeAddress: '127.0.0.1', clusterCidr: '10.244.0.0/16', nft: quiet, conntrack: { listUdp: async () => [], deleteUdp: async () => undefined }, clock, log });
    await proxy.idle();
    const ask = (): Promise<[number, string]> => new Promise((resolve, reject) => {
      get('http://127.0.0.1:32001/', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => resolve([response.statusCode!, Buffer.concat(chunks).toString()]));
      }).on('error', reject);
    });
    await clock.sleep(20);
    expect(await ask()).toEqual([503, '{"service":{"namespace":"default","name":"web"},"localEndpoints":0,"serviceProxyHealthy":true}']);
    await api.admin.create(endpointSlices, {
      metadata: { name: 'web-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } }, addressType: 'IPv4', ports: [{ name: '', port: 1, protocol: 'TCP' }], endpoints: [{ addresses: ['10.244.1.1'], nodeName: 'one' }],
    });
    await clock.sleep(50);
    await proxy.idle();
    expect((await ask())[0]).toBe(200);
    // The last one ends: it is still used, but load balancers are to leave.
    const slice = await api.admin.get(endpointSlices, { namespace: 'default', name: 'web-1' });
    await api.admin.update(endpointSlices, { ...slice, endpoints: [{ addresses: ['10.244.1.1'], nodeName: 'one', conditions: { ready: false, serving: true, terminating: true } }] });
    await clock.sleep(50);
    await proxy.idle();
    expect((await ask())[0]).toBe(503);
  });
});
