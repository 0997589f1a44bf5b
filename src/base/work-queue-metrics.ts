import type { Clock } from './clock.ts';
import type { MetricRegistry } from './metrics.ts';
import type { WorkQueueObserver } from './work-queue.ts';

/** Upper bounds in seconds. */
const BUCKETS = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10];

/** Makes the observer of the queue of a name; queues of one name are counted together. */
export type WorkQueueMetrics = (name: string) => WorkQueueObserver;

/** What work queues have done and have before them. Upstream: client-go util/workqueue/metrics.go, component-base metrics/prometheus/workqueue. */
export function workQueueMetrics(metrics: MetricRegistry, clock: Pick<Clock, 'monotonic'>): WorkQueueMetrics {
  const adds = metrics.counter('workqueue_adds_total', 'Number of keys that were added.', ['name']);
  const depths = metrics.gauge('workqueue_depth', 'Number of keys that wait.', ['name']);
  const waits = metrics.histogram('workqueue_queue_duration_seconds', 'How long a key waited, in seconds.', BUCKETS, ['name']);
  const works = metrics.histogram('workqueue_work_duration_seconds', 'How long the work on a key took, in seconds.', BUCKETS, ['name']);
  const retries = metrics.counter('workqueue_retries_total', 'Number of keys that were added again after a failure.', ['name']);
  const observers = new Map<string, QueueTimes>();
  const derive = (name: string, help: string, value: (times: readonly number[]) => number): void => metrics.derived(name, help, 'gauge', ['name'], function* () {
    for (const [queue, { inProgress }] of observers) yield [[queue], value([...inProgress.values()].map((since) => (clock.monotonic() - since) / 1000))];
  });
  derive('workqueue_unfinished_work_seconds', 'How long the work in progress has taken, all together, in seconds.', (times) => times.reduce((sum, time) => sum + time, 0));
  derive('workqueue_longest_running_processor_seconds', 'How long the longest work in progress has taken, in seconds.', (times) => Math.max(0, ...times));

  return (name) => {
    const known = observers.get(name);
    if (known) return known;
    const [added, depth, waited, worked, retried] = [adds.of(name), depths.of(name), waits.of(name), works.of(name), retries.of(name)];
    const waiting = new Map<string, number>();
    const inProgress = new Map<string, number>();
    const observer: QueueTimes = {
      inProgress,
      added(key) {
        added.add();
        depth.add();
        waiting.set(key, clock.monotonic());
      },
      started(key) {
        const now = clock.monotonic();
        depth.add(-1);
        waited.observe((now - (waiting.get(key) ?? now)) / 1000);
        waiting.delete(key);
        inProgress.set(key, now);
      },
      ended(key) {
        const now = clock.monotonic();
        worked.observe((now - (inProgress.get(key) ?? now)) / 1000);
        inProgress.delete(key);
      },
      retried: () => retried.add(),
    };
    observers.set(name, observer);
    return observer;
  };
}

interface QueueTimes extends WorkQueueObserver {
  /** Since when each key is worked on, in milliseconds of the clock. */
  readonly inProgress: ReadonlyMap<string, number>;
}
