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
 *   - what led to what was done with the objects asked for, back to the first cause (but not what else came of that),
 *   - and what directly led to what was done with the objects that were made in that course (a pod's readiness, to the endpoints of a service).
 * `entries` is in the order of time, so that what came of something is found in one pass forward, what led to it in one backward.
 */
export function relatedEntries(entries: readonly LedgerEntry[], wanted: Related): RelatedEntries {
  const asked = new Set(wanted.uids);
  for (const { about } of entries) if (wanted.named?.some((named) => isNamed(about, named))) asked.add(about.uid);
  const uids = new Set(asked);
  const writes = new Set<number>();
  const found = new Set<LedgerEntry>();
  const accept = (entry: LedgerEntry): boolean => {
    if (wanted.named?.some((named) => isNamed(entry.about, named))) uids.add(entry.about.uid);
    if (!uids.has(entry.about.uid) && !entry.causes.some((cause) => writes.has(cause))) return false;
    found.add(entry);
    if (entry.kind === 'write') {
      writes.add(entry.revision);
      if (entry.verb === 'create') uids.add(entry.about.uid);
    }
    return true;
  };
  for (const entry of entries) accept(entry);
  const causes = new Set([...found].flatMap(({ about, causes: all }) => (asked.has(about.uid) ? all : uids.has(about.uid) ? all.slice(-1) : [])));
  const further = new Set([...found].flatMap(({ about, causes: all }) => (asked.has(about.uid) ? all : [])));
  for (let i = entries.length - 1; i >= 0; i--) {
    const entry = entries[i]!;
    if (entry.kind !== 'write' || !causes.has(entry.revision)) continue;
    found.add(entry);
    if (!further.has(entry.revision)) continue;
    for (const cause of entry.causes) {
      causes.add(cause);
      further.add(cause);
    }
  }
  return { entries: entries.filter((entry) => found.has(entry)), accept };
}

function isNamed(about: About, named: NonNullable<Related['named']>[number]): boolean {
  return about.name === named.name && about.resource === named.resource && about.group === named.group && (about.namespace ?? '') === (named.namespace ?? '');
}
