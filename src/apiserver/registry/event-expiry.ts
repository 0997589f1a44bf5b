import { events } from '../../api/generated/resources.ts';
import type { Event } from '../../api/generated/core-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { StorageEngine } from '../../storage/engine.ts';
import { RevisionMismatchError, StorageUnavailableError } from '../../storage/errors.ts';
import { storagePrefix } from './served-resource.ts';

/** Upstream: the server's `--event-ttl`, there a lease of etcd's that each write of the event takes anew. */
const LIFETIME_SECONDS = 3600;
/** Events that end within this time of each other go together, so that a busy hour does not wake the server every second. */
const GRAIN_MS = 60_000;

/**
 * Removes events an hour after they were last written. One timer, for the event that is due first, and none while there are no events.
 * After a restart the time of the last write is not known: the event's own last time stands for it.
 */
export class EventExpiry implements Disposable {
  readonly #engine: StorageEngine<KubeObject>;
  readonly #clock: Clock;
  readonly #log: Log;
  /** Key → the second when it ends, in the order of the ends: a write takes its key to the end of the map. Keys are the engine's own strings: there may be many. */
  readonly #ends = new Map<string, number>();
  readonly #stack = new DisposableStack();
  #timer: Disposable | undefined;

  constructor({ engine, clock, log }: { readonly engine: StorageEngine<KubeObject>; readonly clock: Clock; readonly log: Log }) {
    this.#engine = engine;
    this.#clock = clock;
    this.#log = log;
    const prefix = storagePrefix(events);
    const { entries, revision } = engine.range(prefix);
    const stored = entries.map(({ key, value }) => ({ key, last: lastTime(value as Event) })).sort((a, b) => a.last - b.last);
    for (const { key, last } of stored) this.#ends.set(key, endOf(last));
    this.#stack.use(engine.watch(prefix, revision, (changes) => {
      for (const change of changes) {
        const key = change.type === 'put' ? change.entry.key : change.key;
        this.#ends.delete(key);
        if (change.type === 'put') this.#ends.set(key, endOf(clock.now()));
      }
      this.#arm();
    }));
    this.#arm();
  }

  #arm(): void {
    const [first] = this.#ends.values();
    if (this.#timer || first === undefined) return;
    this.#timer = this.#clock.timer(Math.max(0, first * 1000 - this.#clock.now()) + GRAIN_MS, () => {
      this.#timer = undefined;
      void this.#sweep();
    });
  }

  async #sweep(): Promise<void> {
    const now = this.#clock.now() / 1000;
    const due: string[] = [];
    for (const [key, end] of this.#ends) {
      if (end > now) break;
      due.push(key);
    }
    for (const key of due) this.#ends.delete(key);
    this.#arm();
    await Promise.all(due.map(async (key) => {
      const entry = this.#engine.get(key);
      if (!entry) return;
      try {
        await this.#engine.delete(key, { ifRevision: entry.modRevision });
      } catch (error) {
        // Written meanwhile: it lives on. Closed: the server stops.
        if (!(error instanceof RevisionMismatchError) && !(error instanceof StorageUnavailableError)) this.#log.error('event not removed', { key, error });
      }
    }));
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#stack.dispose();
  }
}

const endOf = (lastMs: number): number => Math.ceil(lastMs / 1000) + LIFETIME_SECONDS;

function lastTime(event: Event): number {
  return Date.parse(event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp) || 0;
}
