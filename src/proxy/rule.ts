import type { AddressFamily } from '../base/address-family.ts';
import type { Protocol } from './service-ports.ts';

/** One rule of a chain: if all matches hold, do it. A small part of nftables, so that it can be written out and traced alike. */
export interface Rule {
  readonly match?: readonly Match[];
  readonly action: Action;
}

export type Match =
  | { readonly source: 'in' | 'not in'; readonly ranges: readonly string[] }
  /** The packet comes from a process on this node. */
  | { readonly source: 'this node' }
  | { readonly source: 'in set'; readonly set: string };

export type Action =
  /** Takes the node's address on its way out. */
  | { readonly do: 'mark for masquerade' }
  | { readonly do: 'goto'; readonly chain: string }
  | { readonly do: 'drop' }
  | { readonly do: 'reject' }
  /** To one of the backends at random. */
  | { readonly do: 'spread'; readonly protocol: Protocol; readonly targets: readonly Target[] }
  | { readonly do: 'spread over chains'; readonly chains: readonly string[] }
  /** Notes the source in the set for as long as the set keeps it. */
  | { readonly do: 'remember'; readonly set: string };

export interface Target {
  readonly address: string;
  readonly port: number;
}

export const MASQUERADE_MARK = 0x4000;

/** As nft reads it; checked with nft 1.0.6. */
export function renderRule(rule: Rule, family: AddressFamily): string {
  return [...(rule.match ?? []).map((match) => renderMatch(match, family.name)), renderAction(rule.action, family.name)].join(' ');
}

function renderMatch(match: Match, header: AddressFamily['name']): string {
  if (match.source === 'this node') return 'fib saddr type local';
  if (match.source === 'in set') return `${header} saddr @${match.set}`;
  return `${header} saddr ${match.source === 'not in' ? '!= ' : ''}{ ${match.ranges.join(', ')} }`;
}

function renderAction(action: Action, header: AddressFamily['name']): string {
  switch (action.do) {
    case 'mark for masquerade': return `meta mark set meta mark or 0x${MASQUERADE_MARK.toString(16)}`;
    case 'goto': return `goto ${action.chain}`;
    case 'drop': return 'drop';
    case 'reject': return 'reject';
    case 'remember': return `update @${action.set} { ${header} saddr }`;
    case 'spread over chains': return `numgen random mod ${action.chains.length} vmap { ${action.chains.map((chain, i) => `${i} : goto ${chain}`).join(', ')} }`;
    case 'spread': {
      const [first] = action.targets;
      // A port can be translated only where the protocol is known to have ports.
      const protocol = `meta l4proto ${action.protocol}`;
      if (action.targets.length === 1) return `${protocol} dnat ${header} to ${header === 'ip6' ? `[${first!.address}]` : first!.address}:${first!.port}`;
      return `${protocol} dnat ${header} to numgen random mod ${action.targets.length} map { ${action.targets.map((target, i) => `${i} : ${target.address} . ${target.port}`).join(', ')} }`;
    }
  }
}
