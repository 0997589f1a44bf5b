import { describe, expect, it } from 'vitest';
import type { Pod, Service } from '../api/generated/core-v1.ts';
import type { Endpoint, EndpointSlice } from '../api/generated/discovery-v1.ts';
import { seededRandom } from '../base/random.ts';
import { staleFlows, udpEntrances } from './conntrack-cleanup.ts';
import { parseFlow } from './conntrack-runner.ts';
import { hostPortRules, hostPorts } from './host-ports.ts';
import { tracePacket, type Packet } from './packet-trace.ts';
import { RuleStore } from './rule-store.ts';
import { chooseBackends, servicePorts } from './service-ports.ts';
import { serviceRules } from './service-rules.ts';

const node = { name: 'one', address: '10.231.0.11', serviceCidr: '10.96.0.0/16' };
const clusterCidr = '10.244.0.0/16';
const here = '10.244.1.9';
const outside = '10.231.0.1';

function service(spec: Service['spec'], status: Service['status'] = {}, metadata = {}): Service {
  return {
    apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'default', uid: 'u', resourceVersion: '1', creationTimestamp: '', ...metadata },
    spec: { clusterIP: '10.96.0.5', ports: [{ port: 80, protocol: 'TCP', targetPort: 8080 }], ...spec }, status,
  };
}

function headless(one: EndpointSlice): EndpointSlice {
  return { ...one, metadata: { ...one.metadata, labels: { ...one.metadata.labels, 'service.kubernetes.io/headless': '' } } };
}

function slice(endpoints: readonly Partial<Endpoint>[], ports: EndpointSlice['ports'] = [{ port: 8080, protocol: 'TCP' }]): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4', ports,
    metadata: { name: 'web-1', namespace: 'default', uid: 'u', resourceVersion: '1', creationTimestamp: '', labels: { 'kubernetes.io/service-name': 'web' } },
    endpoints: endpoints.map((endpoint) => ({ addresses: ['10.244.1.1'], ...endpoint })),
  };
}

const local = { addresses: ['10.244.1.5'], nodeName: 'one' };
const remote = { addresses: ['10.244.2.6'], nodeName: 'two' };
const remote2 = { addresses: ['10.244.2.7'], nodeName: 'two' };
const ending = { conditions: { ready: false, serving: true, terminating: true } };
const unready = { conditions: { ready: false, serving: false, terminating: false } };

function storeOf(one: Service, ...slices: EndpointSlice[]): RuleStore {
  const store = new RuleStore({ nodeAddress: node.address, serviceCidr: node.serviceCidr });
  store.put('service/default/web', serviceRules(servicePorts(one, slices, node), { clusterCidr }));
  return store;
}

/** `to MASQ`, `drop`, `reject`. */
function trace(store: RuleStore, packet: Partial<Packet>): string {
  const { verdict, to, masqueraded } = tracePacket(store, { protocol: 'tcp', source: here, destination: '10.96.0.5', port: 80, ...packet }, node);
  return verdict === 'accept' ? `${to.toSorted().join(' ')}${masqueraded ? ' masqueraded' : ''}` : verdict;
}

