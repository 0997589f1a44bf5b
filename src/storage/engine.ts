/**
 * Storage is etcd's model: one revision counter, compare-and-swap writes, ranges at a revision, watches from a revision,
 * compaction. Values are kept in memory as objects; engines differ in what they keep on disk.
 */

/** A stored value: the object, and its bytes, made once per revision. */
export interface Entry<V> {
  readonly key: string;
  readonly value: V;
  readonly createRevision: number;
  readonly modRevision: number;
}

/** How an engine turns values to bytes and back. `encode` is called once per write. */
export interface ValueCodec<V> {
  encode(value: V, key: string): Uint8Array;
  decode(bytes: Uint8Array, key: string): V;
  /** Whether `encode` would make other bytes now, by another cipher: they are written again, under the same revision, when the engine opens. */
  isStale?(bytes: Uint8Array, key: string): boolean;
}

export interface RangeOptions {
  /** As of this revision; absent: the newest published one. Throws CompactedError below the compacted revision, FutureRevisionError above the newest. */
  readonly revision?: number;
  /** Keys after this one (exclusive). */
  readonly after?: string;
  readonly limit?: number;
}

export interface Range<V> {
  readonly entries: readonly Entry<V>[];
  /** The revision the range was read at. */
  readonly revision: number;
  readonly more: boolean;
  /** How many further entries there are beyond `entries`. */
  readonly remaining: number;
}

export type StorageEvent<V> =
  | { readonly type: 'put'; readonly entry: Entry<V>; readonly previous?: Entry<V> }
  /** `revision` is the deletion's. */
  | { readonly type: 'delete'; readonly key: string; readonly previous: Entry<V>; readonly revision: number };

export interface WriteOptions {
  /** Expected modRevision of the present entry; 0: must not exist. A mismatch rejects with RevisionMismatchError carrying the present entry, once that is published. */
  readonly ifRevision?: number;
}

export interface StorageEngine<V> extends AsyncDisposable {
  /** The newest published revision: all up to it is durable. */
  readonly revision: number;
  readonly compactedRevision: number;
  /** From memory, newest published state. */
  get(key: string): Entry<V> | undefined;
  range(prefix: string, options?: RangeOptions): Range<V>;
  count(prefix: string): number;
  /**
   * Puts what `make(revision)` returns under the revision that the write gets (so that a value can carry its own revision).
   * The comparison and `make` happen synchronously, against the state including writes not yet synced; the promise resolves when the write is durable and published.
   * When the disk refuses, this and every later write not yet durable is rejected and rolled back.
   */
  put(key: string, make: (revision: number) => V, options?: WriteOptions): Promise<Entry<V>>;
  /** Resolves to the entry that was there, and the deletion's revision; undefined when there was none. */
  delete(key: string, options?: WriteOptions): Promise<{ readonly previous: Entry<V>; readonly revision: number } | undefined>;
  /** Events with revision > `fromRevision`, in order, once each, first what is history (synchronously), then live. Throws CompactedError. */
  watch(prefix: string, fromRevision: number, listener: (events: readonly StorageEvent<V>[]) => void): Disposable;
  /** Called after each published batch with the newest revision, also where no key of a watcher changed. For bookmarks. */
  onProgress(listener: (revision: number) => void): Disposable;
  compact(revision: number): Promise<void>;
}
