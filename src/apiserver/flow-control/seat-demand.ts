/** The smoothed demand falls by half in five minutes. */
const SMOOTHING = 0.977;

export interface DemandFigures {
  readonly average: number;
  readonly deviation: number;
  readonly highest: number;
  readonly smoothed: number;
}

/**
 * How many seats a priority level could use, over time. A period ends with each `take`; one in which nothing happened before its first
 * demand begins with that demand, for nobody takes figures while nobody waits. Upstream: seatDemandStats and fairqueuing.Integrator.
 */
export class SeatDemand {
  readonly #periodMs: number;
  #value = 0;
  #since: number;
  #start: number;
  #area = 0;
  #squares = 0;
  #highest = 0;
  #figures: DemandFigures = { average: 0, deviation: 0, highest: 0, smoothed: 0 };

  /** `periodMs`: what counts as one period for the smoothing. */
  constructor(nowMs: number, periodMs: number) {
    this.#since = nowMs;
    this.#start = nowMs;
    this.#periodMs = periodMs;
  }

  get figures(): DemandFigures {
    return this.#figures;
  }

  set(value: number, nowMs: number): void {
    if (this.#value === 0 && nowMs - this.#since > this.#periodMs) this.#restart(nowMs);
    this.#integrate(nowMs);
    this.#value = value;
    if (value > this.#highest) this.#highest = value;
  }

  take(nowMs: number): DemandFigures {
    this.#integrate(nowMs);
    const elapsed = nowMs - this.#start;
    if (elapsed <= 0) return (this.#figures = { ...this.#figures, highest: this.#highest });
    const average = this.#area / elapsed;
    const deviation = Math.sqrt(Math.max(0, this.#squares / elapsed - average * average));
    const envelope = average + deviation;
    const kept = SMOOTHING ** Math.max(1, elapsed / this.#periodMs);
    this.#figures = { average, deviation, highest: this.#highest, smoothed: Math.max(envelope, kept * this.#figures.smoothed + (1 - kept) * envelope) };
    this.#restart(nowMs);
    return this.#figures;
  }

  #restart(nowMs: number): void {
    this.#start = nowMs;
    this.#since = nowMs;
    this.#area = 0;
    this.#squares = 0;
    this.#highest = this.#value;
  }

  #integrate(nowMs: number): void {
    const elapsed = nowMs - this.#since;
    this.#area += this.#value * elapsed;
    this.#squares += this.#value * this.#value * elapsed;
    this.#since = nowMs;
  }
}