describe('where a packet for a service goes', () => {
  const both = '10.244.1.5:8080 10.244.2.6:8080';
  const nodePort = { destination: node.address, port: 30080, source: outside };
  const cases: [string, Service, EndpointSlice[], Partial<Packet>, string][] = [
    ['a cluster IP, from a pod', service({}), [slice([local, remote])], {}, both],
    ['a cluster IP, from the node', service({}), [slice([local, remote])], { source: node.address, fromThisNode: true }, `${both} masqueraded`],
    ['itself', service({}), [slice([local])], { source: '10.244.1.5' }, '10.244.1.5:8080 masqueraded'],
    ['another port of a cluster IP', service({}), [slice([local])], { port: 81 }, 'reject'],
    ['a cluster IP of nobody', service({}), [slice([local])], { destination: '10.96.9.9' }, 'reject'],
    ['a pod', service({}), [slice([local])], { destination: '10.244.2.2', port: 8080 }, '10.244.2.2:8080'],
    ['a service without endpoints', service({}), [], {}, 'reject'],
    ['a service with none ready', service({}), [slice([{ ...local, ...unready }])], {}, 'reject'],
    ['a service whose endpoints all end', service({}), [slice([{ ...local, ...ending }, { ...remote, ...unready }])], {}, '10.244.1.5:8080'],
    ['a service of which some end', service({}), [slice([{ ...local, ...ending }, remote])], {}, '10.244.2.6:8080'],
    ['two slices with the same endpoint', service({}), [slice([local]), slice([{ ...local, ...unready }, remote])], {}, both],
    ['a headless service', service({ clusterIP: 'None' }), [slice([local])], { destination: '10.1.1.1' }, '10.1.1.1:80'],
    ['a service of another proxy', service({}, {}, { labels: { 'service.kubernetes.io/service-proxy-name': 'wherry-dns' } }), [slice([local])], { destination: '10.1.1.1' }, '10.1.1.1:80'],
    ['a slice that is for DNS alone', service({}), [headless(slice([local])), slice([remote])], {}, '10.244.2.6:8080'],
    ['a service that is called headless, and is not', service({}, {}, { labels: { 'service.kubernetes.io/headless': '' } }), [slice([remote])], {}, '10.244.2.6:8080'],
    ['UDP', service({ ports: [{ port: 53, protocol: 'UDP' }] }), [slice([remote], [{ port: 53, protocol: 'UDP' }])], { protocol: 'udp', port: 53 }, '10.244.2.6:53'],
    ['TCP where only UDP is served', service({ ports: [{ port: 53, protocol: 'UDP' }] }), [slice([remote], [{ port: 53, protocol: 'UDP' }])], { port: 53 }, 'reject'],
    ['ports by name', service({ ports: [{ name: 'a', port: 1 }, { name: 'b', port: 2 }] }), [slice([remote], [{ name: 'a', port: 11, protocol: 'TCP' }, { name: 'b', port: 22, protocol: 'TCP' }])], { port: 2 }, '10.244.2.6:22'],
    ['a node port', service({ type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] }), [slice([local, remote])], nodePort, `${both} masqueraded`],
    ['a node port without endpoints', service({ type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] }), [], nodePort, 'reject'],
    ['a node port of a ClusterIP service', service({ ports: [{ port: 80, nodePort: 30080 }] }), [slice([local])], nodePort, '10.231.0.11:30080'],
    ['a node port, local', service({ type: 'NodePort', externalTrafficPolicy: 'Local', ports: [{ port: 80, nodePort: 30080 }] }), [slice([local, remote])], nodePort, '10.244.1.5:8080'],
    ['a node port, local, from a pod', service({ type: 'NodePort', externalTrafficPolicy: 'Local', ports: [{ port: 80, nodePort: 30080 }] }), [slice([local, remote])], { ...nodePort, source: here }, both],
    ['a node port, local, from the node', service({ type: 'NodePort', externalTrafficPolicy: 'Local', ports: [{ port: 80, nodePort: 30080 }] }), [slice([local, remote])], { ...nodePort, source: node.address, fromThisNode: true }, `${both} masqueraded`],
    ['a node port, local, none here', service({ type: 'NodePort', externalTrafficPolicy: 'Local', ports: [{ port: 80, nodePort: 30080 }] }), [slice([remote])], nodePort, 'drop'],
    ['a node port, local, here only ending ones', service({ type: 'NodePort', externalTrafficPolicy: 'Local', ports: [{ port: 80, nodePort: 30080 }] }), [slice([{ ...local, ...ending }, remote])], nodePort, '10.244.1.5:8080'],
    ['a cluster IP, internally local', service({ internalTrafficPolicy: 'Local' }), [slice([local, remote])], {}, '10.244.1.5:8080'],
    ['a cluster IP, internally local, none here', service({ internalTrafficPolicy: 'Local' }), [slice([remote])], {}, 'drop'],
    ['a node port, internally local', service({ type: 'NodePort', internalTrafficPolicy: 'Local', ports: [{ port: 80, nodePort: 30080 }] }), [slice([remote])], nodePort, '10.244.2.6:8080 masqueraded'],
    ['an external IP', service({ externalIPs: ['192.0.2.7'] }), [slice([remote])], { destination: '192.0.2.7', source: outside }, '10.244.2.6:8080 masqueraded'],
    ['an external IP without endpoints', service({ externalIPs: ['192.0.2.7'] }), [], { destination: '192.0.2.7' }, 'reject'],
    ['the address of a load balancer', service({ type: 'LoadBalancer' }, { loadBalancer: { ingress: [{ ip: '10.231.0.200', ipMode: 'VIP' }] } }), [slice([remote])], { destination: '10.231.0.200', source: outside }, '10.244.2.6:8080 masqueraded'],
    ['the address of a proxying load balancer', service({ type: 'LoadBalancer' }, { loadBalancer: { ingress: [{ ip: '10.231.0.200', ipMode: 'Proxy' }] } }), [slice([remote])], { destination: '10.231.0.200' }, '10.231.0.200:80'],
    ['a load balancer that knows its clients', service({ type: 'LoadBalancer', loadBalancerSourceRanges: ['10.231.0.0/24'] }, { loadBalancer: { ingress: [{ ip: '10.231.0.200' }] } }), [slice([remote])], { destination: '10.231.0.200', source: outside }, '10.244.2.6:8080 masqueraded'],
    ['a load balancer that does not', service({ type: 'LoadBalancer', loadBalancerSourceRanges: ['192.0.2.0/24'] }, { loadBalancer: { ingress: [{ ip: '10.231.0.200' }] } }), [slice([remote])], { destination: '10.231.0.200', source: outside }, 'drop'],
    ['hints for this node', service({}), [slice([{ ...local, hints: { forNodes: [{ name: 'one' }] } }, { ...remote, hints: { forNodes: [{ name: 'two' }] } }])], {}, '10.244.1.5:8080'],
    ['hints that leave this node out', service({}), [slice([{ ...remote, hints: { forNodes: [{ name: 'two' }] } }, { ...remote2, hints: { forNodes: [{ name: 'two' }] } }])], {}, '10.244.2.6:8080 10.244.2.7:8080'],
    ['hints, where only ending ones are near', service({}), [slice([{ ...local, ...ending, hints: { forNodes: [{ name: 'one' }] } }, { ...remote, hints: { forNodes: [{ name: 'two' }] } }])], {}, '10.244.2.6:8080'],
    ['hints of ending ones', service({}), [slice([{ ...local, ...ending, hints: { forNodes: [{ name: 'one' }] } }, { ...remote, ...ending, hints: { forNodes: [{ name: 'two' }] } }])], {}, both],
    ['SCTP', service({ ports: [{ port: 80, protocol: 'SCTP' }] }), [slice([remote], [{ port: 38412, protocol: 'SCTP' }])], { protocol: 'sctp' }, '10.244.2.6:38412'],
    ['hints that some lack', service({}), [slice([{ ...local, hints: { forNodes: [{ name: 'one' }] } }, remote])], {}, both],
  ];
  it.each(cases)('%s', (_, one, slices, packet, expected) => expect(trace(storeOf(one, ...slices), packet)).toBe(expected));

  it('a client that is bound to a backend stays with it', () => {
    const store = storeOf(service({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } }), slice([local, remote]));
    expect(trace(store, {})).toBe(both);
    const remembers = (set: string, source: string): boolean => set.includes('10-244-2-6') && source === here;
    expect(tracePacket(store, { protocol: 'tcp', source: here, destination: '10.96.0.5', port: 80 }, { ...node, remembers }).to).toEqual(['10.244.2.6:8080']);
  });

  it('a host port', () => {
    const pod = {
      apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'default', uid: 'u', resourceVersion: '1', creationTimestamp: '' },
      spec: { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80, hostPort: 8888 }, { containerPort: 53, hostPort: 53, protocol: 'UDP', hostIP: '192.0.2.9' }] }] }, status: { podIP: '10.244.1.5' },
    } as Pod;
    const store = new RuleStore({ nodeAddress: node.address });
    store.put('pod', hostPortRules('default/p', hostPorts(pod, { nodeAddress: node.address })));
    expect(trace(store, { destination: node.address, port: 8888, source: outside })).toBe('10.244.1.5:80');
    expect(trace(store, { destination: '127.0.0.1', port: 8888, source: '127.0.0.1' })).toBe('10.244.1.5:80 masqueraded');
    expect(trace(store, { destination: '192.0.2.9', port: 53, protocol: 'udp', source: outside })).toBe('10.244.1.5:53');
    store.put('pod', hostPortRules('default/p', hostPorts({ ...pod, status: { phase: 'Succeeded', podIP: '10.244.1.5' } }, { nodeAddress: node.address })));
    expect(trace(store, { destination: node.address, port: 8888 })).toBe('10.231.0.11:8888');
  });

  it('one address for two services is the first one\'s, then the other\'s', () => {
    const store = storeOf(service({ externalIPs: ['192.0.2.7'] }), slice([local]));
    const other = service({ clusterIP: '10.96.0.6', externalIPs: ['192.0.2.7'] }, {}, { name: 'aaa' });
    store.put('service/default/aaa', serviceRules(servicePorts(other, [slice([remote])], node), { clusterCidr }));
    expect(trace(store, { destination: '192.0.2.7' })).toContain('10.244.2.6');
    store.put('service/default/aaa', undefined);
    expect(trace(store, { destination: '192.0.2.7' })).toContain('10.244.1.5');
  });
});

