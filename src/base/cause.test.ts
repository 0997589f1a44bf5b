import { expect, test } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { because, currentCause, joinWrites, MOST_CAUSES, parseCause, writeOf } from './cause.ts';
import { WorkQueue } from './work-queue.ts';

test('a cause follows promises, and ends with its scope', async () => {
  const inside = because({ writes: [1] }, async () => {
    await Promise.resolve();
    return currentCause().writes;
  });
  expect(currentCause().writes).toEqual([]);
  expect(await inside).toEqual([1]);
});

test('of many causes the first and the newest are kept, each once', () => {
  expect(joinWrites([1, 2], [2, 3])).toEqual([1, 2, 3]);
  const many = Array.from({ length: 20 }, (_, i) => i + 1).reduce((all: readonly number[], write) => joinWrites(all, [write]), []);
  expect(many).toHaveLength(MOST_CAUSES);
  expect(many[0]).toBe(1);
  expect(many.at(-1)).toBe(20);
});

test('what a client claims is believed only where it is a list of numbers', () => {
  expect(parseCause('12,15')).toEqual([12, 15]);
  for (const text of [undefined, '', 'x', '1,,2', '1;2', '-1', '9'.repeat(16)]) expect(parseCause(text), text).toEqual([]);
  expect(writeOf('17')).toEqual([17]);
  expect(writeOf('abc')).toEqual([]);
});

test('the work on a key has all the causes that added it, also after a failure, and no others', async () => {
  const clock = new FakeClock();
  const seen: [string, readonly number[]][] = [];
  const queue = new WorkQueue({
    clock, workers: 1,
    async work(key) {
      seen.push([key, currentCause().writes]);
      if (seen.length === 2) queue.addAfterFailure(key);
    },
  });
  because({ writes: [7] }, () => queue.add('b'));
  because({ writes: [5] }, () => queue.add('a'));
  because({ writes: [6] }, () => queue.add('a'));
  await clock.advance(0);
  await clock.advance(100);
  queue.add('c');
  await clock.advance(0);
  expect(seen).toEqual([['b', [7]], ['a', [5, 6]], ['a', [5, 6]], ['c', []]]);
});
