import type { Clock } from '../../base/clock.ts';

/** Upstream: apiserver pkg/storage/cacher.defaultBookmarkFrequency. */
const PERIOD_MS = 60_000;

/** Calls every watch that wants bookmarks once a minute. One timer for all, and none while there is no such watch. */
export class BookmarkTicker implements Disposable {
  readonly #clock: Clock;
  readonly #callbacks = new Set<() => void>();
  #timer: Disposable | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(callback: () => void): Disposable {
    this.#callbacks.add(callback);
    this.#arm();
    return {
      [Symbol.dispose]: () => {
        this.#callbacks.delete(callback);
        if (this.#callbacks.size === 0) this[Symbol.dispose]();
      },
    };
  }

  #arm(): void {
    this.#timer ??= this.#clock.timer(PERIOD_MS, () => {
      this.#timer = undefined;
      for (const callback of this.#callbacks) callback();
      if (this.#callbacks.size > 0) this.#arm();
    });
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }
}