describe('the text for nft', () => {
  it('writes one chain with one map for a service, and for one change only that', () => {
    const store = storeOf(service({ type: 'NodePort', ports: [{ name: 'http', port: 80, nodePort: 30080 }] }), slice([local, remote], [{ name: 'http', port: 8080, protocol: 'TCP' }]));
    expect(store.render()).toMatchInlineSnapshot(`
      "add table ip wherry-proxy
      add chain ip wherry-proxy services
      add chain ip wherry-proxy endpoints-check
      add chain ip wherry-proxy cluster-ips-check
      add chain ip wherry-proxy refuse
      add chain ip wherry-proxy firewall-prerouting { type filter hook prerouting priority -110; }
      add chain ip wherry-proxy firewall-output { type filter hook output priority -110; }
      add chain ip wherry-proxy loopback-guard { type filter hook prerouting priority -300; }
      add chain ip wherry-proxy nat-prerouting { type nat hook prerouting priority -100; }
      add chain ip wherry-proxy nat-output { type nat hook output priority -100; }
      add chain ip wherry-proxy filter-input { type filter hook input priority 0; }
      add chain ip wherry-proxy filter-forward { type filter hook forward priority 0; }
      add chain ip wherry-proxy filter-output { type filter hook output priority 0; }
      add chain ip wherry-proxy nat-postrouting { type nat hook postrouting priority 100; }
      add chain ip wherry-proxy ext-95253a1d69-default/web/tcp/http
      add chain ip wherry-proxy svc-95253a1d69-default/web/tcp/http
      table ip wherry-proxy {
      	map service-ips { type ipv4_addr . inet_proto . inet_service : verdict; elements = { 10.96.0.5 . tcp . 80 : goto svc-95253a1d69-default/web/tcp/http } }
      	map node-ports { type inet_proto . inet_service : verdict; elements = { tcp . 30080 : goto ext-95253a1d69-default/web/tcp/http } }
      	map host-ports { type ipv4_addr . inet_proto . inet_service : verdict; }
      	map no-endpoint-ips { type ipv4_addr . inet_proto . inet_service : verdict; }
      	map no-endpoint-node-ports { type inet_proto . inet_service : verdict; }
      	map firewall-ips { type ipv4_addr . inet_proto . inet_service : verdict; }
      	set cluster-ips { type ipv4_addr; elements = { 10.96.0.5 } }
      	set hairpin { type ipv4_addr . ipv4_addr; elements = { 10.244.1.5 . 10.244.1.5 } }
      	chain services {
      		ip daddr . meta l4proto . th dport vmap @service-ips
      		ip daddr 10.231.0.11 meta l4proto . th dport vmap @node-ports
      		ip daddr . meta l4proto . th dport vmap @host-ports
      	}
      	chain endpoints-check {
      		ip daddr . meta l4proto . th dport vmap @no-endpoint-ips
      		ip daddr 10.231.0.11 meta l4proto . th dport vmap @no-endpoint-node-ports
      	}
      	chain cluster-ips-check {
      		fib daddr type local return
      		ip daddr @cluster-ips goto refuse
      		ip daddr 10.96.0.0/16 goto refuse
      	}
      	chain refuse {
      		meta l4proto tcp reject with tcp reset
      		reject
      	}
      	chain firewall-prerouting {
      		type filter hook prerouting priority -110;
      		ct state new ip daddr . meta l4proto . th dport vmap @firewall-ips
      	}
      	chain firewall-output {
      		type filter hook output priority -110;
      		ct state new ip daddr . meta l4proto . th dport vmap @firewall-ips
      	}
      	chain loopback-guard {
      		type filter hook prerouting priority -300;
      		iifname != "lo" ip daddr 127.0.0.0/8 drop
      	}
      	chain nat-prerouting {
      		type nat hook prerouting priority -100;
      		jump services
      	}
      	chain nat-output {
      		type nat hook output priority -100;
      		jump services
      	}
      	chain filter-input {
      		type filter hook input priority 0;
      		ct state new jump endpoints-check
      	}
      	chain filter-forward {
      		type filter hook forward priority 0;
      		ct state new jump endpoints-check
      		jump cluster-ips-check
      	}
      	chain filter-output {
      		type filter hook output priority 0;
      		ct state new jump endpoints-check
      		jump cluster-ips-check
      	}
      	chain nat-postrouting {
      		type nat hook postrouting priority 100;
      		ip saddr . ip daddr @hairpin ct status dnat masquerade
      		meta mark and 0x4000 == 0x4000 masquerade
      	}
      	chain ext-95253a1d69-default/web/tcp/http {
      		meta mark set meta mark or 0x4000
      		goto svc-95253a1d69-default/web/tcp/http
      	}
      	chain svc-95253a1d69-default/web/tcp/http {
      		ip saddr != { 10.244.0.0/16 } meta mark set meta mark or 0x4000
      		meta l4proto tcp dnat ip to numgen random mod 2 map { 0 : 10.244.1.5 . 8080, 1 : 10.244.2.6 . 8080 }
      	}
      }
      "
    `);
    store.written();
    expect(store.changes()).toBe(undefined);
    store.put('service/default/web', serviceRules(servicePorts(service({ type: 'NodePort', ports: [{ name: 'http', port: 80, nodePort: 30080 }] }), [slice([local, remote, remote2], [{ name: 'http', port: 8080, protocol: 'TCP' }])], node), { clusterCidr }));
    expect(store.changes()).toMatchInlineSnapshot(`
      "flush chain ip wherry-proxy svc-95253a1d69-default/web/tcp/http
      add rule ip wherry-proxy svc-95253a1d69-default/web/tcp/http ip saddr != { 10.244.0.0/16 } meta mark set meta mark or 0x4000
      add rule ip wherry-proxy svc-95253a1d69-default/web/tcp/http meta l4proto tcp dnat ip to numgen random mod 3 map { 0 : 10.244.1.5 . 8080, 1 : 10.244.2.6 . 8080, 2 : 10.244.2.7 . 8080 }
      "
    `);
    store.written();
    store.put('service/default/web', undefined);
    expect(store.changes()).toMatchInlineSnapshot(`
      "flush chain ip wherry-proxy svc-95253a1d69-default/web/tcp/http
      flush chain ip wherry-proxy ext-95253a1d69-default/web/tcp/http
      delete element ip wherry-proxy cluster-ips { 10.96.0.5 }
      delete element ip wherry-proxy hairpin { 10.244.1.5 . 10.244.1.5 }
      delete element ip wherry-proxy service-ips { 10.96.0.5 . tcp . 80 : goto svc-95253a1d69-default/web/tcp/http }
      delete element ip wherry-proxy node-ports { tcp . 30080 : goto ext-95253a1d69-default/web/tcp/http }
      delete chain ip wherry-proxy svc-95253a1d69-default/web/tcp/http
      delete chain ip wherry-proxy ext-95253a1d69-default/web/tcp/http
      "
    `);
  });
});

