import { isIPv4, isIPv6 } from '../base/ip-family.ts';
import { hardwareAddress, type AddressPlan } from './address-plan.ts';
import { ipv4Number, overlaps } from './root-network.ts';

/**
 * How one machine of a cluster sends to another: `host-gw` routes to its address, `vxlan` wraps packets in UDP, `wireguard` encrypts them as well.
 * The names are flannel's, which people know.
 */
export type LinkKind = 'host-gw' | 'vxlan' | 'wireguard';
export const LINK_KINDS: readonly LinkKind[] = ['host-gw', 'vxlan', 'wireguard'];

/** A machine with nodes of the cluster, as the others see it. */
export interface Machine {
  /** `192.168.50.2/24`: its own address, and what it reaches without a router. */
  readonly address: string;
  /** What its kernel and its programs can do. */
  readonly offers: readonly LinkKind[];
  /** Its owner's choice, for all that comes and goes; absent: the shortest way. */
  readonly wants?: LinkKind;
  /** Base64, of 32 bytes; public. */
  readonly wireguardKey?: string;
  /** `fe80::1`, of the interface with its address: where neighbours route IPv6 to. */
  readonly linkLocal?: string;
  readonly nodes: readonly MachineNode[];
}

export interface MachineNode {
  /** On the bridge of its machine, `10.231.0.12`. */
  readonly address: string;
  /** `10.244.2.0/24` */
  readonly podCidr: string;
  /** In a cluster of both families: `fd00:10:231::12`, `fd00:10:244:2::/64`. */
  readonly six?: { readonly address: string; readonly pods: string };
}

/** The link of a pair, the same from both ends and for both families (`dual`). Undefined where none of those that may be is possible: what somebody chose is never replaced by less. */
export function linkBetween(a: Machine, b: Machine, dual = false): LinkKind | undefined {
  const possible = (kind: LinkKind): boolean => a.offers.includes(kind) && b.offers.includes(kind)
    && (kind !== 'host-gw' || (seeEachOther(a, b) && (!dual || (a.linkLocal !== undefined && b.linkLocal !== undefined)))) && (kind !== 'wireguard' || (a.wireguardKey !== undefined && b.wireguardKey !== undefined));
  const chosen = (['wireguard', 'vxlan', 'host-gw'] as const).find((kind) => a.wants === kind || b.wants === kind);
  return (chosen ? [chosen] : (['host-gw', 'vxlan'] as const)).find(possible);
}

/** Whether both reach the other's address without a router in between. */
export function seeEachOther(a: Pick<Machine, 'address'>, b: Pick<Machine, 'address'>): boolean {
  return overlaps(a.address, hostOf(b)) && overlaps(b.address, hostOf(a));
}

export function hostOf({ address }: Pick<Machine, 'address'>): string {
  return address.slice(0, address.indexOf('/'));
}

/** `192.168.50.2/24`, and nothing that would be more than an address in a command. */
export function isMachineAddress(text: string): boolean {
  const [, host = '', bits = '0'] = /^([\d.]+)\/(\d{1,2})$/.exec(text) ?? [];
  return isIPv4(host) && Number(bits) >= 1 && Number(bits) <= 32;
}

/**
 * The address that a machine sends from into the cluster: the first of its first node's pod range, which no pod has. The bridge's own would not do, for
 * every machine has the same.
 */
export function gatewayOf(machine: Machine): string | undefined {
  const [first] = machine.nodes.map(({ podCidr }) => podCidr.slice(0, podCidr.indexOf('/'))).toSorted((a, b) => ipv4Number(a) - ipv4Number(b));
  return first;
}

/** The same of IPv6. */
export function gatewaySixOf(machine: Machine): string | undefined {
  const first = gatewayOf(machine);
  return machine.nodes.find(({ podCidr }) => podCidr.startsWith(`${first}/`))?.six?.pods.replace(/\/.*/, '');
}

/** `fe80::1`, and nothing that would be more than an address in a command. */
export function isLinkLocal(text: string): boolean {
  return text.startsWith('fe80:') && isIPv6(text) && !text.includes('%');
}

export function vxlanDevice(plan: AddressPlan): string {
  return `${plan.bridge}-vxlan`;
}

