import { createHash } from 'node:crypto';
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../api/generated/networking-v1.ts';
import { keyOf } from '../api/object.ts';
import { formatLabelSelector, selectorOf, type Labels } from '../api/selector.ts';
import { IPV4, type AddressFamily } from '../base/address-family.ts';
import type { PodFacts } from './pod-facts.ts';
import type { Direction, Peer, PeerSet, PolicyChain, PolicyRule, PolicyTable, PortRange, Ports, Protocol } from './policy-table.ts';

/** All that the rules of a node depend on. */
export interface PolicyView {
  readonly policies: readonly NetworkPolicy[];
  /** Of the whole cluster. */
  readonly pods: readonly PodFacts[];
  /** Labels by name. */
  readonly namespaces: ReadonlyMap<string, Labels | undefined>;
  /** Default IPv4. */
  readonly family?: AddressFamily;
}

/** A rule of either direction. */
interface Allowance {
  readonly peers: readonly NetworkPolicyPeer[];
  readonly ports: readonly NetworkPolicyPort[];
}

/**
 * What the policies mean for the pods of this node. The names of chains and sets say what is in them (by a digest), so that two
 * policies that name the same peers share a set, and nothing but elements changes when pods come and go.
 * Upstream: staging/src/k8s.io/api/networking/v1/types.go, whose words define the meaning.
 */
export function policyTable(view: PolicyView): PolicyTable {
  const builder = new TableBuilder(view);
  const byNamespace = groupBy(view.policies, (policy) => policy.metadata.namespace);
  for (const pod of view.pods) {
    if (!pod.local) continue;
    const selecting = (byNamespace.get(pod.namespace) ?? []).filter((policy) => selectorOf(policy.spec.podSelector ?? {}).matches(pod.labels));
    for (const direction of ['ingress', 'egress'] as const) {
      const policies = selecting.filter((policy) => governs(policy, direction));
      if (policies.length > 0) builder.isolate(pod, direction, policies);
    }
  }
  return builder;
}

/** Without `policyTypes` a policy is for ingress, and for egress where it has such rules. */
function governs({ spec }: NetworkPolicy, direction: Direction): boolean {
  const types = spec.policyTypes?.length ? spec.policyTypes : spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress'];
  return types.includes(direction === 'ingress' ? 'Ingress' : 'Egress');
}

function allowances({ spec }: NetworkPolicy, direction: Direction): Allowance[] {
  return direction === 'ingress'
    ? (spec.ingress ?? []).map(({ from = [], ports = [] }) => ({ peers: from, ports }))
    : (spec.egress ?? []).map(({ to = [], ports = [] }) => ({ peers: to, ports }));
}

class TableBuilder implements PolicyTable {
  readonly isolated = { ingress: new Map<string, string>(), egress: new Map<string, string>() };
  readonly chains = new Map<string, PolicyChain>();
  readonly sets = new Map<string, PeerSet>();
  readonly #view: PolicyView;
  readonly #family: AddressFamily;
  readonly #podsByNamespace: ReadonlyMap<string, readonly PodFacts[]>;

  constructor(view: PolicyView) {
    this.#view = view;
    this.#family = view.family ?? IPV4;
    this.#podsByNamespace = groupBy(view.pods, (pod) => pod.namespace);
  }