/** As much of nftables as the proxy's transactions use, and as strict about names. */
class Kernel {
  readonly chains = new Map<string, string[]>();
  readonly sets = new Map<string, Map<string, string>>();

  apply(transaction: string): void {
    for (const line of transaction.split('\n').filter(Boolean)) this.#line(line);
    for (const [name, rules] of this.chains) for (const rule of rules) this.#check(rule, name);
    for (const [set, entries] of this.sets) for (const value of entries.values()) this.#check(value, set);
  }

  #line(line: string): void {
    const [verb, what, , , name = '', ...rest] = line.split(' ');
    const text = rest.join(' ');
    const known = (): void => { if (!this.chains.has(name) && !this.sets.has(name)) throw new Error(`${line}: no ${name}`); };
    if (verb === 'add' && what === 'table') return;
    if (verb === 'add' && what === 'chain') { if (!this.chains.has(name)) this.chains.set(name, []); return; }
    if (verb === 'add' && (what === 'set' || what === 'map')) { if (!this.sets.has(name)) this.sets.set(name, new Map()); return; }
    known();
    if (verb === 'flush' && what === 'chain') this.chains.set(name, []);
    else if (verb === 'flush') this.sets.set(name, new Map());
    else if (verb === 'add' && what === 'rule') this.chains.get(name)!.push(text);
    else if (verb === 'delete' && what === 'chain') {
      if (this.chains.get(name)!.length > 0) throw new Error(`${name} is not empty`);
      for (const entries of this.sets.values()) for (const value of entries.values()) if (value === `goto ${name}`) throw new Error(`${name} is in use`);
      this.chains.delete(name);
    } else if (verb === 'delete' && what === 'set') this.sets.delete(name);
    else if (what === 'element') {
      for (const entry of text.slice(2, -2).split(', ')) {
        const [key, value = ''] = entry.split(' : ') as [string, string?];
        const present = this.sets.get(name)!.get(key);
        if (verb === 'delete' ? present !== value : present !== undefined && present !== value) throw new Error(`${line}: ${key} is ${present}`);
        if (verb === 'delete') this.sets.get(name)!.delete(key);
        else this.sets.get(name)!.set(key, value);
      }
    } else throw new Error(`what is ${line}?`);
  }

  #check(text: string, where: string): void {
    for (const [, chain] of text.matchAll(/(?:goto|jump) ([^\s,}]+)/g)) if (!this.chains.has(chain!)) throw new Error(`${where} names ${chain}, which is not there`);
    for (const [, set] of text.matchAll(/@([^\s]+)/g)) if (!this.sets.has(set!)) throw new Error(`${where} names set ${set}, which is not there`);
  }

  toString(): string {
    const sets = [...this.sets].map(([name, entries]) => `${name}: ${[...entries].map((entry) => entry.join('=')).toSorted().join(' ')}`);
    return [...sets, ...[...this.chains].map(([name, rules]) => `${name}: ${rules.join('; ')}`)].toSorted().join('\n');
  }
}

