import { IPV4, type AddressFamily } from '../base/address-family.ts';
import type { Direction, Peer, PolicyRule, PolicyTable, Ports } from './policy-table.ts';

export const TABLE = 'wherry-policy';

export interface TransactionOptions {
  /** Where the node answers DNS itself: the only thing on the node that policies govern. */
  readonly dnsAddress?: string;
  /** Default IPv4. */
  readonly family?: AddressFamily;
}

/**
 * What nft is to do, in one transaction, to come from `before` to `after`; undefined when they are the same. A table of undefined is
 * none at all; `before` is 'unknown' when the kernel may have anything under our name, which is then replaced, all at once.
 */
export function policyTransaction(before: PolicyTable | 'unknown' | undefined, after: PolicyTable | undefined, options: TransactionOptions = {}): string | undefined {
  const { family = IPV4 } = options;
  const lines: string[] = [];
  const remove = [`add table ${family.name} ${TABLE}`, `delete table ${family.name} ${TABLE}`];
  if (before === 'unknown' || (before && !after)) lines.push(...remove);
  if (after) {
    const known = before !== undefined && before !== 'unknown';
    if (!known) lines.push(`add table ${family.name} ${TABLE}`);
    lines.push(...differences(known ? nftTable(before, options) : NOTHING, nftTable(after, options), `${family.name} ${TABLE}`));
  }
  return lines.length > 0 ? `${lines.join('\n')}\n` : undefined;
}

/** As nft has it: lines of rules, and elements with their values (empty in a set). */
interface NftTable {
  readonly chains: ReadonlyMap<string, NftChain>;
  readonly sets: ReadonlyMap<string, NftSet>;
}
interface NftChain {
  readonly hook?: string;
  readonly rules: readonly string[];
}
interface NftSet {
  readonly kind: 'set' | 'map';
  readonly type: string;
  readonly elements: ReadonlyMap<string, string>;
}

const NOTHING: NftTable = { chains: new Map(), sets: new Map() };

/**
 * All traffic of pods is forwarded by their node, from one cable to the next, after services' addresses were translated and before
 * sources are. Egress is looked at first, then ingress: two chains at the same hook, for what one accepts the next may still drop.
 * They come after the service proxy's (priority 0), so that what no service answers is refused in words and not dropped.
 * What the node itself sends to its pods is not forwarded, thus free; so is what pods send to the node, but for its DNS.
 */
function nftTable(table: PolicyTable, { dnsAddress, family = IPV4 }: TransactionOptions): NftTable {
  const header = family.name;
  const established = 'ct state established,related accept';
  const toItself = `${header} saddr . ${header} daddr @self accept`;
  const chains = new Map<string, NftChain>([
    ['egress', { hook: 'type filter hook forward priority 10;', rules: [established, toItself, `${header} saddr vmap @isolated-egress`] }],
    ['ingress', { hook: 'type filter hook forward priority 11;', rules: [established, toItself, `${header} daddr vmap @isolated-ingress`] }],
    ...(dnsAddress ? [['egress-to-dns', { hook: 'type filter hook input priority 10;', rules: [`${header} daddr != ${dnsAddress} accept`, established, `${header} saddr vmap @isolated-egress`] }] as const] : []),
  ]);
  for (const [name, { direction, rules }] of table.chains) chains.set(name, { rules: rules.map((rule) => renderRule(rule, direction, header)) });

  const { ingress, egress } = table.isolated;
  const verdicts = (addresses: ReadonlyMap<string, string>): NftSet => ({
    kind: 'map', type: `${family.type} : verdict`, elements: new Map([...addresses].map(([address, chain]) => [address, `goto ${chain}`])),
  });
  const sets = new Map<string, NftSet>([
    ['isolated-egress', verdicts(egress)],
    ['isolated-ingress', verdicts(ingress)],
    // A pod reaches itself by way of a service, whatever policies say.
    ['self', { kind: 'set', type: `${family.type} . ${family.type}`, elements: new Map([...ingress.keys(), ...egress.keys()].map((address) => [`${address} . ${address}`, ''])) }],
  ]);
  for (const [name, { of, elements }] of table.sets) {
    sets.set(name, { kind: 'set', type: of === 'ports' ? `${family.type} . inet_proto . inet_service` : family.type, elements: new Map([...elements].map((element) => [element, ''])) });
  }
  return { chains, sets };
}

