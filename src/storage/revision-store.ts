import type { Log } from '../base/log.ts';
import type { Entry, Range, RangeOptions, StorageEvent } from './engine.ts';
import { CompactedError, FutureRevisionError } from './errors.ts';
import { OrderedIndex, prefixEnd } from './ordered-index.ts';

type Listener<V> = (events: readonly StorageEvent<V>[]) => void;

type WatchersByPrefix<V> = Map<string, Set<Watcher<V>>>;

interface Watcher<V> {
  readonly fromRevision: number;
  readonly listener: Listener<V>;
}

/** What history a store keeps. Both bounds hold: what is older or more than that is forgotten when something is published. */
export interface HistoryOptions {
  /** Default 50,000. */
  readonly maxRevisions?: number;
  /** Default five minutes, as upstream has etcd compacted. */
  readonly maxAgeMs?: number;
}

/**
 * The published state in memory, that all engines share: the newest entry of each key in order, and the history since the compacted
 * revision as one list of events. Each event carries what it replaced, so that the list is every key's history as well: a range at an
 * older revision is the newest state with the later events undone.
 *
 * Worked example, compacted at 4, newest 7:
 *
 *     history   5: put a (before: nothing)   6: put b (before: b@2)   7: delete a (before: a@5)
 *     newest    b@6
 *     at 5      undo 6 → b@2, undo 7 → a@5: a@5, b@2
 *
 * Invariant: `#history[i]` has revision `#compacted + 1 + i`: every revision is one event.
 */
export class RevisionStore<V> {
  readonly #index = new OrderedIndex<Entry<V>>();
  readonly #history: { readonly event: StorageEvent<V>; readonly at: number }[] = [];
  /** By prefix: those that end with a slash, and so are found from a key by its folders, and the rest. */
  readonly #folders: WatchersByPrefix<V> = new Map();
  readonly #prefixes: WatchersByPrefix<V> = new Map();
  readonly #progress = new Set<(revision: number) => void>();
  readonly #maxRevisions: number;
  readonly #maxAgeMs: number;
  readonly #log: Log;
  #compacted: number;
  #revision: number;

  /** `entries` is what was loaded, as of `revision`: all before it counts as compacted. */
  constructor(options: HistoryOptions & { readonly log: Log; readonly revision?: number; readonly entries?: Iterable<Entry<V>> }) {
    this.#maxRevisions = options.maxRevisions ?? 50_000;
    this.#maxAgeMs = options.maxAgeMs ?? 300_000;
    this.#log = options.log;
    this.#revision = this.#compacted = options.revision ?? 0;
    for (const entry of options.entries ?? []) this.#index.set(entry);
  }

  get revision(): number {
    return this.#revision;
  }

  get compactedRevision(): number {
    return this.#compacted;
  }

  get(key: string): Entry<V> | undefined {
    return this.#index.get(key);
  }

  count(prefix: string): number {
    return this.#index.count(prefix, prefixEnd(prefix));
  }

