import { IPV4, type AddressFamily } from '../base/address-family.ts';
import { MASQUERADE_MARK } from './rule.ts';

export const TABLE = 'wherry-proxy';

/** Sets and maps that all services share, by name, with nft's declaration; `ADDRESS` is the type of the family's. */
export const SHARED_SETS = {
  /** Cluster, external and load-balancer addresses. */
  'service-ips': 'map service-ips { type ADDRESS . inet_proto . inet_service : verdict; }',
  'node-ports': 'map node-ports { type inet_proto . inet_service : verdict; }',
  'host-ports': 'map host-ports { type ADDRESS . inet_proto . inet_service : verdict; }',
  'no-endpoint-ips': 'map no-endpoint-ips { type ADDRESS . inet_proto . inet_service : verdict; }',
  'no-endpoint-node-ports': 'map no-endpoint-node-ports { type inet_proto . inet_service : verdict; }',
  'firewall-ips': 'map firewall-ips { type ADDRESS . inet_proto . inet_service : verdict; }',
  'cluster-ips': 'set cluster-ips { type ADDRESS; }',
  /** A backend on this node that is its own client. */
  hairpin: 'set hairpin { type ADDRESS . ADDRESS; }',
} as const;
export type SharedSet = keyof typeof SHARED_SETS;

export interface SkeletonOptions {
  /** Default IPv4. */
  readonly family?: AddressFamily;
  readonly nodeAddress: string;
  /** All services of the cluster: what is in here and belongs to none is refused. */
  readonly serviceCidr?: string;
}

/**
 * The chains that are the same whatever services there are. The hooks, in the order a packet meets them:
 * - before routing (and for the node's own packets, on output): who may use a load balancer's address, then the translation
 *   of a service's address into a backend's;
 * - when routed: what still has a service's address has no backend and is refused, in words (ICMP) and at once;
 * - on the way out: the node's address in place of a source that would not find its way back.
 */
export function skeletonChains({ family = IPV4, nodeAddress, serviceCidr }: SkeletonOptions): ReadonlyMap<string, readonly string[]> {
  const { name: ip } = family;
  const mark = `0x${MASQUERADE_MARK.toString(16)}`;
  return new Map<string, readonly string[]>([
    ['services', [
      `${ip} daddr . meta l4proto . th dport vmap @service-ips`,
      `${ip} daddr ${nodeAddress} meta l4proto . th dport vmap @node-ports`,
      `${ip} daddr . meta l4proto . th dport vmap @host-ports`,
    ]],
    ['endpoints-check', [
      `${ip} daddr . meta l4proto . th dport vmap @no-endpoint-ips`,
      `${ip} daddr ${nodeAddress} meta l4proto . th dport vmap @no-endpoint-node-ports`,
    ]],
    ['cluster-ips-check', [
      // DNS: a service's address that is this node's own.
      'fib daddr type local return',
      `${ip} daddr @cluster-ips goto refuse`,
      ...(serviceCidr ? [`${ip} daddr ${serviceCidr} goto refuse`] : []),
    ]],
    // A socket of the node's own is busy connecting when the ICMP message would reach it, and learns a second later.
    ['refuse', ['meta l4proto tcp reject with tcp reset', 'reject']],
    ['firewall-prerouting', ['type filter hook prerouting priority -110;', `ct state new ${ip} daddr . meta l4proto . th dport vmap @firewall-ips`]],
    ['firewall-output', ['type filter hook output priority -110;', `ct state new ${ip} daddr . meta l4proto . th dport vmap @firewall-ips`]],
    // Host ports on 127.0.0.1 need route_localnet, which would otherwise open the node's loopback to its neighbours.
    ...(family === IPV4 ? [['loopback-guard', ['type filter hook prerouting priority -300;', 'iifname != "lo" ip daddr 127.0.0.0/8 drop']] as const] : []),
    ['nat-prerouting', ['type nat hook prerouting priority -100;', 'jump services']],
    ['nat-output', ['type nat hook output priority -100;', 'jump services']],
    ['filter-input', ['type filter hook input priority 0;', 'ct state new jump endpoints-check']],
    ['filter-forward', ['type filter hook forward priority 0;', 'ct state new jump endpoints-check', 'jump cluster-ips-check']],
    ['filter-output', ['type filter hook output priority 0;', 'ct state new jump endpoints-check', 'jump cluster-ips-check']],
    ['nat-postrouting', [
      'type nat hook postrouting priority 100;',
      `${ip} saddr . ${ip} daddr @hairpin ct status dnat masquerade`,
      `meta mark and ${mark} == ${mark} masquerade`,
    ]],
  ]);
}