/** As nft 1.0.6 reads it. */
function renderRule(rule: PolicyRule, direction: Direction, header: string): string {
  switch (rule.do) {
    case 'drop': return 'drop';
    case 'jump': return `jump ${rule.chain}`;
    case 'accept': return [...(rule.peer ? renderPeer(rule.peer, `${header} ${direction === 'ingress' ? 'saddr' : 'daddr'}`) : []), ...(rule.ports ? [renderPorts(rule.ports, header)] : []), 'accept'].join(' ');
  }
}

function renderPeer(peer: Peer, address: string): string[] {
  if ('set' in peer) return [`${address} @${peer.set}`];
  // One by one: exceptions may overlap, which no set of nft's takes.
  return [...(peer.block.endsWith('/0') ? [] : [`${address} ${peer.block}`]), ...peer.except.map((range) => `${address} != ${range}`)];
}

function renderPorts(ports: Ports, header: string): string {
  if ('set' in ports) return `${header} daddr . meta l4proto . th dport @${ports.set}`;
  const { protocol, ranges } = ports;
  return `meta l4proto ${protocol}${ranges.length > 0 ? ` th dport { ${ranges.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join(', ')} }` : ''}`;
}

/** In an order in which nothing is named before it is there, nor taken away while it is named. */
function differences(from: NftTable, to: NftTable, table: string): string[] {
  const newSets: string[] = [];
  const newChains: string[] = [];
  const emptied: string[] = [];
  const rules: string[] = [];
  const goneElements: string[] = [];
  const newElements: string[] = [];
  const goneChains: string[] = [];
  const goneSets: string[] = [];
  for (const [name, { kind, type }] of to.sets) if (!from.sets.has(name)) newSets.push(`add ${kind} ${table} ${name} { type ${type}; }`);
  for (const name of from.sets.keys()) if (!to.sets.has(name)) goneSets.push(`delete set ${table} ${name}`);
  for (const [name, { hook, rules: wanted }] of to.chains) {
    const before = from.chains.get(name);
    if (before && before.rules.length === wanted.length && before.rules.every((line, i) => line === wanted[i])) continue;
    if (before) emptied.push(`flush chain ${table} ${name}`);
    else newChains.push(`add chain ${table} ${name}${hook ? ` { ${hook} }` : ''}`);
    rules.push(...wanted.map((line) => `add rule ${table} ${name} ${line}`));
  }
  for (const name of from.chains.keys()) {
    if (to.chains.has(name)) continue;
    emptied.push(`flush chain ${table} ${name}`);
    goneChains.push(`delete chain ${table} ${name}`);
  }
  for (const [name, { elements }] of to.sets) {
    const before = from.sets.get(name)?.elements;
    const gone = [...(before ?? [])].filter(([key, value]) => elements.get(key) !== value);
    const added = [...elements].filter(([key, value]) => before?.get(key) !== value);
    if (gone.length > 0) goneElements.push(`delete element ${table} ${name} { ${gone.map(renderElement).join(', ')} }`);
    if (added.length > 0) newElements.push(`add element ${table} ${name} { ${added.map(renderElement).join(', ')} }`);
  }
  return [...newSets, ...newChains, ...emptied, ...rules, ...goneElements, ...newElements, ...goneChains, ...goneSets];
}

function renderElement([key, value]: readonly [string, string]): string {
  return value ? `${key} : ${value}` : key;
}
