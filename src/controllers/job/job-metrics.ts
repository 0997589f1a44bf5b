import type { Job } from '../../api/generated/batch-v1.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import { isPodTerminal } from '../../api/pod/conditions.ts';
import { exponentialBuckets } from '../../base/histogram-buckets.ts';
import type { MetricRegistry } from '../../base/metrics.ts';
import { isTracked } from './job-pods.ts';
import { isIndexed } from './job-verdict.ts';

/** What a look at a job did: waited for its own writes to show, counted, or made or took away pods. */
export type JobAction = 'reconciling' | 'tracking' | 'pods_created' | 'pods_deleted';

const modeOf = (job: Job): string => (isIndexed(job) ? 'Indexed' : 'NonIndexed');

/** What became of jobs and their pods. Upstream: pkg/controller/job/metrics. */
export class JobMetrics {
  readonly #durations;
  readonly #syncs;
  readonly #finished;
  readonly #pods;
  readonly #failures;
  readonly #finalizers;
  readonly #creations;
  readonly #foreign;

  constructor(metrics: MetricRegistry) {
    const by = ['completion_mode', 'result', 'action'];
    this.#durations = metrics.histogram('job_controller_job_sync_duration_seconds', 'How long a look at a job took, in seconds.', exponentialBuckets(0.004, 2, 15), by);
    this.#syncs = metrics.counter('job_controller_job_syncs_total', 'Number of looks at jobs.', by);
    this.#finished = metrics.counter('job_controller_jobs_finished_total', 'Number of jobs that came to their end.', ['completion_mode', 'result', 'reason']);
    this.#pods = metrics.counter('job_controller_job_pods_finished_total', 'Number of pods that ended and were counted.', ['completion_mode', 'result']);
    this.#failures = metrics.counter('job_controller_pod_failures_handled_by_failure_policy_total', 'Number of failed pods that a rule of a failure policy was for, by its action.', ['action']);
    this.#finalizers = metrics.counter('job_controller_terminated_pods_tracking_finalizer_total', 'Number of ended pods that were seen with the finalizer of tracking (add), and then without it (delete).', ['event']);
    this.#creations = metrics.counter('job_controller_job_pods_creation_total', 'Number of pods that were to be made, by why and whether they were.', ['reason', 'status']);
    this.#foreign = metrics.counter('job_controller_jobs_by_external_controller_total', 'Number of jobs that were seen and are left to other controllers, by those.', ['controller_name']);
  }

  synced(job: Job, result: 'success' | 'error', action: JobAction, seconds: number): void {
    this.#durations.of(modeOf(job), result, action).observe(seconds);
    this.#syncs.of(modeOf(job), result, action).add();
  }

  finished(job: Job, result: 'succeeded' | 'failed', reason: string): void {
    this.#finished.of(modeOf(job), result, reason).add();
  }

  podsFinished(job: Job, result: 'succeeded' | 'failed', count: number): void {
    if (count > 0) this.#pods.of(modeOf(job), result).add(count);
  }

  /** `failed` and `terminating`: how many pods of the job have failed and are on their way out. Upstream: recordJobPodsCreationTotal. */
  podCreated(job: Job, status: 'succeeded' | 'failed', { failed, terminating }: { readonly failed: number; readonly terminating: number }): void {
    const replaced = job.spec?.podReplacementPolicy === 'Failed' && failed > 0 ? 'recreate_failed' : 'recreate_terminating_or_failed';
    this.#creations.of(failed + terminating > 0 ? replaced : 'new', status).add();
  }

  leftToOthers(controller: string): void {
    this.#foreign.of(controller).add();
  }

  failureHandled(action: string): void {
    this.#failures.of(action).add();
  }

  /** Undefined: there was none, or there is none. */
  podChanged(before: Pod | undefined, pod: Pod | undefined): void {
    const holds = (state: Pod | undefined): boolean => state !== undefined && isPodTerminal(state) && isTracked(state);
    if (!holds(before) && holds(pod)) this.#finalizers.of('add').add();
    if (holds(before) && !holds(pod)) this.#finalizers.of('delete').add();
  }
}
