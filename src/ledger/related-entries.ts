import type { About, LedgerEntry } from './entry.ts';

/** Whose entries are wanted. */
export interface Related {
  readonly uids: readonly string[];
  /** Objects by name, also of those that are gone. */
  readonly named?: readonly Pick<About, 'group' | 'resource' | 'namespace' | 'name'>[];
}

export interface RelatedEntries {
  readonly entries: readonly LedgerEntry[];
  /** Takes a further entry, newer than all before it; answers whether it belongs to them. */
  accept(entry: LedgerEntry): boolean;
}

/**
 * The entries that an account of some objects consists of:
 *   - all that was done with the objects themselves,
 *   - all that came of it, with all that was done with objects that were made in that course,
 *   - and what led to it, back to the first cause (but not what else came of that).
 * `entries` is in the order of time, so that what came of something is found in one pass forward, what led to it in one backward.
 */
export function relatedEntries(entries: readonly LedgerEntry[], wanted: Related): RelatedEntries {
  const uids = new Set(wanted.uids);
  for (const { about } of entries) if (wanted.named?.some((named) => isNamed(about, named))) uids.add(about.uid);
  const writes = new Set<number>();
  const found = new Set<LedgerEntry>();
  const accept = (entry: LedgerEntry): boolean => {
    if (!uids.has(entry.about.uid) && !entry.causes.some((cause) => writes.has(cause))) return false;
    found.add(entry);
    if (entry.kind === 'write') {
      writes.add(entry.revision);
      if (entry.verb === 'create') uids.add(entry.about.uid);
    }
    return true;
  };
  for (const entry of entries) accept(entry);
  const causes = new Set([...found].flatMap((entry) => entry.causes));
  for (let i = entries.length - 1; i >= 0; i--) {
    const entry = entries[i]!;
    if (entry.kind !== 'write' || !causes.has(entry.revision)) continue;
    found.add(entry);
    for (const cause of entry.causes) causes.add(cause);
  }
  return { entries: entries.filter((entry) => found.has(entry)), accept };
}

function isNamed(about: About, named: NonNullable<Related['named']>[number]): boolean {
  return about.name === named.name && about.resource === named.resource && about.group === named.group && (about.namespace ?? '') === (named.namespace ?? '');
}