describe('changes upon changes', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('lead to the same table as writing all at once (seed %i)', (seed) => {
    const random = seededRandom(seed);
    const pick = <T>(...of: readonly T[]): T => of[Math.floor(random.next() * of.length)]!;
    const many = <T>(...of: readonly T[]): T[] => of.filter(() => random.next() < 0.5);
    const randomService = (name: string): [Service, EndpointSlice[]] => [
      service({
        type: pick('ClusterIP', 'NodePort', 'LoadBalancer'), clusterIP: pick(`10.96.1.${name.length}`, `10.96.2.${name.length}`),
        ports: [{ port: pick(80, 81), nodePort: 30000 + name.length }], externalIPs: many('192.0.2.7', '192.0.2.8'), sessionAffinity: pick('None', 'ClientIP'),
        sessionAffinityConfig: { clientIP: { timeoutSeconds: pick(10, 20) } }, internalTrafficPolicy: pick('Cluster', 'Local'), externalTrafficPolicy: pick('Cluster', 'Local'),
        loadBalancerSourceRanges: many('10.0.0.0/8'),
      }, { loadBalancer: { ingress: many({ ip: '10.231.0.200' }) } }, { name }),
      [slice(many(local, remote, remote2, { ...local, ...ending, addresses: ['10.244.1.8'] }))],
    ];
    const store = new RuleStore({ nodeAddress: node.address, serviceCidr: node.serviceCidr });
    const kernel = new Kernel();
    kernel.apply(store.resync({ chains: [], sets: [] }));
    store.written();
    const meant = new Map<string, [Service, EndpointSlice[]]>();
    for (let step = 0; step < 40; step++) {
      for (const name of many('a', 'bb', 'ccc', 'dddd')) {
        const next = random.next() < 0.2 ? undefined : randomService(name);
        if (next) meant.set(name, next);
        else meant.delete(name);
        store.put(name, next && serviceRules(servicePorts(...next, node), { clusterCidr }));
      }
      if (random.next() < 0.15) kernel.apply(store.resync({ chains: [...kernel.chains.keys()], sets: [...kernel.sets.keys()] }));
      else kernel.apply(store.changes() ?? '');
      store.written();
      const fresh = new RuleStore({ nodeAddress: node.address, serviceCidr: node.serviceCidr });
      for (const [name, state] of meant) fresh.put(name, serviceRules(servicePorts(...state, node), { clusterCidr }));
      const expected = new Kernel();
      expected.apply(fresh.resync({ chains: [], sets: [] }));
      expect(kernel.toString()).toBe(expected.toString());
    }
  });

  it('a resync clears what an earlier process left, and keeps clients with their backends', () => {
    const bound = service({ sessionAffinity: 'ClientIP' });
    const store = storeOf(bound, slice([local]));
    const kernel = new Kernel();
    kernel.apply(store.resync({ chains: [], sets: [] }));
    const set = [...kernel.sets.keys()].find((name) => name.startsWith('aff-'))!;
    kernel.sets.get(set)!.set(here, '');
    kernel.chains.set('svc-old', ['drop']);
    kernel.sets.set('aff-old', new Map());
    const second = storeOf(bound, slice([local]));
    kernel.apply(second.resync({ chains: [...kernel.chains.keys()], sets: [...kernel.sets.keys()] }));
    expect([...kernel.chains.keys()]).not.toContain('svc-old');
    expect([...kernel.sets.keys()]).not.toContain('aff-old');
    expect(kernel.sets.get(set)!.has(here)).toBe(true);
  });
});

