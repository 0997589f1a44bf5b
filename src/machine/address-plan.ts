import { ipv6Groups, ipv6Text } from '../base/ipv6-address.ts';

/** Which addresses cluster number `index` of this machine uses. One rule for all, so that clusters never meet. */
export interface AddressPlan {
  readonly index: number;
  /** All pods, `10.244.0.0/16`. */
  readonly pods: string;
  /** All services, `10.96.0.0/16`. */
  readonly services: string;
  /** The bridge between host and nodes, `10.231.0.0/24`. */
  readonly fabric: string;
  /** The host on the bridge: the API server listens here. */
  readonly host: string;
  /** The host on the bridge once more: chosen ports of it lead to the host's loopback. */
  readonly hostLoopback: string;
  /** The `kubernetes` service. */
  readonly apiService: string;
  /** The `kube-dns` service. */
  readonly dnsService: string;
  /** First and last address a load balancer may give. */
  readonly loadBalancerPool: readonly [string, string];
  readonly bridge: string;
  /** What a cluster of both families has besides. */
  readonly six: {
    /** All pods, `fd00:10:244::/56`. */
    readonly pods: string;
    /** All services, `fd00:10:96::/112`. */
    readonly services: string;
    /** Host and nodes, `fd00:10:231::/64`. */
    readonly fabric: string;
    readonly host: string;
  };
}

/** The last cluster number for which the pod range is still in 10/8. */
export const HIGHEST_CLUSTER_INDEX = 11;
/** The last node number whose address is under the load balancer's pool. */
export const HIGHEST_NODE_NUMBER = 189;

export function addressPlan(index: number): AddressPlan {
  if (!Number.isInteger(index) || index < 0 || index > HIGHEST_CLUSTER_INDEX) {
    throw new RangeError(`cluster number ${index} is not in 0..${HIGHEST_CLUSTER_INDEX}`);
  }
  return {
    index,
    pods: `10.${244 + index}.0.0/16`,
    services: `10.${96 + index}.0.0/16`,
    fabric: `10.231.${index}.0/24`,
    host: `10.231.${index}.1`,
    hostLoopback: `10.231.${index}.2`,
    apiService: `10.${96 + index}.0.1`,
    dnsService: `10.${96 + index}.0.10`,
    loadBalancerPool: [`10.231.${index}.200`, `10.231.${index}.250`],
    bridge: `wherry${index}`,
    // The same numbers as in the addresses of IPv4, for the eye; of the range that anybody may use inside.
    six: { pods: `fd00:10:${244 + index}::/56`, services: `fd00:10:${96 + index}::/112`, fabric: `${shortest(`fd00:10:231:${index}::`)}/64`, host: shortest(`fd00:10:231:${index}::1`) },
  };
}

/** The node's own address on the bridge; `node` counts from 1. */
export function nodeAddress(plan: AddressPlan, node: number): string {
  return `10.231.${plan.index}.${10 + checkedNode(node)}`;
}

/** The pods of one node; `node` counts from 1. */
export function nodePods(plan: AddressPlan, node: number): string {
  return `10.${244 + plan.index}.${checkedNode(node)}.0/24`;
}

/** The number of the node whose pods have this range, `10.244.3.0/24`. */
export function numberOfPods(range: string): number {
  return Number(range.split('.')[2]);
}

/** The node's address of IPv6 on the bridge, and the range of its pods: `fd00:10:231::11`, `fd00:10:244:1::/64`. */
export function nodeSix(plan: AddressPlan, node: number): { readonly address: string; readonly pods: string } {
  const prefix = plan.six.pods.slice(0, plan.six.pods.indexOf('::'));
  return { address: shortest(`fd00:10:231:${plan.index}::${10 + checkedNode(node)}`), pods: `${prefix}:${node.toString(16)}::/64` };
}

/** The host's end of the node's cable to the bridge. */
export function nodeLink(plan: AddressPlan, node: number): string {
  return `wh${plan.index}n${checkedNode(node)}`;
}

/**
 * The hardware address that goes with an IPv4 address on the bridge. Never left to the kernel: a bridge takes the lowest of its ports' and
 * so changes it as nodes come and go, and a node that is made again would get another; neighbours then send into the void until they ask anew.
 */
export function hardwareAddress(address: string): string {
  return ['02:77', ...address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'))].join(':');
}

function shortest(address: string): string {
  return ipv6Text(ipv6Groups(address)!);
}

function checkedNode(node: number): number {
  if (!Number.isInteger(node) || node < 1 || node > HIGHEST_NODE_NUMBER) throw new RangeError(`node number ${node} is not in 1..${HIGHEST_NODE_NUMBER}`);
  return node;
}
