import { Cron } from 'croner';
import { nextOnWall, WallClock } from './wall-clock.ts';

/** Times at which a cron schedule is due, in milliseconds since 1970. */
export interface Schedule {
  /** The first time after `afterMs`; undefined: never again. */
  next(afterMs: number): number | undefined;
}

const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000 };

/**
 * Reads the five fields of cron, `@hourly` and its siblings, and `@every 1h30m`. Throws on anything else. Without a time
 * zone the schedule is in UTC, for that is the server's zone here.
 */
export function parseSchedule(text: string, timeZone: string | undefined): Schedule {
  const every = /^@every\s+((?:\d+[hms])+)$/.exec(text.trim());
  if (every) {
    const period = [...every[1]!.matchAll(/(\d+)([hms])/g)].reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit!]!, 0);
    return { next: (afterMs) => Math.floor(afterMs / 1000) * 1000 + Math.max(1000, period) };
  }
  const cron = new Cron(text.trim().replace(/^@midnight$/, '@daily'), { timezone: 'UTC', paused: true, mode: '5-part' });
  const next = (afterMs: number): number | undefined => cron.nextRun(new Date(afterMs))?.getTime();
  if (timeZone === undefined) return { next };
  const clock = new WallClock(timeZone);
  return { next: (afterMs) => nextOnWall(clock, afterMs, next) };
}

export function isTimeZone(name: string): boolean {
  try {
    return Boolean(new WallClock(name));
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

export interface Due {
  /** The newest time that has come and was not acted on; undefined: none. */
  readonly dueMs?: number;
  /** More than a hundred times were missed: nobody should rely on them. */
  readonly tooMany: boolean;
}

/**
 * The newest of the times in (`sinceMs`, `nowMs`]; those before it are missed for good. It is looked for backwards in
 * growing windows, for `* * * * *` after a year would otherwise take half a million steps.
 */
export function newestDue(schedule: Schedule, sinceMs: number, nowMs: number): Due {
  const first = schedule.next(sinceMs);
  if (first === undefined || first > nowMs) return { tooMany: false };
  const second = schedule.next(first);
  if (second === undefined || second > nowMs) return { dueMs: first, tooMany: false };
  const missed = Math.floor((nowMs - first) / Math.max(1000, second - first)) + 1;
  let windowMs = 60_000;
  while (nowMs - windowMs > first && (schedule.next(nowMs - windowMs) ?? Infinity) > nowMs) windowMs *= 2;
  let dueMs = first;
  for (let next = schedule.next(Math.max(first, nowMs - windowMs)); next !== undefined && next <= nowMs; next = schedule.next(next)) dueMs = next;
  return { dueMs, tooMany: missed > 100 };
}
