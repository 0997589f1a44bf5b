import { expect, test } from 'vitest';
import { newestDue, parseSchedule } from './schedule.ts';
import { WallClock } from './wall-clock.ts';

const ms = (text: string): number => Date.parse(`${text}Z`);
const text = (time: number | undefined): string | undefined => (time === undefined ? undefined : new Date(time).toISOString().slice(0, 19));

test.each([
  ['*/15 * * * *', undefined, '2026-01-01T00:00:00', '2026-01-01T00:15:00'],
  ['0 9 * * 1', undefined, '2026-01-01T00:00:00', '2026-01-05T09:00:00'],
  // Day of month or day of week: either will do.
  ['0 0 13 * 5', undefined, '2026-01-01T00:00:00', '2026-01-02T00:00:00'],
  ['@hourly', undefined, '2026-01-01T00:30:00', '2026-01-01T01:00:00'],
  ['@midnight', 'Asia/Tokyo', '2026-01-01T00:00:00', '2026-01-01T15:00:00'],
  ['@every 1h30m', undefined, '2026-01-01T00:00:10', '2026-01-01T01:30:10'],
  ['30 2 * * *', 'America/New_York', '2026-01-01T00:00:00', '2026-01-01T07:30:00'],
  // After the clocks went forward.
  ['0 12 * * *', 'Europe/Berlin', '2026-03-29T00:00:00', '2026-03-29T10:00:00'],
])('%s in %s after %s comes %s', (schedule, zone, after, expected) => {
  expect(text(parseSchedule(schedule, zone).next(ms(after)))).toBe(expected);
});

/** All times of a schedule between two moments. */
function times(schedule: string, zone: string, from: string, to: string): string[] {
  const { next } = parseSchedule(schedule, zone);
  const found: string[] = [];
  for (let at = next(ms(from)); at !== undefined && at <= ms(to); at = next(at)) found.push(text(at)!.slice(5, 16));
  return found;
}

// In New York clocks went from 02:00 (07:00 UTC) to 03:00 on March 8th of 2026, and go from 02:00 (06:00 UTC) back to 01:00 on November 1st.
test.each<[string, string, string, string, string, string[]]>([
  ['a time that is skipped does not come', '30 2 * * *', 'America/New_York', '2026-03-07T00:00:00', '2026-03-10T00:00:00', ['03-07T07:30', '03-09T06:30']],
  ['nor does it shift those after it', '15,45 2-3 * * *', 'America/New_York', '2026-03-08T00:00:00', '2026-03-08T12:00:00', ['03-08T07:15', '03-08T07:45']],
  ['a time that is there twice comes twice', '30 1 * * *', 'America/New_York', '2026-10-31T00:00:00', '2026-11-03T00:00:00', ['10-31T05:30', '11-01T05:30', '11-01T06:30', '11-02T06:30']],
  ['every hour is every hour, forward', '0 * * * *', 'America/New_York', '2026-03-08T05:30:00', '2026-03-08T08:30:00', ['03-08T06:00', '03-08T07:00', '03-08T08:00']],
  ['every hour is every hour, back', '0 * * * *', 'America/New_York', '2026-11-01T04:30:00', '2026-11-01T07:30:00', ['11-01T05:00', '11-01T06:00', '11-01T07:00']],
  ['back by half an hour', '45 1 * * *', 'Australia/Lord_Howe', '2026-04-03T16:00:00', '2026-04-05T16:00:00', ['04-04T14:45', '04-04T15:15', '04-05T15:15']],
  ['midnight that is skipped', '0 0 * * *', 'Africa/Cairo', '2026-04-22T12:00:00', '2026-04-25T12:00:00', ['04-22T22:00', '04-24T21:00']],
  ['once a year, over many changes', '0 12 1 7 *', 'Europe/Berlin', '2024-08-01T00:00:00', '2026-12-01T00:00:00', ['07-01T10:00', '07-01T10:00']],
])('%s', (_, schedule, zone, from, to, expected) => {
  expect(times(schedule, zone, from, to)).toEqual(expected);
});

test.each(['', '* * * *', '61 * * * *', 'every day', '@every soon'])('%j is no schedule', (schedule) => {
  expect(() => parseSchedule(schedule, undefined)).toThrow();
});

test.each([
  ['none yet', '2026-01-01T00:00:00', '2026-01-01T00:09:59', undefined, false],
  ['the one that has just come', '2026-01-01T00:00:00', '2026-01-01T00:10:00', '2026-01-01T00:10:00', false],
  ['the newest of several', '2026-01-01T00:00:00', '2026-01-01T00:45:00', '2026-01-01T00:40:00', false],
  ['the newest after a year', '2025-01-01T00:00:00', '2026-01-01T00:05:00', '2026-01-01T00:00:00', true],
])('of every ten minutes: %s', (_, since, now, due, tooMany) => {
  const found = newestDue(parseSchedule('*/10 * * * *', undefined), ms(since), ms(now));
  expect([text(found.dueMs), found.tooMany]).toEqual([due, tooMany]);
});

test('the newest is found over a long gap', () => {
  const yearly = parseSchedule('0 0 1 1 *', undefined);
  expect(text(newestDue(yearly, ms('2019-06-01T00:00:00'), ms('2025-12-31T00:00:00')).dueMs)).toBe('2025-01-01T00:00:00');
});

test.each([
  ['Europe/Berlin', '2026-07-01T00:30:00', '2026-07-01T02:30:00+02:00'],
  ['America/St_Johns', '2026-01-01T03:00:00', '2025-12-31T23:30:00-03:30'],
  ['Etc/UTC', '2026-01-01T03:00:00', '2026-01-01T03:00:00Z'],
])('in %s %s UTC is written %s', (zone, at, written) => {
  expect(new WallClock(zone).rfc3339(ms(at))).toBe(written);
});
