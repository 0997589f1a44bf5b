export type Direction = 'ingress' | 'egress';
export type Protocol = 'tcp' | 'udp' | 'sctp';

/**
 * What the network policies mean for the pods of one node and one address family, as a packet filter can hold it. Only what
 * concerns pods of this node is in it.
 *
 * A pod that no policy selects is in neither map of `isolated`. The others share chains: one for each group of policies that
 * select the same pods, which jumps to those policies' chains and drops what none of them accepted.
 */
export interface PolicyTable {
  /** By direction: address of a pod of this node → its group's chain. */
  readonly isolated: Readonly<Record<Direction, ReadonlyMap<string, string>>>;
  readonly chains: ReadonlyMap<string, PolicyChain>;
  readonly sets: ReadonlyMap<string, PeerSet>;
}

export interface PolicyChain {
  readonly direction: Direction;
  readonly rules: readonly PolicyRule[];
}

export type PolicyRule =
  /** Where both conditions hold, a missing one always does. */
  | { readonly do: 'accept'; readonly peer?: Peer; readonly ports?: Ports }
  | { readonly do: 'jump'; readonly chain: string }
  | { readonly do: 'drop' };

/** The other end: the source of ingress, the destination of egress. */
export type Peer =
  | { readonly set: string }
  | { readonly block: string; readonly except: readonly string[] };

/** Of the destination. */
export type Ports =
  /** First and last port of each range, sorted and apart from each other; none: all ports of the protocol. */
  | { readonly protocol: Protocol; readonly ranges: readonly PortRange[] }
  | { readonly set: string };
export type PortRange = readonly [first: number, last: number];

export interface PeerSet {
  /** `ports`: `10.244.1.5 . tcp . 8080`. */
  readonly of: 'addresses' | 'ports';
  readonly elements: ReadonlySet<string>;
}