describe('UDP flows to forget', () => {
  const ports: Service['spec'] = { ports: [{ port: 53, protocol: 'UDP', nodePort: 30053 }], type: 'NodePort' };
  const state = (...endpoints: Partial<Endpoint>[]) => servicePorts(service(ports), [slice(endpoints, [{ port: 53, protocol: 'UDP' }])], node);
  const line = (destination: string, port: number, answerer: string, answererPort = 53): string => (
    `udp      17 29 src=10.244.1.9 dst=${destination} sport=7777 dport=${port} src=${answerer} dst=10.244.1.9 sport=${answererPort} dport=7777 [ASSURED] mark=0 use=1`
  );
  it.each([
    ['none of a backend that serves', state(local, remote), [line('10.96.0.5', 53, '10.244.2.6'), line(node.address, 30053, '10.244.2.6')], []],
    ['those of a backend that went', state(local), [line('10.96.0.5', 53, '10.244.2.6'), line(node.address, 30053, '10.244.2.6'), line('10.96.0.5', 53, '10.244.1.5')], ['10.96.0.5:53', '10.231.0.11:30053']],
    ['none of a backend that ends but serves', state(local, { ...remote, ...ending }), [line('10.96.0.5', 53, '10.244.2.6')], []],
    ['those of a backend that is not ready', state(local, { ...remote, ...unready }), [line('10.96.0.5', 53, '10.244.2.6')], ['10.96.0.5:53']],
    ['those to another port of a backend', state(local), [line('10.96.0.5', 53, '10.244.1.5', 54)], ['10.96.0.5:53']],
    ['those that began before there was one', state(local), [line('10.96.0.5', 53, '10.96.0.5').replace('[ASSURED]', '[UNREPLIED]')], ['10.96.0.5:53']],
    ['none while there is none', state(), [line('10.96.0.5', 53, '10.244.2.6')], []],
    ['none of others', state(local), [line('10.96.0.9', 53, '10.244.2.6'), line('192.0.2.1', 30053, '192.0.2.1', 30053), 'conntrack v1.4.7: 1 flow entries have been shown.'], []],
  ])('%s', (_, now, lines, expected) => {
    const flows = lines.flatMap((text) => parseFlow(text) ?? []);
    expect(staleFlows(flows, udpEntrances(now, node.address)).map(({ destination, port }) => `${destination}:${port}`)).toEqual(expected);
  });
});

describe('zones', () => {
  it('matter when this node\'s zone is known', () => {
    const slices = [slice([{ ...local, hints: { forZones: [{ name: 'a' }] } }, { ...remote, hints: { forZones: [{ name: 'b' }] } }])];
    expect(chooseBackends(slices, '', 'tcp', { name: 'one', zone: 'b' }).cluster.map(({ address }) => address)).toEqual(['10.244.2.6']);
    expect(chooseBackends(slices, '', 'tcp', { name: 'one' }).cluster).toHaveLength(2);
  });
});
