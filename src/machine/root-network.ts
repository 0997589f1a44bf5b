import { ipv6Groups } from '../base/ipv6-address.ts';
import type { AddressPlan } from './address-plan.ts';

/** Marks the routes that are ours among the machine's (`ip route show proto 231`). */
export const ROUTE_PROTOCOL = 231;
/** And those that lead to nodes of other machines, which come and go by themselves. */
export const LINK_PROTOCOL = 233;
const HIGHEST_METRIC = 4294967295;

/** A port of the host's loopback that the nodes may use, under a port of `AddressPlan.hostLoopback`. */
export interface LoopbackForward {
  readonly port: number;
  readonly to: string;
  readonly toPort: number;
  readonly protocols: readonly ('tcp' | 'udp')[];
}

export interface RouteRow {
  readonly type?: string;
  readonly dst: string;
  readonly dev?: string;
  readonly gateway?: string;
  readonly protocol?: string;
  readonly metric?: number;
}

export function guardedRanges(plan: AddressPlan): string[] {
  return [plan.pods, plan.services, plan.fabric];
}

/**
 * The leak guard, as input of `ip -batch`. A packet for a pod, service or node that is not there dies on the host, instead of
 * leaving by the default route; with the highest metric, so that every real route comes first.
 */
export function leakGuard(plan: AddressPlan, verb: 'replace' | 'del'): string {
  return guardedRanges(plan).map((range) => `route ${verb} unreachable ${range} metric ${HIGHEST_METRIC} proto ${ROUTE_PROTOCOL}\n`).join('');
}

/** The same for IPv6, as input of `ip -6 -batch`. */
export function leakGuardSix({ six }: AddressPlan, verb: 'replace' | 'del'): string {
  return [six.pods, six.services, six.fabric].map((range) => `route ${verb} unreachable ${range} metric ${HIGHEST_METRIC} proto ${ROUTE_PROTOCOL}\n`).join('');
}

/** Whether an address or a range of IPv6 is of this range. */
export function isWithinSix(range: string, other: string): boolean {
  const [[network, bits = '128'], [address, length = '128']] = [range.split('/'), other.split('/')] as [[string, string?], [string, string?]];
  const binary = (text: string): string => (ipv6Groups(text) ?? []).map((group) => group.toString(2).padStart(16, '0')).join('').slice(0, Number(bits));
  return Number(length) >= Number(bits) && binary(address) === binary(network);
}

/**
 * Nothing of IPv6 leaves the cluster: it has no way out but to nodes of other machines. `remarks`: names of empty chains, which remember what forwarding changed.
 */
export function fabricRulesSix(plan: AddressPlan, { machines = false, remarks = [] }: { readonly machines?: boolean; readonly remarks?: readonly string[] } = {}): string {
  const table = `ip6 ${fabricTable(plan)}`;
  const bridge = JSON.stringify(plan.bridge);
  return `table ${table}\ndelete table ${table}\ntable ${table} {\n\tchain no-egress {\n\t\ttype filter hook forward priority -10\n${machines ? `\t\tiifname ${bridge} ip6 daddr { ${plan.six.pods}, ${plan.six.fabric} } accept\n` : ''}\t\tiifname ${bridge} oifname != ${bridge} drop\n\t}\n${[...(machines ? [MACHINES_CHAIN] : []), ...remarks].map((name) => `\tchain ${name} {\n\t}\n`).join('')}}\n`;
}

/** Whether the route is one of the leak guard's. */
export function isGuard(route: RouteRow): boolean {
  return route.type === 'unreachable' && route.metric === HIGHEST_METRIC && route.protocol === String(ROUTE_PROTOCOL);
}

/** A route of someone else's (a VPN, another program's bridge) into the ranges of this cluster. */
export function conflictingRoute(routes: readonly RouteRow[], plan: AddressPlan): RouteRow | undefined {
  return routes.find((route) => route.dst !== 'default' && !isGuard(route) && route.dev !== plan.bridge && route.protocol !== String(ROUTE_PROTOCOL) && route.protocol !== String(LINK_PROTOCOL)
    && guardedRanges(plan).some((range) => overlaps(route.dst, range)));
}

export function overlaps(a: string, b: string): boolean {
  const first = parseRange(a);
  const second = parseRange(b);
  const bits = Math.min(first.bits, second.bits);
  const mask = bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0;
  return ((first.address & mask) >>> 0) === ((second.address & mask) >>> 0);
}

