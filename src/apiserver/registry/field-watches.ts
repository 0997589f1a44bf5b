import type { KubeObject } from '../../api/object.ts';
import type { StorageEngine, StorageEvent } from '../../storage/engine.ts';

type Listener = (events: readonly StorageEvent<KubeObject>[]) => void;

interface Follower {
  readonly fromRevision: number;
  readonly listener: Listener;
}

/**
 * Watches that want one value of one field each, as every kubelet wants the pods whose `spec.nodeName` is its own. A change is looked at once
 * and goes only to those who want what the field was or has become, instead of being tried by each of a thousand watchers.
 * Upstream: the cacher's index by trigger values.
 */
export class FieldWatches {
  readonly #engine: StorageEngine<KubeObject>;
  readonly #prefix: string;
  readonly #valueOf: (object: KubeObject) => string;
  readonly #followers = new Map<string, Set<Follower>>();
  #watch: Disposable | undefined;

  constructor(engine: StorageEngine<KubeObject>, prefix: string, valueOf: (object: KubeObject) => string) {
    this.#engine = engine;
    this.#prefix = prefix;
    this.#valueOf = valueOf;
  }

  /** As `StorageEngine.watch`, for events in which the field has or had this value. Throws CompactedError. */
  watch(value: string, fromRevision: number, listener: Listener): Disposable {
    const history: StorageEvent<KubeObject>[] = [];
    this.#engine.watch(this.#prefix, fromRevision, (events) => history.push(...events))[Symbol.dispose](); // what is history comes synchronously
    this.#watch ??= this.#engine.watch(this.#prefix, this.#engine.revision, (events) => this.#deliver(events));
    const follower = { fromRevision: Math.max(fromRevision, this.#engine.revision), listener };
    const followers = this.#followers.get(value) ?? new Set();
    this.#followers.set(value, followers.add(follower));
    const mine = history.filter((event) => this.#values(event).includes(value));
    if (mine.length > 0) listener(mine);
    return {
      [Symbol.dispose]: () => {
        followers.delete(follower);
        if (followers.size === 0 && this.#followers.get(value) === followers) this.#followers.delete(value);
        if (this.#followers.size > 0) return;
        this.#watch?.[Symbol.dispose]();
        this.#watch = undefined;
      },
    };
  }

  #deliver(events: readonly StorageEvent<KubeObject>[]): void {
    const batches = new Map<Follower, StorageEvent<KubeObject>[]>();
    for (const event of events) {
      const revision = event.type === 'put' ? event.entry.modRevision : event.revision;
      const [value, former] = this.#values(event);
      for (const wanted of value === former ? [value] : [value, former]) {
        for (const follower of (wanted !== undefined && this.#followers.get(wanted)) || []) {
          if (revision <= follower.fromRevision) continue;
          const batch = batches.get(follower);
          if (batch) batch.push(event);
          else batches.set(follower, [event]);
        }
      }
    }
    for (const [follower, batch] of batches) follower.listener(batch);
  }

  /** What the field is after the event and what it was before. */
  #values(event: StorageEvent<KubeObject>): readonly [now: string | undefined, before: string | undefined] {
    return [event.type === 'put' ? this.#valueOf(event.entry.value) : undefined, event.previous && this.#valueOf(event.previous.value)];
  }
}
