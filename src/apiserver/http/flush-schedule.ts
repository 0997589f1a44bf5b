import type { Clock } from '../../base/clock.ts';
import { afterTurn } from '../../base/turn.ts';

/** So many watchers told at once make a crowd. */
const CROWD = 32;

/** How long a crowd is left alone before it is told more. */
const PAUSE_MS = 8;

/**
 * When watchers are sent what waits for them: at the end of the turn, so that what comes in one turn is sent at once. A write to a connection costs the
 * same for one event as for ten: so once a crowd has been told, it is told more a little later and then all that has come meanwhile.
 * Few watchers never wait.
 */
export class FlushSchedule {
  readonly #clock: Pick<Clock, 'monotonic' | 'timer'>;
  #waiting: (() => void)[] = [];
  #pausedUntil = 0;

  constructor(clock: Pick<Clock, 'monotonic' | 'timer'>) {
    this.#clock = clock;
  }

  /** Calls `flush` once. */
  add(flush: () => void): void {
    this.#waiting.push(flush);
    if (this.#waiting.length > 1) return;
    const pause = this.#pausedUntil === 0 ? 0 : this.#pausedUntil - this.#clock.monotonic();
    if (pause > 0) this.#clock.timer(pause, () => this.#run());
    else afterTurn(() => this.#run());
  }

  #run(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#pausedUntil = waiting.length < CROWD ? 0 : this.#clock.monotonic() + PAUSE_MS;
    for (const flush of waiting) flush();
  }
}
