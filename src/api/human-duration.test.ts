import { expect, test } from 'vitest';
import { ageOf, humanDuration, shortHumanDuration } from './human-duration.ts';

const s = 1000, m = 60 * s, h = 60 * m, d = 24 * h, y = 365 * d;

test.each([
  [-3 * s, '<invalid>'], [-1.5 * s, '0s'], [0, '0s'], [119 * s, '119s'], [2 * m, '2m'], [2 * m + 5 * s, '2m5s'], [10 * m + 5 * s, '10m'], [179 * m, '179m'],
  [3 * h, '3h'], [7 * h + 59 * m, '7h59m'], [8 * h + 5 * m, '8h'], [47 * h, '47h'], [48 * h, '2d'], [2 * d + 5 * h, '2d5h'], [8 * d + h, '8d'], [729 * d, '729d'],
  [2 * y, '2y'], [2 * y + 40 * d, '2y40d'], [9 * y, '9y'],
])('%i ms is %s', (ms, text) => expect(humanDuration(ms)).toBe(text));

test.each([[59 * s, '59s'], [119 * s, '1m'], [23 * h, '23h'], [400 * d, '1y']])('%i ms is %s in short', (ms, text) => expect(shortHumanDuration(ms)).toBe(text));

test('a missing time has no age', () => {
  expect(ageOf(undefined, 0)).toBe('<unknown>');
  expect(ageOf('2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:05:30Z'))).toBe('5m30s');
});