export function wireguardDevice(plan: AddressPlan): string {
  return `${plan.bridge}-wg`;
}

/** Flannel's port, which firewalls know; the network number keeps clusters apart. */
export const VXLAN_PORT = 8472;
export const vxlanNumber = (plan: AddressPlan): number => 2310 + plan.index;
export const wireguardPort = (plan: AddressPlan): number => 51820 + plan.index;
/** What wrapping a packet of IPv4 takes of each, in bytes. */
export const OVERHEAD: Readonly<Record<LinkKind, number>> = { 'host-gw': 0, vxlan: 50, wireguard: 80 };

/** What the root namespace of a machine needs for the others. */
export interface LinkPlan {
  /** Its own gateway address; undefined while it has no node. */
  readonly gateway: string | undefined;
  /** Destination → the rest of `ip route replace DESTINATION`. */
  readonly routes: ReadonlyMap<string, string>;
  /** Both again for IPv6. */
  readonly gatewaySix: string | undefined;
  readonly routesSix: ReadonlyMap<string, string>;
  /** Hardware address in the overlay → where it is, and the gateways that have it. */
  readonly vxlan: ReadonlyMap<string, { readonly host: string; readonly gateway: string; readonly gatewaySix?: string }>;
  readonly wireguard: readonly { readonly key: string; readonly host: string; readonly ranges: readonly string[] }[];
  /** Those that cannot be reached. */
  readonly unlinked: readonly Machine[];
}

/** `device`: the interface that has the machine's own address. */
export function linkPlan(plan: AddressPlan, own: Machine, others: readonly Machine[], device: string): LinkPlan {
  const gateway = gatewayOf(own);
  const gatewaySix = gatewaySixOf(own);
  const routes = new Map<string, string>();
  const routesSix = new Map<string, string>();
  const vxlan = new Map<string, { readonly host: string; readonly gateway: string; readonly gatewaySix?: string }>();
  const wireguard: LinkPlan['wireguard'][number][] = [];
  const unlinked: Machine[] = [];
  for (const other of gateway === undefined ? [] : others) {
    const far = gatewayOf(other);
    if (far === undefined) continue;
    const farSix = gatewaySix === undefined ? undefined : gatewaySixOf(other);
    const kind = linkBetween(own, other, farSix !== undefined);
    const host = hostOf(other);
    const ranges = other.nodes.flatMap(({ address, podCidr }) => [podCidr, address]);
    const rangesSix = farSix === undefined ? [] : other.nodes.flatMap(({ six }) => (six ? [six.pods, six.address] : []));
    let way: string;
    let waySix: string;
    if (kind === undefined) {
      unlinked.push(other);
      continue;
    } else if (kind === 'host-gw') {
      way = `via ${host}`;
      waySix = `via ${other.linkLocal} dev ${device}`;
    } else if (kind === 'vxlan') {
      vxlan.set(hardwareAddress(host), { host, gateway: far, ...(farSix !== undefined && { gatewaySix: farSix }) });
      way = `via ${far} dev ${vxlanDevice(plan)} onlink`;
      waySix = `via ${farSix} dev ${vxlanDevice(plan)} onlink`;
    } else {
      wireguard.push({ key: other.wireguardKey!, host, ranges: [...ranges, ...rangesSix].map((range) => (range.includes('/') ? range : `${range}/${range.includes(':') ? 128 : 32}`)) });
      way = waySix = `dev ${wireguardDevice(plan)}`;
    }
    for (const range of ranges) routes.set(range, `${way} src ${gateway}`);
    for (const range of rangesSix) routesSix.set(range, `${waySix} src ${gatewaySix}`);
  }
  return { gateway, routes, gatewaySix, routesSix, vxlan, wireguard, unlinked };
}

/** For `wg setconf`. The private key is base64, too. */
export function wireguardConfiguration(plan: AddressPlan, privateKey: string, peers: LinkPlan['wireguard']): string {
  const port = wireguardPort(plan);
  return [
    `[Interface]\nPrivateKey = ${privateKey}\nListenPort = ${port}\n`,
    ...peers.map(({ key, host, ranges }) => `[Peer]\nPublicKey = ${key}\nEndpoint = ${host}:${port}\nAllowedIPs = ${ranges.join(', ')}\n`),
  ].join('\n');
}
