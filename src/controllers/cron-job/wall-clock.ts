import { rfc3339 } from '../../base/clock.ts';

const DAY_MS = 86_400_000;
/** No zone changes its clocks twice within so long. */
const STRIDE_MS = 7 * DAY_MS;

/** What the clocks on the wall of a time zone show. Throws a RangeError on a zone that there is not. */
export class WallClock {
  readonly #format: Intl.DateTimeFormat;

  constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' });
  }

  /** By how many milliseconds the clocks are ahead of UTC at that moment. */
  offset(atMs: number): number {
    const part: Record<string, number> = {};
    for (const { type, value } of this.#format.formatToParts(atMs)) part[type] = Number(value);
    return Date.UTC(part['year']!, part['month']! - 1, part['day'], part['hour'], part['minute'], part['second']) - Math.floor(atMs / 1000) * 1000;
  }

  /** `2026-01-05T02:30:00+01:00`; where the clocks are those of UTC, with a Z. */
  rfc3339(atMs: number): string {
    const offset = this.offset(atMs);
    if (offset === 0) return rfc3339(atMs);
    const minutes = Math.abs(offset) / 60_000;
    const two = (number: number): string => String(Math.floor(number)).padStart(2, '0');
    return `${rfc3339(atMs + offset).slice(0, -1)}${offset < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`;
  }

  /** The first moment after `fromMs` at which clocks are changed, if there is one up to `toMs`. */
  nextChange(fromMs: number, toMs: number): number | undefined {
    const offset = this.offset(fromMs);
    for (let low = fromMs; low < toMs; low += STRIDE_MS) {
      let high = Math.min(low + STRIDE_MS, toMs);
      if (this.offset(high) === offset) continue;
      while (high - low > 1) {
        const middle = Math.floor((low + high) / 2);
        if (this.offset(middle) === offset) low = middle;
        else high = middle;
      }
      return high;
    }
    return undefined;
  }
}

/**
 * The first moment after `afterMs` whose time on the wall is one of a schedule's; `next` answers the schedule's first wall time (in milliseconds, as if it were
 * UTC) after another one. Where clocks are put forward, a time that is skipped never comes; where they are put back, a time comes twice. So it is upstream
 * (robfig/cron). Undefined: never again.
 */
export function nextOnWall(clock: WallClock, afterMs: number, next: (wallMs: number) => number | undefined): number | undefined {
  // Between two changes of the clocks wall times and moments go side by side.
  for (let fromMs = afterMs, wallMs = afterMs + clock.offset(afterMs); ;) {
    const offset = clock.offset(fromMs);
    const wall = next(wallMs);
    if (wall === undefined) return undefined;
    const change = clock.nextChange(fromMs, wall - offset);
    if (change === undefined) return wall - offset;
    fromMs = change;
    // The moment of the change itself may be one.
    wallMs = change + clock.offset(change) - 1;
  }
}
