import type { Entry, StorageEngine, StorageEvent, WriteOptions } from './engine.ts';
import { RevisionMismatchError, StorageUnavailableError } from './errors.ts';
import type { RevisionStore } from './revision-store.ts';

/** A write on its way to the medium; `bytes` is the encoded value of a put. */
export interface Write<V> {
  readonly event: StorageEvent<V>;
  readonly bytes: Uint8Array | undefined;
}

/** Where writes become durable: the only thing in which engines differ. */
export interface Medium<V> {
  /** Called once per put, in the same turn; a throw rejects that put alone. */
  encode(value: V, key: string): Uint8Array | undefined;
  /** Resolves when all of `writes` would survive a crash. A rejection means that none of them did happen. Never called while a call is open. */
  commit(writes: readonly Write<V>[]): Promise<void>;
  close(): Promise<void>;
}

interface Waiting<V> extends Write<V> {
  settle(error?: Error): void;
}

/**
 * A storage engine over a medium. Writes are compared and numbered at once, against the published state with the writes under way on
 * top; they go to the medium in groups (all that came while the group before was being synced), then are published, then acknowledged.
 */
export function createEngine<V>(store: RevisionStore<V>, medium: Medium<V>, monotonic: () => number): StorageEngine<V> {
  /** The newest write under way of each key, and when it is published. */
  const pending = new Map<string, { readonly event: StorageEvent<V>; readonly published: Promise<void> }>();
  let head = store.revision;
  let queue: Waiting<V>[] = [];
  let flushing: Promise<void> | undefined;
  let closed: Promise<void> | undefined;

  const assertOpen = (): void => {
    if (closed) throw new StorageUnavailableError('the storage engine is closed');
  };

  const present = (key: string): Entry<V> | undefined => {
    const under = pending.get(key)?.event;
    if (!under) return store.get(key);
    return under.type === 'put' ? under.entry : undefined;
  };

  /** Whoever is told of a conflict reads anew and tries again: it is told when what it conflicts with can be read. */
  const refuse = async (key: string, expected: number): Promise<never> => {
    await pending.get(key)?.published;
    throw new RevisionMismatchError(key, expected, present(key));
  };

  const enqueue = (key: string, write: Write<V>): Promise<void> => {
    head++;
    const published = new Promise<void>((resolve, reject) => {
      queue.push({ ...write, settle: (error) => (error ? reject(error) : resolve()) });
    });
    pending.set(key, { event: write.event, published });
    flushing ??= flush();
    return published;
  };

  const flush = async (): Promise<void> => {
    // What the same turn still writes goes with the first group.
    await Promise.resolve();
    while (queue.length > 0) {
      const group = queue;
      queue = [];
      try {
        await medium.commit(group);
      } catch (cause) {
        // Later writes were compared against this group's: they fall with it.
        const lost = [...group, ...queue];
        queue = [];
        pending.clear();
        head = store.revision;
        const error = new StorageUnavailableError(`the write was not stored: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
        for (const write of lost) write.settle(error);
        continue;
      }
      store.publish(group.map((write) => write.event), monotonic());
      for (const { event } of group) {
        const key = event.type === 'put' ? event.entry.key : event.key;
        if (pending.get(key)?.event === event) pending.delete(key);
      }
      for (const write of group) write.settle();
    }
    flushing = undefined;
  };

  return {
    get revision() {
      return store.revision;
    },
    get compactedRevision() {
      return store.compactedRevision;
    },
    get: (key) => store.get(key),
    range: (prefix, options) => store.range(prefix, options),
    count: (prefix) => store.count(prefix),
    watch: (prefix, fromRevision, listener) => store.watch(prefix, fromRevision, listener),
    onProgress: (listener) => store.onProgress(listener),
    async compact(revision) {
      store.compact(revision);
    },

    async put(key, make, options) {
      assertOpen();
      const previous = present(key);
      if (conflicts(previous, options)) return refuse(key, options.ifRevision);
      const revision = head + 1;
      const value = make(revision);
      const entry = { key, value, createRevision: previous?.createRevision ?? revision, modRevision: revision };
      await enqueue(key, { event: { type: 'put', entry, ...(previous && { previous }) }, bytes: medium.encode(value, key) });
      return entry;
    },

    async delete(key, options) {
      assertOpen();
      const previous = present(key);
      if (conflicts(previous, options)) return refuse(key, options.ifRevision);
      if (!previous) return undefined;
      const revision = head + 1;
      await enqueue(key, { event: { type: 'delete', key, previous, revision }, bytes: undefined });
      return { previous, revision };
    },

    [Symbol.asyncDispose]() {
      closed ??= (async () => {
        await flushing;
        await medium.close();
      })();
      return closed;
    },
  };
}

function conflicts(present: Entry<unknown> | undefined, options: WriteOptions | undefined): options is { readonly ifRevision: number } {
  return options?.ifRevision !== undefined && options.ifRevision !== (present?.modRevision ?? 0);
}
