import { KeyedBackoff, type BackoffOptions } from './backoff.ts';
import { because, currentCause, joinWrites } from './cause.ts';
import type { Clock } from './clock.ts';

export interface WorkQueueOptions {
  readonly clock: Pick<Clock, 'timer' | 'monotonic'>;
  /** Keys worked on at once. */
  readonly workers: number;
  /** Must not reject. */
  work(key: string): Promise<void>;
  /** Of `addAfterFailure`. Default 5 ms doubling to 1000 s, as client-go's. */
  readonly backoff?: BackoffOptions;
  readonly observer?: WorkQueueObserver | undefined;
}

/** Is told of every key's way through a queue. */
export interface WorkQueueObserver {
  /** It became dirty. */
  added(key: string): void;
  started(key: string): void;
  ended(key: string): void;
  /** It is to be added later. */
  retried(): void;
}

/**
 * Keys to be worked on, each once however often it was added, and never by two workers at once. Upstream: client-go util/workqueue.
 *
 * A key is dirty from `add` until its work starts, and in progress from then until its work ends. Added while in progress it
 * becomes dirty again, and waits for the end of the work instead of standing in the queue. So
 *   - `#queue` holds exactly the dirty keys that are not in progress, in the order they came;
 *   - what was added is worked on, from its start, after the moment it was added.
 *
 * The work on a key has for its cause (cause.ts) all that added the key since it was last worked on.
 */
export class WorkQueue implements Disposable {
  readonly #options: WorkQueueOptions;
  readonly #queue = new Set<string>();
  readonly #dirty = new Set<string>();
  readonly #causes = new Map<string, readonly number[]>();
  readonly #inProgress = new Set<string>();
  readonly #delayed = new Map<string, { readonly due: number; readonly timer: Disposable; writes: readonly number[] }>();
  readonly #backoff: KeyedBackoff;
  #idleWaiters: (() => void)[] = [];
  #closed = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    this.#backoff = new KeyedBackoff(options.backoff ?? { initialMs: 5, maxMs: 1_000_000 });
  }

  add(key: string): void {
    if (this.#closed) return;
    const { writes } = currentCause();
    if (writes.length > 0) this.#causes.set(key, joinWrites(this.#causes.get(key) ?? [], writes));
    if (this.#dirty.has(key)) return;
    this.#dirty.add(key);
    this.#options.observer?.added(key);
    if (this.#inProgress.has(key)) return;
    this.#queue.add(key);
    this.#start();
  }

  /** Adds the key later; of several delays of a key the earliest counts. */
  addAfter(key: string, milliseconds: number): void {
    if (this.#closed) return;
    if (milliseconds <= 0) return this.add(key);
    const due = this.#options.clock.monotonic() + milliseconds;
    const waiting = this.#delayed.get(key);
    const writes = joinWrites(waiting?.writes ?? [], currentCause().writes);
    if (waiting && waiting.due <= due) {
      waiting.writes = writes;
      return;
    }
    waiting?.timer[Symbol.dispose]();
    const timer = this.#options.clock.timer(milliseconds, () => {
      const { writes: all } = this.#delayed.get(key)!;
      this.#delayed.delete(key);
      because({ writes: all }, () => this.add(key));
    });
    this.#delayed.set(key, { due, timer, writes });
  }

  /** Adds the key after a delay that doubles with each failure since `forget`. */
  addAfterFailure(key: string): void {
    this.#options.observer?.retried();
    this.addAfter(key, this.#backoff.next(key));
  }

  /** How many failures in a row the key has behind it. */
  failures(key: string): number {
    return this.#backoff.failures(key);
  }

  forget(key: string): void {
    this.#backoff.forget(key);
  }

  /** Keys that wait, delayed ones aside. */
  get length(): number {
    return this.#queue.size;
  }

  /** Resolves when no key is dirty or in progress. */
  idle(): Promise<void> {
    if (this.#dirty.size === 0 && this.#inProgress.size === 0) return Promise.resolve();
    return new Promise((resolve) => void this.#idleWaiters.push(resolve));
  }

  /** Nothing is started any more; work in progress goes on to its end (await `idle`). */
  [Symbol.dispose](): void {
    this.#closed = true;
    for (const { timer } of this.#delayed.values()) timer[Symbol.dispose]();
    this.#delayed.clear();
    this.#queue.clear();
    this.#dirty.clear();
    this.#causes.clear();
    this.#settle();
  }

  #start(): void {
    for (const key of this.#queue) {
      if (this.#inProgress.size >= this.#options.workers) return;
      this.#queue.delete(key);
      this.#dirty.delete(key);
      this.#inProgress.add(key);
      this.#options.observer?.started(key);
      const writes = this.#causes.get(key) ?? [];
      this.#causes.delete(key);
      void this.#run(key, writes);
    }
  }

  async #run(key: string, writes: readonly number[]): Promise<void> {
    // In a turn of its own: what adds several keys at once has them all in before the first is worked on.
    await Promise.resolve();
    try {
      if (!this.#closed) await because({ writes }, () => this.#options.work(key));
    } finally {
      this.#inProgress.delete(key);
      this.#options.observer?.ended(key);
      if (this.#dirty.has(key)) this.#queue.add(key);
      this.#start();
      this.#settle();
    }
  }

  #settle(): void {
    if (this.#dirty.size > 0 || this.#inProgress.size > 0) return;
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }
}