  isolate(pod: PodFacts, direction: Direction, policies: readonly NetworkPolicy[]): void {
    const chains = policies.map((policy) => this.#policyChain(policy, direction)).filter((chain) => chain !== undefined).toSorted();
    const name = chains.length > 0 ? nameOf(`pods-${direction}`, JSON.stringify(chains), pod.namespace) : `pods-${direction}-nothing`;
    if (!this.chains.has(name)) this.chains.set(name, { direction, rules: [...chains.map((chain): PolicyRule => ({ do: 'jump', chain })), { do: 'drop' }] });
    this.isolated[direction].set(pod.address, name);
  }

  /** Undefined where the policy allows nothing. */
  #policyChain(policy: NetworkPolicy, direction: Direction): string | undefined {
    const key = keyOf(policy);
    const name = nameOf(`policy-${direction}`, key, key);
    if (this.chains.has(name)) return name;
    const rules = allowances(policy, direction).flatMap((allowance) => this.#accepting(allowance, policy.metadata.namespace));
    if (rules.length === 0) return undefined;
    this.chains.set(name, { direction, rules });
    return name;
  }

  /** One rule for each peer and kind of port; no peers are all peers, no ports all ports. */
  #accepting({ peers, ports }: Allowance, namespace: string): PolicyRule[] {
    const from = peers.length > 0 ? peers.flatMap((peer) => this.#peer(peer, namespace)) : [undefined];
    const at = ports.length > 0 ? this.#ports(ports) : [undefined];
    return from.flatMap((peer) => at.map((one): PolicyRule => ({ do: 'accept', ...(peer ? { peer } : {}), ...(one ? { ports: one } : {}) })));
  }

  #peer({ podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer, namespace: string): Peer[] {
    if (ipBlock) return this.#family.has(ipBlock.cidr) ? [{ block: ipBlock.cidr, except: ipBlock.except ?? [] }] : [];
    const where = namespaceSelector ? `namespaces ${formatLabelSelector(namespaceSelector)}` : namespace;
    const which = formatLabelSelector(podSelector ?? {});
    const name = nameOf('peers', JSON.stringify([namespaceSelector ? 'by labels' : 'by name', where, which]), `${namespaceSelector ? 'labelled' : namespace}`);
    if (!this.sets.has(name)) {
      const podMatches = selectorOf(podSelector ?? {});
      const namespaces = namespaceSelector ? [...this.#podsByNamespace.keys()].filter((one) => selectorOf(namespaceSelector).matches(this.#view.namespaces.get(one))) : [namespace];
      const pods = namespaces.flatMap((one) => this.#podsByNamespace.get(one) ?? []).filter((pod) => podMatches.matches(pod.labels));
      this.sets.set(name, { of: 'addresses', elements: new Set(pods.map(({ address }) => address)) });
    }
    return [{ set: name }];
  }

  #ports(ports: readonly NetworkPolicyPort[]): Ports[] {
    const ranges = new Map<Protocol, PortRange[]>();
    const sets = new Set<string>();
    for (const { protocol: given = 'TCP', port, endPort } of ports) {
      const protocol = given.toLowerCase() as Protocol;
      if (typeof port === 'string') sets.add(this.#namedPort(protocol, port));
      else ranges.set(protocol, [...(ranges.get(protocol) ?? []), port === undefined ? ALL_PORTS : [port, endPort ?? port]]);
    }
    return [
      ...[...ranges].map(([protocol, some]) => ({ protocol, ranges: some.includes(ALL_PORTS) ? [] : merged(some) })),
      ...[...sets].map((set) => ({ set })),
    ];
  }

  /** Wherever a pod has a port of this name: for ingress the destination is the policy's pod, for egress the peer. */
  #namedPort(protocol: Protocol, name: string): string {
    const set = `port-${protocol}-${name}`;
    if (!this.sets.has(set)) {
      const at = (pod: PodFacts): string[] => pod.namedPorts.filter((one) => one.name === name && one.protocol === protocol).map(({ port }) => `${pod.address} . ${protocol} . ${port}`);
      this.sets.set(set, { of: 'ports', elements: new Set(this.#view.pods.flatMap(at)) });
    }
    return set;
  }
}

const ALL_PORTS: PortRange = [0, 65535];

/** Sorted, and no two of them meet: nft takes no overlapping ranges. */
function merged(ranges: readonly PortRange[]): PortRange[] {
  const apart: [number, number][] = [];
  for (const [first, last] of ranges.toSorted((a, b) => a[0] - b[0] || a[1] - b[1])) {
    const before = apart.at(-1);
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else apart.push([first, last]);
  }
  return apart;
}

/** Readable, and unlike any other for all that is cut off: nft takes 127 characters. */
function nameOf(kind: string, content: string, hint: string): string {
  return `${kind}-${createHash('sha256').update(content).digest('hex').slice(0, 10)}-${hint.slice(0, 80)}`;
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}
