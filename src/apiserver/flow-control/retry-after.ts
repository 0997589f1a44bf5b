/** Longest time, in seconds, that a refused client is told to wait. */
const LONGEST = 32;

/**
 * How many seconds a client that was refused is told to wait: doubled while more than a few are refused, one less in each second with fewer.
 * One for each priority level. Upstream: apiserver pkg/util/flowcontrol.DroppedRequestsTracker.
 */
export class RetryAfter {
  /** Second → how many were refused in it; the newest are kept. */
  readonly #refused = new Map<number, number>();
  #seconds = 1;
  #raisedAt = 0;
  #current = 0;

  get seconds(): number {
    return this.#seconds;
  }

  /** Notes that a request was refused. */
  refused(nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#current) {
      this.#current = second;
      this.#adjust(second);
    }
    this.#refused.set(second, (this.#refused.get(second) ?? 0) + 1);
  }

  #adjust(second: number): void {
    let recent = 0;
    for (const [when, count] of this.#refused) {
      if (second - when > LONGEST) this.#refused.delete(when);
      else if (second - when <= this.#seconds) recent += count;
    }
    if (second - this.#raisedAt >= this.#seconds && recent >= 3 * this.#seconds) {
      this.#seconds = Math.min(2 * this.#seconds, LONGEST);
      this.#raisedAt = second;
    } else if (recent < this.#seconds && this.#seconds > 1) this.#seconds--;
  }
}