function parseRange(range: string): { address: number; bits: number } {
  const [address, bits = '32'] = range.split('/') as [string, string?];
  return { address: ipv4Number(address), bits: Number(bits) };
}

export function ipv4Number(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** Named by number like the bridge: a profile of the same name may be in another data directory. */
export function fabricTable(plan: AddressPlan): string {
  return plan.bridge;
}

/** An empty chain of this name remembers, where a killed process cannot lose it, that forwarding was off before us. */
export const FORWARDING_WAS_OFF = 'ip-forward-was-off';
/** The presence of one of these says that the table's cluster needs the host to forward. */
export const EGRESS_CHAIN = 'egress';
export const MACHINES_CHAIN = 'other-machines';

/** What a cluster over several machines needs on each of them. */
export interface OtherMachines {
  /** Where the API server is, on a machine that has none: the bridge's own address leads there, under the port that all nodes know. */
  readonly server?: { readonly address: string; readonly port: number; readonly knownPort: number };
}

/**
 * The host's own nft table for one cluster, replaced as a whole in one transaction.
 * - egress on: what leaves the cluster takes the host's address; off: nothing of the fabric is forwarded anywhere but to the cluster's other machines.
 * - chosen ports of `hostLoopback` lead to the host's loopback (a registry there), and no others.
 */
export function fabricRules(options: {
  readonly plan: AddressPlan; readonly egress: boolean; readonly forwards: readonly LoopbackForward[]; readonly forwardingWasOff: boolean; readonly machines?: OtherMachines;
}): string {
  const { plan, machines } = options;
  const table = `ip ${fabricTable(plan)}`;
  const bridge = JSON.stringify(plan.bridge);
  const server = machines?.server;
  const chains: [name: string, lines: string[]][] = [];
  if (options.egress) {
    const inside = `{ ${plan.pods}, ${plan.services}, ${plan.fabric} }`;
    chains.push([EGRESS_CHAIN, [
      'type nat hook postrouting priority srcnat',
      `ip saddr ${inside} ip daddr != ${inside} oifname != ${bridge} masquerade`,
    ]]);
  } else {
    chains.push(['no-egress', [
      'type filter hook forward priority -10',
      // Where there is no other machine with such a node, the leak guard's routes stand in the way.
      ...(machines ? [`iifname ${bridge} ip daddr { ${plan.pods}, ${plan.fabric} } accept`] : []),
      ...(server ? [`iifname ${bridge} ip daddr ${server.address} tcp dport ${server.port} ct status & dnat == dnat accept`] : []),
      `iifname ${bridge} oifname != ${bridge} drop`,
    ]]);
  }
  if (machines) {
    chains.push([MACHINES_CHAIN, [
      'type nat hook postrouting priority srcnat',
      ...(server ? [`ip saddr { ${plan.pods}, ${plan.fabric} } ip daddr ${server.address} tcp dport ${server.port} masquerade`] : []),
    ]]);
  }
  chains.push(['loopback', [
    'type nat hook prerouting priority dstnat',
    ...options.forwards.flatMap((forward) => forward.protocols.map((protocol) =>
      `iifname ${bridge} ip daddr ${plan.hostLoopback} ${protocol} dport ${forward.port} dnat to ${forward.to}:${forward.toPort}`)),
    ...(server ? [`iifname ${bridge} ip daddr ${plan.host} tcp dport ${server.knownPort} dnat to ${server.address}:${server.port}`] : []),
  ]]);
  // With route_localnet a node could otherwise write to any port of the host's loopback.
  chains.push(['loopback-guard', ['type filter hook input priority -10', `iifname ${bridge} ip daddr 127.0.0.0/8 ct status & dnat == 0 drop`]]);
  if (options.forwardingWasOff) chains.push([FORWARDING_WAS_OFF, []]);
  const body = chains.map(([name, lines]) => `\tchain ${name} {\n${lines.map((line) => `\t\t${line}\n`).join('')}\t}\n`).join('');
  return `table ${table}\ndelete table ${table}\ntable ${table} {\n${body}}\n`;
}

/** The nameservers of a resolv.conf, in order. */
export function parseNameservers(text: string): string[] {
  return text.split('\n').flatMap((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? []);
}
