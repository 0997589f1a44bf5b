import { expect, test } from 'vitest';
import type { Image } from '../../cri/runtime.ts';
import { bytesToFree, imagesToRemove, type ImageRecord } from './image-collector.ts';

const settings = { highPercent: 85, lowPercent: 80, roomyBytes: Infinity, minAgeMs: 120, maxAgeMs: 0 };

test.each([
  ['room enough', settings, 160, 0], ['at the threshold down to the lower one', settings, 150, 50], ['nothing left', settings, 0, 200], ['never', { ...settings, highPercent: 100 }, 0, 0],
  ['little of much is enough', { ...settings, roomyBytes: 100 }, 100, 0], ['and only so much is made', { ...settings, roomyBytes: 100 }, 90, 10],
])('bytes to free: %s', (_, given, available, expected) => {
  expect(bytesToFree(given, { available, capacity: 1000 })).toBe(expected);
});

test('the longest unused go first, none that is in use or new', () => {
  const record = (id: string, firstSeenMs: number, lastUsedMs: number): ImageRecord => ({ image: { id, size: 10 } as Image, firstSeenMs, lastUsedMs });
  const records = [record('used', 0, 1000), record('new', 950, 0), record('late', 0, 700), record('never', 0, 0), record('early', 0, 300)];
  const removed = (bytes: number): string[] => imagesToRemove(records, bytes, 120, 1000).map(({ id }) => id);
  expect(removed(15)).toEqual(['never', 'early']);
  expect(removed(Infinity)).toEqual(['never', 'early', 'late']);
});