  range(prefix: string, options: RangeOptions = {}): Range<V> {
    const revision = options.revision ?? this.#revision;
    if (revision > this.#revision) throw new FutureRevisionError(revision, this.#revision);
    if (revision < this.#compacted) throw new CompactedError(revision, this.#compacted);
    const end = prefixEnd(prefix);
    if (revision === this.#revision && options.after === undefined && !options.limit) return { entries: this.#index.slice(prefix, end), revision, more: false, remaining: 0 };
    // The smallest string above `after` is itself with a zero behind.
    const start = options.after !== undefined && options.after >= prefix ? `${options.after}\0` : prefix;
    const limit = options.limit || Infinity;
    const undone = this.#undo(revision, start, end);
    if (undone.size === 0) {
      const entries = this.#index.slice(start, end, limit);
      const remaining = entries.length < limit ? 0 : this.#index.count(start, end) - entries.length;
      return { entries, revision, more: remaining > 0, remaining };
    }
    const all = this.#index.slice(start, end).filter((entry) => !undone.has(entry.key));
    for (const entry of undone.values()) if (entry) all.push(entry);
    all.sort((a, b) => (a.key < b.key ? -1 : 1));
    const entries = all.slice(0, limit);
    return { entries, revision, more: all.length > entries.length, remaining: all.length - entries.length };
  }

  /** What was at `revision` under the keys that changed since; undefined for keys that were not there. */
  #undo(revision: number, start: string, end: string | undefined): Map<string, Entry<V> | undefined> {
    const before = new Map<string, Entry<V> | undefined>();
    for (let i = revision - this.#compacted; i < this.#history.length; i++) {
      const { event } = this.#history[i]!;
      const key = event.type === 'put' ? event.entry.key : event.key;
      if (key >= start && (end === undefined || key < end) && !before.has(key)) before.set(key, event.previous);
    }
    return before;
  }

  watch(prefix: string, fromRevision: number, listener: Listener<V>): Disposable {
    if (fromRevision < this.#compacted) throw new CompactedError(fromRevision, this.#compacted);
    // What is history now is replayed here; a watcher made by a listener while a batch goes round must not get that batch twice.
    const watcher = { fromRevision: Math.max(fromRevision, this.#revision), listener };
    const replay: StorageEvent<V>[] = [];
    for (let i = fromRevision - this.#compacted; i < this.#history.length; i++) {
      const { event } = this.#history[i]!;
      if (keyOfEvent(event).startsWith(prefix)) replay.push(event);
    }
    const watched = prefix.endsWith('/') ? this.#folders : this.#prefixes;
    let watchers = watched.get(prefix);
    if (!watchers) watched.set(prefix, (watchers = new Set()));
    watchers.add(watcher);
    if (replay.length > 0) this.#guard(() => listener(replay));
    return {
      [Symbol.dispose]: () => {
        watchers.delete(watcher);
        if (watchers.size === 0 && watched.get(prefix) === watchers) watched.delete(prefix);
      },
    };
  }

  onProgress(listener: (revision: number) => void): Disposable {
    // A wrapper, so that one function given twice is two listeners.
    const own = (revision: number): void => listener(revision);
    this.#progress.add(own);
    return { [Symbol.dispose]: () => void this.#progress.delete(own) };
  }

  /** Takes durable events, whose revisions follow on each other and on the newest one, into the state and tells the watchers. `at` is monotonic time. */
  publish(events: readonly StorageEvent<V>[], at: number): void {
    if (events.length === 0) return;
    for (const event of events) {
      if (event.type === 'put') this.#index.set(event.entry);
      else this.#index.delete(event.key);
      this.#history.push({ event, at });
    }
    this.#revision += events.length;
    this.#forget(at);
    for (const [watchers, seen] of this.#concerned(events)) for (const watcher of watchers) this.#deliver(watcher, seen);
    for (const listener of this.#progress) this.#guard(() => listener(this.#revision));
  }

  /** The watchers of each watched prefix that some of the events are under, with those events. */
  #concerned(events: readonly StorageEvent<V>[]): Iterable<readonly [ReadonlySet<Watcher<V>>, readonly StorageEvent<V>[]]> {
    const concerned = new Map<ReadonlySet<Watcher<V>>, StorageEvent<V>[]>();
    const note = (watchers: ReadonlySet<Watcher<V>>, event: StorageEvent<V>): void => {
      const seen = concerned.get(watchers);
      if (seen) seen.push(event);
      else concerned.set(watchers, [event]);
    };
    for (const event of events) {
      const key = keyOfEvent(event);
      // Of a hundred watched folders a key is in two or three.
      for (let slash = key.indexOf('/'); slash >= 0; slash = key.indexOf('/', slash + 1)) {
        const watchers = this.#folders.get(key.slice(0, slash + 1));
        if (watchers) note(watchers, event);
      }
      for (const [prefix, watchers] of this.#prefixes) if (key.startsWith(prefix)) note(watchers, event);
    }
    return concerned;
  }

  compact(revision: number): void {
    if (revision > this.#revision) throw new FutureRevisionError(revision, this.#revision);
    if (revision > this.#compacted) this.#drop(revision - this.#compacted);
  }

  #deliver(watcher: Watcher<V>, events: readonly StorageEvent<V>[]): void {
    const wanted = revisionOfEvent(events[0]!) > watcher.fromRevision ? events : events.filter((event) => revisionOfEvent(event) > watcher.fromRevision);
    if (wanted.length > 0) this.#guard(() => watcher.listener(wanted));
  }

  /** One listener's fault must not keep events from the others, nor turn an acknowledged write into a failed one. */
  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#log.error('a storage listener failed', { error });
    }
  }

  #forget(now: number): void {
    let drop = Math.max(0, this.#history.length - this.#maxRevisions);
    while (drop < this.#history.length && now - this.#history[drop]!.at > this.#maxAgeMs) drop++;
    // Moving the list's rest costs its length: do so once per thousand, not once per write.
    if (drop >= Math.min(1000, this.#history.length / 2)) this.#drop(drop);
  }

  #drop(count: number): void {
    if (count === 0) return;
    this.#history.splice(0, count);
    this.#compacted += count;
  }
}

function keyOfEvent(event: StorageEvent<unknown>): string {
  return event.type === 'put' ? event.entry.key : event.key;
}

function revisionOfEvent(event: StorageEvent<unknown>): number {
  return event.type === 'put' ? event.entry.modRevision : event.revision;
}
