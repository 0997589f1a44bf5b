import { expect, test } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { WorkQueue } from './work-queue.ts';

function setUp(workers = 2) {
  const clock = new FakeClock();
  const started: string[] = [];
  const finish = new Map<string, () => void>();
  const queue = new WorkQueue({
    clock, workers,
    work: (key) => {
      expect(finish.has(key), `${key} is worked on twice at once`).toBe(false);
      started.push(key);
      return new Promise((resolve) => void finish.set(key, () => { finish.delete(key); resolve(); }));
    },
  });
  const end = async (key: string): Promise<void> => {
    finish.get(key)!();
    await clock.advance(0);
  };
  return { clock, started, queue, end };
}

test('a key added many times is worked on once', async () => {
  const { clock, started, queue } = setUp();
  for (let i = 0; i < 5; i++) queue.add('a');
  await clock.advance(0);
  expect(started).toEqual(['a']);
});

test('a key added during its work is worked on again afterwards, once', async () => {
  const { clock, started, queue, end } = setUp();
  queue.add('a');
  await clock.advance(0);
  queue.add('a');
  queue.add('a');
  await clock.advance(0);
  expect(started).toEqual(['a']);
  await end('a');
  expect(started).toEqual(['a', 'a']);
  let idle = false;
  void queue.idle().then(() => (idle = true));
  await clock.advance(0);
  expect(idle).toBe(false);
  await end('a');
  expect(idle).toBe(true);
});

test('no more than `workers` keys at once, in the order they came', async () => {
  const { clock, started, queue, end } = setUp(2);
  for (const key of ['a', 'b', 'c', 'd']) queue.add(key);
  await clock.advance(0);
  expect(started).toEqual(['a', 'b']);
  await end('b');
  expect(started).toEqual(['a', 'b', 'c']);
});

test('of several delays the earliest counts', async () => {
  const { clock, started, queue } = setUp();
  queue.addAfter('a', 100);
  queue.addAfter('a', 50);
  queue.addAfter('a', 200);
  await clock.advance(49);
  expect(started).toEqual([]);
  await clock.advance(1);
  expect(started).toEqual(['a']);
  await clock.advance(1000);
  expect(clock.pending).toBe(0);
});

test('failures double the delay until they are forgotten', async () => {
  const { clock, started, queue, end } = setUp();
  for (const delay of [5, 10, 20]) {
    queue.addAfterFailure('a');
    await clock.advance(delay - 1);
    expect(started).toEqual([]);
    await clock.advance(1);
    expect(started.splice(0)).toEqual(['a']);
    await end('a');
  }
  queue.forget('a');
  queue.addAfterFailure('a');
  await clock.advance(5);
  expect(started).toEqual(['a']);
});

test('disposal leaves no timer and starts nothing, but waits for what is in progress', async () => {
  const { clock, started, queue, end } = setUp(1);
  queue.add('a');
  queue.add('b');
  queue.addAfter('c', 10);
  await clock.advance(0);
  queue[Symbol.dispose]();
  expect(clock.pending).toBe(0);
  await end('a');
  await queue.idle();
  expect(started).toEqual(['a']);
});
