import { BlockList, isIPv6 } from 'node:net';
import type { Direction, Peer, PolicyRule, PolicyTable, Ports, Protocol } from './policy-table.ts';

/** The first packet of a connection, after services' addresses were translated. */
export interface PolicyPacket {
  readonly source: string;
  readonly destination: string;
  readonly protocol: Protocol;
  readonly port: number;
}

/**
 * What becomes of a packet that this node forwards, or that a pod sends to the node's DNS: which direction refuses it, or `accept`.
 * For tests, and for telling a person why two pods cannot reach each other.
 */
export function tracePolicy(table: PolicyTable, packet: PolicyPacket): 'accept' | `dropped by ${Direction}` {
  if (packet.source === packet.destination) return 'accept';
  for (const [direction, pod] of [['egress', packet.source], ['ingress', packet.destination]] as const) {
    const chain = table.isolated[direction].get(pod);
    if (chain && run(table, chain, direction, packet) !== 'accept') return `dropped by ${direction}`;
  }
  return 'accept';
}

function run(table: PolicyTable, chain: string, direction: Direction, packet: PolicyPacket): 'accept' | 'drop' | 'return' {
  for (const rule of table.chains.get(chain)!.rules) {
    if (rule.do === 'drop') return 'drop';
    const verdict = rule.do === 'jump' ? run(table, rule.chain, direction, packet) : accepts(table, rule, direction, packet) ? 'accept' : 'return';
    if (verdict !== 'return') return verdict;
  }
  return 'return';
}

function accepts(table: PolicyTable, { peer, ports }: PolicyRule & { readonly do: 'accept' }, direction: Direction, packet: PolicyPacket): boolean {
  return (!peer || isPeer(table, peer, direction === 'ingress' ? packet.source : packet.destination)) && (!ports || isPort(table, ports, packet));
}

function isPeer(table: PolicyTable, peer: Peer, address: string): boolean {
  return 'set' in peer ? table.sets.get(peer.set)!.elements.has(address) : inRange(address, peer.block) && !peer.except.some((range) => inRange(address, range));
}

function isPort(table: PolicyTable, ports: Ports, { destination, protocol, port }: PolicyPacket): boolean {
  if ('set' in ports) return table.sets.get(ports.set)!.elements.has(`${destination} . ${protocol} . ${port}`);
  return ports.protocol === protocol && (ports.ranges.length === 0 || ports.ranges.some(([first, last]) => port >= first && port <= last));
}

function inRange(address: string, range: string): boolean {
  const [network, bits] = range.split('/') as [string, string];
  const list = new BlockList();
  list.addSubnet(network, Number(bits), isIPv6(network) ? 'ipv6' : 'ipv4');
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
