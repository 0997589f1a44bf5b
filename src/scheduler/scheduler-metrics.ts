import type { CellFamily, Histogram, HistogramFamily, MetricRegistry } from '../base/metrics.ts';
import type { Decision } from './decision-record.ts';
import type { SchedulingQueue } from './scheduling-queue.ts';

/** Upper bounds in seconds: a millisecond to 16 seconds. */
const SECONDS = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i);
const RESULTS: Readonly<Record<Decision['outcome'], string>> = { assigned: 'scheduled', unschedulable: 'unschedulable', failed: 'error' };

/** What a scheduler has done and has before it. Upstream: pkg/scheduler/metrics. */
export class SchedulerMetrics {
  readonly #attempts: CellFamily;
  readonly #durations: HistogramFamily;
  readonly #podAttempts: Histogram;
  readonly #preemptions: () => void;
  readonly #victims: Histogram;

  /** `counts`: how many pods are where, asked for when somebody looks. */
  constructor(metrics: MetricRegistry, counts: () => ReturnType<SchedulingQueue['counts']>) {
    this.#attempts = metrics.counter('scheduler_schedule_attempts_total', 'Number of attempts to find a node for a pod, by what came of it.', ['result', 'profile']);
    this.#durations = metrics.histogram('scheduler_scheduling_attempt_duration_seconds', 'How long an attempt took, in seconds.', SECONDS, ['result', 'profile']);
    this.#podAttempts = metrics.histogram('scheduler_pod_scheduling_attempts', 'Number of attempts that it took to find a node for a pod.', [1, 2, 4, 8, 16]).of();
    const preemptions = metrics.counter('scheduler_preemption_attempts_total', 'Number of times that pods were to go for another one.').of();
    this.#preemptions = () => preemptions.add();
    this.#victims = metrics.histogram('scheduler_preemption_victims', 'Number of pods that had to go at a time.', [1, 2, 4, 8, 16, 32, 64]).of();
    metrics.derived('scheduler_pending_pods', 'Number of pods that wait, by the queue that they are in.', 'gauge', ['queue'], () => {
      const { active, backoff, 'error-backoff': errorBackoff, unschedulable, gated } = counts();
      return Object.entries({ active, backoff: backoff + errorBackoff, unschedulable, gated }).map(([queue, count]) => [[queue], count]);
    });
  }

  decided({ outcome, attempt, tookMs }: Decision, profile: string): void {
    this.#attempts.of(RESULTS[outcome], profile).add();
    this.#durations.of(RESULTS[outcome], profile).observe(tookMs / 1000);
    if (outcome === 'assigned') this.#podAttempts.observe(attempt);
  }

  preempted(victims: number): void {
    this.#preemptions();
    this.#victims.observe(victims);
  }
}
