import type { Cell, CellFamily, Histogram, HistogramFamily, MetricRegistry } from '../base/metrics.ts';
import { exponentialBuckets } from '../base/histogram-buckets.ts';
import type { ClusterCache } from './cluster-cache.ts';
import type { Decision } from './decision-record.ts';
import type { Profile } from './profile.ts';
import type { SchedulingCycleOptions } from './scheduling-cycle.ts';
import type { SchedulingQueue } from './scheduling-queue.ts';

/** Upper bounds in seconds: a millisecond to 16 seconds. */
const SECONDS = exponentialBuckets(0.001, 2, 15);
const RESULTS: Readonly<Record<Decision['outcome'], string>> = { assigned: 'scheduled', unschedulable: 'unschedulable', failed: 'error' };

/** What of a scheduler is looked at. */
export interface FollowedScheduler {
  readonly cluster: Pick<ClusterCache, 'sizes'>;
  readonly queue: Pick<SchedulingQueue, 'counts' | 'rejections'>;
  readonly profiles: Iterable<Profile>;
  readonly bindings: () => number;
}

/** What a scheduler has done and has before it. Upstream: pkg/scheduler/metrics. */
export class SchedulerMetrics {
  readonly #attempts: CellFamily;
  readonly #durations: HistogramFamily;
  readonly #searches: Histogram;
  readonly #podAttempts: Histogram;
  readonly #preemptions: () => void;
  readonly #victims: Histogram;
  readonly #points: HistogramFamily;
  readonly #incoming: CellFamily;
  readonly #waits: HistogramFamily;
  readonly #afterFlush: Cell;

  constructor(metrics: MetricRegistry) {
    this.#attempts = metrics.counter('scheduler_schedule_attempts_total', 'Number of attempts to find a node for a pod, by what came of it.', ['result', 'profile']);
    this.#durations = metrics.histogram('scheduler_scheduling_attempt_duration_seconds', 'How long an attempt took, in seconds.', SECONDS, ['result', 'profile']);
    this.#searches = metrics.histogram('scheduler_scheduling_algorithm_duration_seconds', 'How long the search for a node took, in seconds.', SECONDS).of();
    this.#podAttempts = metrics.histogram('scheduler_pod_scheduling_attempts', 'Number of attempts that it took to find a node for a pod.', [1, 2, 4, 8, 16]).of();
    const preemptions = metrics.counter('scheduler_preemption_attempts_total', 'Number of times that pods were to go for another one.').of();
    this.#preemptions = () => preemptions.add();
    this.#victims = metrics.histogram('scheduler_preemption_victims', 'Number of pods that had to go at a time.', [1, 2, 4, 8, 16, 32, 64]).of();
    this.#points = metrics.histogram('scheduler_framework_extension_point_duration_seconds', 'How long all plugins of an extension point took, in seconds.', exponentialBuckets(0.0001, 2, 12), ['extension_point', 'status', 'profile']);
    this.#incoming = metrics.counter('scheduler_queue_incoming_pods_total', 'Number of pods that came to a queue, by what brought them there.', ['queue', 'event']);
    this.#waits = metrics.histogram('scheduler_pod_scheduling_sli_duration_seconds', 'Time from when a pod came until it was bound, in seconds, by the number of attempts.', exponentialBuckets(0.01, 2, 20), ['attempts']);
    this.#afterFlush = metrics.counter('scheduler_pod_scheduled_after_flush_total', 'Number of pods that got a node when they were tried though no event had woken them: hints that miss something.').of();
    // No plugin here makes a pod wait at this point.
    metrics.histogram('scheduler_permit_wait_duration_seconds', 'How long pods waited for a permit, in seconds.', SECONDS, ['result']);
  }

  /** What is found out when somebody looks. */
  follow(metrics: MetricRegistry, { cluster, queue, profiles, bindings }: FollowedScheduler): void {
    metrics.derived('scheduler_pending_pods', 'Number of pods that wait, by the queue that they are in.', 'gauge', ['queue'], () => {
      const { active, backoff, 'error-backoff': errorBackoff, unschedulable, gated } = queue.counts();
      return Object.entries({ active, backoff: backoff + errorBackoff, unschedulable, gated }).map(([name, count]) => [[name], count]);
    });
    metrics.derived('scheduler_unschedulable_pods', 'Number of pods that a plugin rejected, by plugin.', 'gauge', ['plugin', 'profile'], () => {
      const counts = new Map<string, readonly [readonly [string, string], number]>();
      for (const { pod, rejectedBy } of queue.rejections()) {
        for (const plugin of rejectedBy) {
          const labels = [plugin, pod.spec.schedulerName ?? 'default-scheduler'] as const;
          counts.set(labels.join(' '), [labels, (counts.get(labels.join(' '))?.[1] ?? 0) + 1]);
        }
      }
      return counts.values();
    });
    metrics.derived('scheduler_plugin_evaluation_total', 'Number of times that a plugin was asked, by the point at which it was.', 'counter', ['plugin', 'extension_point', 'profile'], function* () {
      for (const { name, cycle } of profiles) for (const { plugin, point, count } of cycle.evaluations()) yield [[plugin, point, name], count];
    });
    metrics.derived('scheduler_cache_size', 'Number of nodes, of pods that have one, and of those among them whose binding is under way.', 'gauge', ['type'], () =>
      Object.entries(cluster.sizes()).map(([type, count]) => [[type], count]));
    metrics.derived('scheduler_goroutines', 'Number of pieces of work that go on in the background, by what they are.', 'gauge', ['operation'], () => [[['binding'], bindings()]]);
  }

  /** For the cycles of a profile. */
  partsOf(profile: string, now: () => number): NonNullable<SchedulingCycleOptions['parts']> {
    return { now, took: (point, isSuccess, ms) => this.took(point, isSuccess, ms, profile) };
  }

  took(point: string, isSuccess: boolean, ms: number, profile: string): void {
    this.#points.of(point, isSuccess ? 'Success' : 'Unschedulable', profile).observe(ms / 1000);
  }

  entered(queue: string, event: string): void {
    this.#incoming.of(queue, event).add();
  }

  bound(attempts: number, waitedMs: number, flushed: boolean): void {
    if (flushed) this.#afterFlush.add();
    this.#waits.of(attempts >= 15 ? '15+' : String(attempts)).observe(waitedMs / 1000);
  }

  decided({ outcome, attempt, tookMs }: Decision, profile: string): void {
    this.#attempts.of(RESULTS[outcome], profile).add();
    this.#durations.of(RESULTS[outcome], profile).observe(tookMs / 1000);
    if (outcome !== 'failed') this.#searches.observe(tookMs / 1000);
    if (outcome === 'assigned') this.#podAttempts.observe(attempt);
  }

  preempted(victims: number): void {
    this.#preemptions();
    this.#victims.observe(victims);
  }
}
