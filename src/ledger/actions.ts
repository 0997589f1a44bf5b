import type { LedgerEntry, WriteEntry } from './entry.ts';

/** Something that was begun, mostly by a person, and how far what came of it has got. */
export interface Action {
  /** The write that it began with. */
  readonly entry: WriteEntry;
  /** When the newest of what came of it was, milliseconds since 1970. */
  readonly last: number;
  /** Entries that belong to it, the first among them. */
  readonly steps: number;
  /** Something of it failed and has not been done since. */
  readonly failed: boolean;
}

/** What controllers begin by themselves that is worth a story of its own: a cron job's turn, the pods of a dead node, a move of the autoscaler. */
const OWN_ACCORD = new Set(['Pod', 'Job', 'Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet']);

/** The newest `most` actions, the newest first. One pass over all entries. */
export function actionsOf(entries: readonly LedgerEntry[], most: number): readonly Action[] {
  const found = new Map<WriteEntry, { last: number; steps: number; failures: Set<string> }>();
  for (const [entry, root] of rootsOf(entries)) {
    const action = found.get(root) ?? { last: root.at, steps: 0, failures: new Set() };
    action.last = Math.max(action.last, entry.at);
    action.steps++;
    if (entry.kind === 'work') {
      const key = `${entry.about.uid} ${entry.work}`;
      if (entry.error === undefined) action.failures.delete(key);
      else action.failures.add(key);
    }
    found.set(root, action);
  }
  return [...found].slice(-most).reverse().map(([entry, { last, steps, failures }]) => ({ entry, last, steps, failed: failures.size > 0 }));
}

/** All that came of the write with this revision, itself included, the oldest first; empty where the ledger has no such beginning (any more). */
export function courseOf(entries: readonly LedgerEntry[], revision: number): readonly LedgerEntry[] {
  return [...rootsOf(entries)].filter(([, root]) => root.revision === revision).map(([entry]) => entry);
}

/**
 * Each entry with the write that began it all. An entry belongs to what caused it; where it names no cause, or only tells how a pod fares (the scheduler tries one again because some
 * other pod went), to what made its object or asked it to end. What belongs to nothing known (a cluster's own beginnings, signs of life) is left out.
 */
function* rootsOf(entries: readonly LedgerEntry[]): Generator<readonly [LedgerEntry, WriteEntry]> {
  const writes = new Map<number, { readonly entry: WriteEntry; readonly root: WriteEntry | undefined }>();
  const objects = new Map<string, WriteEntry>();
  for (const entry of entries) {
    const causes = entry.causes.map((cause) => writes.get(cause)).filter((cause) => cause !== undefined);
    const wishes = entry.kind === 'write' && entry.wanted ? causes.filter((cause) => cause.entry.wanted) : [];
    const cause = wishes.at(-1) ?? causes.at(-1);
    const own = objects.get(entry.about.uid);
    const root = isAboutPod(entry) && own ? own : cause ? cause.root : (beginning(entry) ?? own);
    if (entry.kind === 'write') {
      writes.set(entry.revision, { entry, root });
      if (root && (entry.verb === 'create' || entry.verb === 'mark')) objects.set(entry.about.uid, root);
    }
    if (root) yield [entry, root];
  }
}

/** Work on a pod and reports of it; not what somebody wants of it. */
function isAboutPod(entry: LedgerEntry): boolean {
  return entry.about.kind === 'Pod' && (entry.kind === 'work' || (entry.verb === 'update' && !entry.wanted));
}

function beginning(entry: LedgerEntry): WriteEntry | undefined {
  if (entry.kind !== 'write' || entry.causes.length > 0) return undefined;
  if (!entry.user.startsWith('system:') || entry.user.startsWith('system:serviceaccount:')) return entry;
  const begins = entry.user === 'system:kube-controller-manager' && OWN_ACCORD.has(entry.about.kind) && (entry.verb !== 'update' || entry.wanted);
  return begins ? entry : undefined;
}
