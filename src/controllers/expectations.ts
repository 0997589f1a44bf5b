import { keyOf, type KubeObject } from '../api/object.ts';
import type { Clock } from '../base/clock.ts';
import type { Informer } from '../client/informer.ts';

interface Pending {
  readonly since: number;
  /** uids of created objects that the cache has not shown yet. */
  readonly creations: Set<string>;
  /** Deleted objects, by uid: the cache may still show them as if nothing had happened. */
  readonly deletions: Map<string, string>;
}

/**
 * Lets a controller wait until the cache shows what it has done itself, so that it never does a thing twice because the
 * cache lags. Example: a set of 3 creates 3 pods; the cache shows 1 of them when the key comes up again; counting now
 * would create 2 more. `settled` is false until all three were seen (or seen and gone).
 *
 * What never shows up (made and gone between two lists of the informer) is forgotten after five minutes, as upstream's
 * ControllerExpectations are (pkg/controller/controller_utils.go).
 */
export class Expectations<T extends KubeObject> implements Disposable {
  static readonly timeoutMs = 5 * 60_000;
  readonly #informer: Informer<T>;
  readonly #clock: Clock;
  readonly #pending = new Map<string, Pending>();
  readonly #subscription: Disposable;
  #creating = 0;
  /** uids seen to go while a creation was on its way: the answer may come after the end of what it created. */
  readonly #goneMeanwhile = new Set<string>();

  constructor(informer: Informer<T>, clock: Clock) {
    this.#informer = informer;
    this.#clock = clock;
    const seen = (object: T): void => {
      for (const pending of this.#pending.values()) pending.creations.delete(object.metadata.uid);
    };
    this.#subscription = informer.subscribe({
      add: seen,
      delete: (object) => {
        seen(object);
        if (this.#creating > 0) this.#goneMeanwhile.add(object.metadata.uid);
      },
    });
  }

  /** Runs a creation on behalf of `key`. */
  async create(key: string, run: () => Promise<T>): Promise<T> {
    this.#creating++;
    try {
      const object = await run();
      const { uid } = object.metadata;
      if (this.#informer.get(keyOf(object))?.metadata.uid !== uid && !this.#goneMeanwhile.has(uid)) this.#of(key).creations.add(uid);
      return object;
    } finally {
      if (--this.#creating === 0) this.#goneMeanwhile.clear();
    }
  }

  /** Runs the deletion of `object` on behalf of `key`. */
  async delete(key: string, object: T, run: () => Promise<void>): Promise<void> {
    const { deletions } = this.#of(key);
    deletions.set(object.metadata.uid, keyOf(object));
    try {
      await run();
    } catch (error) {
      deletions.delete(object.metadata.uid);
      throw error;
    }
  }

  /** Whether the cache shows all that was done on behalf of `key`. To be asked before the cache is read, in the same turn or an earlier one. */
  settled(key: string): boolean {
    const pending = this.#pending.get(key);
    if (!pending) return true;
    for (const [uid, objectKey] of pending.deletions) {
      const shown = this.#informer.get(objectKey)?.metadata;
      if (shown?.uid !== uid || shown.deletionTimestamp) pending.deletions.delete(uid);
    }
    const waits = pending.creations.size + pending.deletions.size > 0 && this.#clock.monotonic() - pending.since < Expectations.timeoutMs;
    if (!waits) this.#pending.delete(key);
    return !waits;
  }

  forget(key: string): void {
    this.#pending.delete(key);
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
  }

  #of(key: string): Pending {
    let pending = this.#pending.get(key);
    if (!pending) this.#pending.set(key, (pending = { since: this.#clock.monotonic(), creations: new Set(), deletions: new Map() }));
    return pending;
  }
}
