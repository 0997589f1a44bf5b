import { sleepOn, type Clock } from '../base/clock.ts';

interface Pending {
  due: number;
  sequence: number;
  callback: () => void;
}

/** A clock that stands still until told to advance. Timers fire in the order they are due, with promises settled in between. */
export class FakeClock implements Clock {
  #now: number;
  readonly #start: number;
  #sequence = 0;
  readonly #pending = new Set<Pending>();

  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#now = start;
    this.#start = start;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now - this.#start;
  }

  timer(milliseconds: number, callback: () => void): Disposable {
    const pending = { due: this.#now + Math.max(0, milliseconds), sequence: this.#sequence++, callback };
    this.#pending.add(pending);
    return { [Symbol.dispose]: () => void this.#pending.delete(pending) };
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, milliseconds, signal);
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Moves time on, firing each due timer at its time and letting the promises it settles run. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await settle();
    for (;;) {
      let next: Pending | undefined;
      for (const p of this.#pending) {
        if (p.due <= end && (!next || p.due < next.due || (p.due === next.due && p.sequence < next.sequence))) next = p;
      }
      if (!next) break;
      this.#pending.delete(next);
      this.#now = Math.max(this.#now, next.due);
      next.callback();
      await settle();
    }
    this.#now = end;
  }
}

/** Lets everything that is ready run: microtasks and a few turns of the event loop. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}
