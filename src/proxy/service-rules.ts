import { createHash } from 'node:crypto';
import type { Action, Rule } from './rule.ts';
import type { Backend, Protocol, ServicePortState } from './service-ports.ts';
import type { SharedSet } from './skeleton.ts';

/** What one service (or pod with host ports) contributes to the table. */
export interface Fragment {
  readonly chains: ReadonlyMap<string, readonly Rule[]>;
  /** Sets of sources, by name, with the seconds an entry lives. */
  readonly affinitySets: ReadonlyMap<string, number>;
  /** Entries of the shared sets and maps: key → value, where a set's value is empty. */
  readonly elements: ReadonlyMap<SharedSet, ReadonlyMap<string, string>>;
}

export const NOTHING: Fragment = { chains: new Map(), affinitySets: new Map(), elements: new Map() };

/**
 * The rules of all ports of one service.
 *
 * `svc` spreads over the backends that traffic from inside uses; `ext` receives traffic for node ports, external addresses and
 * load balancers: it takes the node's address and goes on to `svc`, or, where the client's address is to be kept (policy Local),
 * spreads over the node's own backends, save for traffic that comes from inside anyway. With session affinity each backend has a
 * chain (`one`), which remembers the client, and a set of those it remembers.
 */
export function serviceRules(ports: readonly ServicePortState[], options: { readonly clusterCidr: string }): Fragment {
  const builder = new FragmentBuilder();
  for (const port of ports) addPort(builder, port, options.clusterCidr);
  return builder;
}

/** Collects a fragment. */
export class FragmentBuilder implements Fragment {
  readonly chains = new Map<string, readonly Rule[]>();
  readonly affinitySets = new Map<string, number>();
  readonly elements = new Map<SharedSet, Map<string, string>>();

  chain(name: string, rules: readonly Rule[]): void {
    this.chains.set(name, rules);
  }

  element(set: SharedSet, key: string, value: string): void {
    let entries = this.elements.get(set);
    if (!entries) this.elements.set(set, (entries = new Map()));
    if (!entries.has(key)) entries.set(key, value);
  }
}

function addPort(builder: FragmentBuilder, port: ServicePortState, clusterCidr: string): void {
  const { protocol, backends } = port;
  const name = (kind: string): string => chainName(kind, port.service, protocol, port.portName || String(port.port));
  const at = (address: string): string => `${address} . ${protocol} . ${port.port}`;
  const [svc, ext] = [name('svc'), name('ext')];
  const refusal = (reachable: readonly Backend[]): string | undefined => (reachable.length > 0 ? undefined : backends.any ? 'drop' : 'goto refuse');

  builder.element('cluster-ips', port.clusterIP, '');
  for (const backend of [...backends.cluster, ...backends.local]) {
    if (backend.local) builder.element('hairpin', `${backend.address} . ${backend.address}`, '');
  }

  const internal = port.internalLocal ? backends.local : backends.cluster;
  const internalRefusal = refusal(internal);
  if (internalRefusal) builder.element('no-endpoint-ips', at(port.clusterIP), internalRefusal);
  else {
    builder.chain(svc, [
      // A source outside of the pods' range gets its answer only by way of this node.
      { match: [{ source: 'not in', ranges: [clusterCidr] }], action: { do: 'mark for masquerade' } },
      ...spreading(builder, port, internal, name),
    ]);
    builder.element('service-ips', at(port.clusterIP), `goto ${svc}`);
  }

  const addresses = [...port.externalIPs, ...port.loadBalancerIPs];
  if (addresses.length === 0 && port.nodePort === undefined) return;
  const external = externalRules(builder, port, clusterCidr, name);
  if (external) builder.chain(ext, external);
  const nodePort = `${protocol} . ${port.nodePort}`;
  for (const address of addresses) {
    if (external) builder.element('service-ips', at(address), `goto ${ext}`);
    else builder.element('no-endpoint-ips', at(address), 'goto refuse');
  }
  if (port.nodePort !== undefined) {
    if (external) builder.element('node-ports', nodePort, `goto ${ext}`);
    else builder.element('no-endpoint-node-ports', nodePort, 'goto refuse');
  }
  if (port.sourceRanges.length > 0 && port.loadBalancerIPs.length > 0) {
    const firewall = name('fw');
    builder.chain(firewall, [{ match: [{ source: 'not in', ranges: port.sourceRanges }], action: { do: 'drop' } }]);
    for (const address of port.loadBalancerIPs) builder.element('firewall-ips', at(address), `goto ${firewall}`);
  }
}

/** Undefined when nothing answers anywhere. */
function externalRules(builder: FragmentBuilder, port: ServicePortState, clusterCidr: string, name: (kind: string) => string): Rule[] | undefined {
  const { backends } = port;
  if (!backends.any) return undefined;
  // The chain over all backends: the service's own, unless that one is bound to this node.
  const everywhere = (): Action | undefined => {
    if (backends.cluster.length === 0) return undefined;
    if (!port.internalLocal) return { do: 'goto', chain: name('svc') };
    if (!builder.chains.has(name('all'))) builder.chain(name('all'), spreading(builder, port, backends.cluster, name));
    return { do: 'goto', chain: name('all') };
  };
  const all = everywhere();
  if (!port.externalLocal) return [{ action: { do: 'mark for masquerade' } }, { action: all ?? { do: 'drop' } }];
  const shortcut: Rule[] = all ? [
    { match: [{ source: 'in', ranges: [clusterCidr] }], action: all },
    { match: [{ source: 'this node' }], action: { do: 'mark for masquerade' } },
    { match: [{ source: 'this node' }], action: all },
  ] : [];
  if (backends.local.length === 0) return [...shortcut, { action: { do: 'drop' } }];
  builder.chain(name('own'), spreading(builder, port, backends.local, name));
  return [...shortcut, { action: { do: 'goto', chain: name('own') } }];
}

function spreading(builder: FragmentBuilder, port: ServicePortState, targets: readonly Backend[], name: (kind: string) => string): Rule[] {
  const { protocol, affinitySeconds } = port;
  if (affinitySeconds === undefined) return [{ action: { do: 'spread', protocol, targets: targets.map(({ address, port: number }) => ({ address, port: number })) } }];
  const chains = targets.map((target) => {
    const own = `${target.address}:${target.port}`.replaceAll(/[.:]/g, '-');
    const chain = `${name('one')}/${own}`;
    // A set's time cannot be changed, so another time is another set.
    const set = `${name('aff')}/${own}/${affinitySeconds}s`;
    builder.affinitySets.set(set, affinitySeconds);
    builder.chain(chain, [
      { action: { do: 'remember', set } },
      { action: { do: 'spread', protocol, targets: [{ address: target.address, port: target.port }] } },
    ]);
    return { chain, set };
  });
  return [
    ...chains.map(({ chain, set }): Rule => ({ match: [{ source: 'in set', set }], action: { do: 'goto', chain } })),
    { action: { do: 'spread over chains', chains: chains.map(({ chain }) => chain) } },
  ];
}

/** Readable, and unlike any other for all that is cut off: nft takes 127 characters. */
export function chainName(kind: string, owner: string, protocol: Protocol, port: string): string {
  const full = `${owner}/${protocol}/${port}`;
  const digest = createHash('sha256').update(full).digest('hex').slice(0, 10);
  return `${kind}-${digest}-${full.slice(0, 80)}`;
}
