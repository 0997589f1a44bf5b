import type { Clock } from '../base/clock.ts';
import type { Io } from './command.ts';

/** Tells what goes on: on a terminal the running step is rewritten in place, elsewhere each step is one plain line. */
export class Progress {
  readonly #io: Io;
  readonly #clock: Clock;
  readonly #start: number;

  constructor(io: Io, clock: Clock) {
    this.#io = io;
    this.#clock = clock;
    this.#start = clock.monotonic();
  }

  /** Runs `work` as a step called `text`, and tells its time. */
  async step<T>(text: string, work: () => Promise<T> | T): Promise<T> {
    const begin = this.#clock.monotonic();
    if (this.#io.terminal) this.#io.err(`  … ${text}`);
    try {
      const result = await work();
      this.#line(`  ✓ ${text} (${seconds(this.#clock.monotonic() - begin)})`);
      return result;
    } catch (error) {
      this.#line(`  ✗ ${text}`);
      throw error;
    }
  }

  say(text: string): void {
    this.#io.err(`${text}\n`);
  }

  get elapsed(): string {
    return seconds(this.#clock.monotonic() - this.#start);
  }

  #line(text: string): void {
    this.#io.err(this.#io.terminal ? `\r\u001b[K${text}\n` : `${text}\n`);
  }
}

export function seconds(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}
