import type { Match, Rule } from './rule.ts';
import type { RuleStore } from './rule-store.ts';
import type { Protocol } from './service-ports.ts';

/** The first packet of a connection, as it comes to a node. */
export interface Packet {
  readonly protocol: Protocol;
  readonly source: string;
  readonly destination: string;
  readonly port: number;
  /** Sent by a process on the node itself. */
  readonly fromThisNode?: boolean;
}

export interface Trace {
  readonly verdict: 'accept' | 'drop' | 'reject';
  /** Where it goes, each `address:port` as likely as its number of mentions; the destination itself when nothing is translated. */
  readonly to: readonly string[];
  /** Whether the backend sees the node's address in place of the source's. */
  readonly masqueraded: boolean;
}

/**
 * Follows a packet through the rules as the kernel would, to every place where it may end. For tests, and for telling a
 * person where a service's traffic goes.
 */
export function tracePacket(store: RuleStore, packet: Packet, node: { readonly address: string; readonly serviceCidr?: string; readonly remembers?: (set: string, source: string) => boolean }): Trace {
  const at = `${packet.destination} . ${packet.protocol} . ${packet.port}`;
  const onNode = `${packet.protocol} . ${packet.port}`;
  const isNode = packet.destination === node.address;
  const firewall = store.lookup('firewall-ips', at);
  if (firewall && run(store, firewall, packet, node).some((end) => end.verdict === 'drop')) return { verdict: 'drop', to: [], masqueraded: false };

  const entry = store.lookup('service-ips', at) ?? (isNode ? store.lookup('node-ports', onNode) : undefined) ?? store.lookup('host-ports', at);
  const ends = entry ? run(store, entry, packet, node) : [{ verdict: 'accept' as const, marked: false }];
  const targets = ends.flatMap((end) => (end.target ? [end.target] : []));
  if (targets.length > 0) {
    const hairpin = targets.every((target) => target.startsWith(`${packet.source}:`) && store.lookup('hairpin', `${packet.source} . ${packet.source}`) !== undefined);
    return { verdict: 'accept', to: targets, masqueraded: ends.some((end) => end.marked) || hairpin };
  }
  if (ends.some((end) => end.verdict === 'drop')) return { verdict: 'drop', to: [], masqueraded: false };
  const refusal = store.lookup('no-endpoint-ips', at) ?? (isNode ? store.lookup('no-endpoint-node-ports', onNode) : undefined);
  if (refusal) return { verdict: refusal === 'drop' ? 'drop' : 'reject', to: [], masqueraded: false };
  if (store.lookup('cluster-ips', packet.destination) !== undefined || (node.serviceCidr && inRange(packet.destination, node.serviceCidr))) return { verdict: 'reject', to: [], masqueraded: false };
  return { verdict: 'accept', to: [`${packet.destination}:${packet.port}`], masqueraded: false };
}

interface End {
  readonly verdict: 'accept' | 'drop' | 'reject';
  readonly target?: string;
  readonly marked: boolean;
}

/** `verdict` is a map's value: `goto CHAIN`, `drop`. */
function run(store: RuleStore, verdict: string, packet: Packet, node: { readonly remembers?: (set: string, source: string) => boolean }, marked = false): End[] {
  if (verdict === 'drop') return [{ verdict: 'drop', marked }];
  const chain = verdict.replace('goto ', '');
  if (chain === 'refuse') return [{ verdict: 'reject', marked }];
  const rules = chainOf(store, chain);
  for (const { match = [], action } of rules) {
    if (!match.every((one) => holds(one, packet, node))) continue;
    switch (action.do) {
      case 'mark for masquerade': marked = true; break;
      case 'remember': break;
      case 'drop': case 'reject': return [{ verdict: action.do, marked }];
      case 'goto': return run(store, `goto ${action.chain}`, packet, node, marked);
      case 'spread over chains': return action.chains.flatMap((next) => run(store, `goto ${next}`, packet, node, marked));
      case 'spread':
        if (action.protocol !== packet.protocol) break;
        return action.targets.map(({ address, port }) => ({ verdict: 'accept', target: `${address}:${port}`, marked }));
    }
  }
  return [{ verdict: 'accept', marked }];
}

function chainOf(store: RuleStore, name: string): readonly Rule[] {
  for (const fragment of store.fragments.values()) {
    const rules = fragment.chains.get(name);
    if (rules) return rules;
  }
  throw new Error(`no chain ${name}`);
}

function holds(match: Match, packet: Packet, node: { readonly remembers?: (set: string, source: string) => boolean }): boolean {
  if (match.source === 'this node') return packet.fromThisNode ?? false;
  if (match.source === 'in set') return node.remembers?.(match.set, packet.source) ?? false;
  return match.ranges.some((range) => inRange(packet.source, range)) === (match.source === 'in');
}

/** Whether the address is in the range, `10.244.0.0/16`. */
export function inRange(address: string, range: string): boolean {
  const [base, bits = '32'] = range.split('/') as [string, string?];
  const shift = 32 - Number(bits);
  const number = (text: string): number => text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  return Math.floor(number(address) / 2 ** shift) === Math.floor(number(base) / 2 ** shift);
}
