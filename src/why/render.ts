import type { LedgerEntry } from '../ledger/entry.ts';
import type { Finding } from './finding.ts';
import type { StoryNode } from './story.ts';
import { milliseconds, sentence, tell, type Reader } from './words.ts';

export interface RenderOptions {
  readonly reader: Reader;
  /** Objects that went the same way are told of once where there are more than this; 0: tell of all. */
  readonly alike: number;
  /** How the time of a beginning is written. */
  readonly clockTime: (ms: number) => string;
}

/** The tree of causes as lines; times count from the first entry of each tree. */
export function renderStory(roots: readonly StoryNode[], options: RenderOptions): string[] {
  return roots.flatMap((root) => {
    const told = tell(root.entry, options.reader);
    const lines = [`${options.clockTime(root.entry.at)}  ${sentence(told)}`, ...told.more.map((text) => `    ${text}`)];
    return [...lines, ...branches(root.children, '', root.entry.at, options)];
  });
}

function branches(children: readonly StoryNode[], indent: string, began: number, options: RenderOptions): string[] {
  const { shown, hidden } = fewOfAlike(children, options.alike);
  const repeated = options.alike === 0 ? new Map<StoryNode, number>() : repetitions(shown, options);
  const lines: string[] = [];
  shown.forEach((child, i) => {
    const skipped = repeated.get(child);
    if (skipped === 0) return;
    const last = i === shown.length - 1 && hidden.length === 0;
    const told = tell(child.entry, options.reader);
    const below = `${indent}${last ? '   ' : '│  '}`;
    lines.push(`${indent}${last ? '└─ ' : '├─ '}${since(child.entry, began)}  ${sentence(told)}`);
    if (skipped) lines.push(`${below}   … and ${skipped} times more, until the last below`);
    for (const text of told.more) lines.push(`${below}${child.children.length > 0 ? '│  ' : '   '}   ${text}`);
    lines.push(...branches(child.children, below, began, options));
  });
  hidden.forEach((text, i) => lines.push(`${indent}${i === hidden.length - 1 ? '└─ ' : '├─ '}${text}`));
  return lines;
}

/** Of what is told in the same words again and again (each try of an image) the first and the last are shown: for the first how many are left out, for those left out 0. */
function repetitions(children: readonly StoryNode[], { reader }: RenderOptions): ReadonlyMap<StoryNode, number> {
  /** With all that came of it, numbers aside; undefined where something was made or ended. */
  const wordsOf = ({ entry, children: below }: StoryNode): string | undefined => {
    if (entry.kind === 'write' && entry.verb !== 'update') return undefined;
    const parts = below.map(wordsOf);
    return parts.includes(undefined) ? undefined : [sentence(tell(entry, reader)).replace(/\b\d+(\.\d+)?\b/g, '#').replace('under # ms', '# ms'), ...parts].join('\n');
  };
  const groups = new Map<string, StoryNode[]>();
  for (const child of children) {
    const words = wordsOf(child);
    if (words !== undefined) groups.set(words, [...(groups.get(words) ?? []), child]);
  }
  const found = new Map<StoryNode, number>();
  for (const group of groups.values()) {
    if (group.length < 4) continue;
    found.set(group[0]!, group.length - 2);
    for (const left of group.slice(1, -1)) found.set(left, 0);
  }
  return found;
}

export function since({ at }: Pick<LedgerEntry, 'at'>, began: number): string {
  const ms = at - began;
  // Where only seconds are known, none smaller are claimed.
  if (ms < 60_000 && at % 1000 === 0 && began % 1000 === 0) return `+${ms / 1000} s`;
  return ms < 1 ? '+0 ms' : `+${milliseconds(ms)}`;
}

/** Of many siblings of one kind the first few, and a word on the others. */
function fewOfAlike(children: readonly StoryNode[], alike: number): { readonly shown: readonly StoryNode[]; readonly hidden: readonly string[] } {
  if (alike === 0) return { shown: children, hidden: [] };
  const seen = new Map<string, number>();
  const rest = new Map<string, number>();
  const shown = children.filter(({ entry }) => {
    if (entry.kind !== 'write' || entry.verb === 'update') return true;
    const like = `${entry.verb} ${entry.about.kind}`;
    const number = (seen.get(like) ?? 0) + 1;
    seen.set(like, number);
    if (number <= alike) return true;
    rest.set(like, (rest.get(like) ?? 0) + 1);
    return false;
  });
  const verbs: Readonly<Record<string, string>> = { create: 'made', mark: 'asked to end', delete: 'removed' };
  return { shown, hidden: [...rest].map(([like, number]) => `… and ${number} more ${like.split(' ')[1]}s ${verbs[like.split(' ')[0]!]} in the same way (--all shows them)`) };
}

/** What keeps something, and what would help. */
export function renderFindings(findings: readonly Finding[]): string[] {
  return findings.flatMap(({ waitsFor, over, because, help }) => [
    '', `${over ? 'It is over' : 'Waiting for'}: ${waitsFor}`, ...because.map((text) => `  ${text}`),
    ...(help.length > 0 ? ['What would help:', ...help.map((text) => `  • ${text}`)] : []),
  ]);
}
