import { expect, test } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { MetricRegistry } from './metrics.ts';
import { workQueueMetrics } from './work-queue-metrics.ts';
import { WorkQueue } from './work-queue.ts';

test('a queue tells what waits, what is worked on and for how long', async () => {
  const clock = new FakeClock();
  const metrics = new MetricRegistry();
  const ends: (() => void)[] = [];
  const queue = new WorkQueue({ clock, workers: 1, observer: workQueueMetrics(metrics, clock)('pods'), work: () => new Promise((resolve) => ends.push(resolve)) });
  for (const key of ['a', 'b', 'b', 'c']) queue.add(key);
  await expect.poll(() => ends.length).toBe(1);
  await clock.advance(5_000);
  const value = (name: string): number => Number(new RegExp(`^workqueue_${name}\\{name="pods"\\} (.*)$`, 'm').exec(metrics.text())?.[1]);
  expect(['adds_total', 'depth', 'unfinished_work_seconds', 'longest_running_processor_seconds', 'work_duration_seconds_count'].map(value)).toEqual([3, 2, 5, 5, 0]);
  ends.shift()!();
  await expect.poll(() => ends.length).toBe(1);
  queue.addAfterFailure('a');
  expect(['depth', 'retries_total', 'unfinished_work_seconds', 'work_duration_seconds_sum', 'queue_duration_seconds_sum', 'queue_duration_seconds_count'].map(value)).toEqual([1, 1, 0, 5, 5, 2]);
  queue[Symbol.dispose]();
  ends.shift()!();
});
