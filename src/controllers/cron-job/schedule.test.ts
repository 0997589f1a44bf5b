import { expect, test } from 'vitest';
import { newestDue, parseSchedule } from './schedule.ts';

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
