import type { Job, JobCondition } from '../../api/generated/batch-v1.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import { isPodActive, isPodReady, isPodTerminal } from '../../api/pod/conditions.ts';
import { rfc3339 } from '../../base/clock.ts';
import { condition } from '../conditions.ts';
import { parseIndexes } from './index-set.ts';
import { failureAction, hasFailed, indexFailures, indexOf, retryDelay } from './job-pods.ts';

/** What the pods of a job, together with what was counted of them before, amount to. */
export interface JobView {
  readonly active: readonly Pod[];
  readonly ready: number;
  readonly terminating: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Of an indexed job. */
  readonly succeededIndexes: readonly number[];
  /** With a back-off limit per index. */
  readonly failedIndexes?: readonly number[];
  /** `SuccessCriteriaMet` or `FailureTarget`, when it is decided how the job ends. */
  readonly outcome?: JobCondition;
}

export function isIndexed(job: Job): boolean {
  return job.spec?.completionMode === 'Indexed';
}

export function isSuspended(job: Job): boolean {
  return job.spec?.suspend ?? false;
}

export function isFinished(job: Job): boolean {
  return job.status?.conditions?.some(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True') ?? false;
}

export function jobCondition(type: string, reason: string, message: string, nowMs: number): JobCondition {
  const now = rfc3339(nowMs);
  return { type, status: 'True', lastProbeTime: now, lastTransitionTime: now, reason, message };
}

/** Counts anew what ended since the last write of the status. `pods` are all that are the job's. Upstream: job_controller.go, syncJob. */
export function viewJob(job: Job, pods: readonly Pod[], nowMs: number): JobView {
  const { spec, status } = job;
  const uncounted = { succeeded: status?.uncountedTerminatedPods?.succeeded ?? [], failed: status?.uncountedTerminatedPods?.failed ?? [] };
  const known = new Set([...uncounted.succeeded, ...uncounted.failed]);
  const fresh = pods.filter((pod) => isCountable(pod) && !known.has(pod.metadata.uid));
  const freshFailures = fresh.filter((pod) => hasFailed(job, pod) && failureAction(spec, pod).action !== 'Ignore');
  const active = pods.filter(isPodActive);
  const counted = {
    active,
    ready: active.filter(isPodReady).length,
    terminating: pods.filter((pod) => pod.metadata.deletionTimestamp !== undefined && !isPodTerminal(pod)).length,
    failed: (status?.failed ?? 0) + uncounted.failed.length + freshFailures.length,
  };
  if (!isIndexed(job)) {
    const succeeded = (status?.succeeded ?? 0) + uncounted.succeeded.length + fresh.filter((pod) => pod.status?.phase === 'Succeeded').length;
    return withOutcome(job, { ...counted, succeeded, succeededIndexes: [] }, pods, nowMs);
  }
  const completions = spec?.completions ?? 1;
  const ended = pods.filter((pod) => pod.status?.phase === 'Succeeded').map(indexOf).filter((index) => index !== undefined && index < completions) as number[];
  const succeededIndexes = [...new Set([...parseIndexes(status?.completedIndexes, completions), ...ended])].sort((a, b) => a - b);
  const failedIndexes = spec?.backoffLimitPerIndex === undefined ? undefined : failedOf(job, pods, succeededIndexes);
  return withOutcome(job, { ...counted, succeeded: succeededIndexes.length, succeededIndexes, ...(failedIndexes && { failedIndexes }) }, pods, nowMs);
}

/** A pod without the finalizer was counted before, or is none of the job's count. */
function isCountable(pod: Pod): boolean {
  return pod.metadata.finalizers?.includes('batch.kubernetes.io/job-tracking') ?? false;
}

function failedOf(job: Job, pods: readonly Pod[], succeeded: readonly number[]): readonly number[] {
  const limit = job.spec!.backoffLimitPerIndex!;
  const failed = new Set(parseIndexes(job.status?.failedIndexes, job.spec?.completions));
  for (const pod of pods) {
    const index = indexOf(pod);
    if (index === undefined || index >= (job.spec?.completions ?? 1) || succeeded.includes(index) || !hasFailed(job, pod)) continue;
    if (failureAction(job.spec, pod).action === 'FailIndex' || indexFailures(job.spec, pod).counted > limit) failed.add(index);
  }
  return [...failed].sort((a, b) => a - b);
}

function withOutcome(job: Job, view: JobView, pods: readonly Pod[], nowMs: number): JobView {
  const outcome = outcomeOf(job, view, pods, nowMs);
  return outcome ? { ...view, outcome } : view;
}

function outcomeOf(job: Job, view: JobView, pods: readonly Pod[], nowMs: number): JobCondition | undefined {
  const { spec, status } = job;
  const decided = [condition(status?.conditions, 'SuccessCriteriaMet'), condition(status?.conditions, 'FailureTarget')].find((c) => c?.status === 'True');
  if (decided) return decided;
  const fails = (reason: string, message: string): JobCondition => jobCondition('FailureTarget', reason, message, nowMs);

  for (const pod of pods) {
    const verdict = hasFailed(job, pod) ? failureAction(spec, pod) : undefined;
    if (verdict?.action === 'FailJob') return fails('PodFailurePolicy', verdict.message!);
  }
  if (view.failed > (spec?.backoffLimit ?? 6) || restartsExceeded(job, pods)) return fails('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  const deadline = deadlineOf(job);
  if (deadline !== undefined && nowMs >= deadline) return fails('DeadlineExceeded', 'Job was active longer than specified deadline');
  if (view.failedIndexes && view.failedIndexes.length > 0) {
    if (spec?.maxFailedIndexes !== undefined && view.failedIndexes.length > spec.maxFailedIndexes) {
      return fails('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes');
    }
    if (view.failedIndexes.length + view.succeeded >= (spec?.completions ?? 1)) return fails('FailedIndexes', 'Job has failed indexes');
  }
  const rule = successRule(job, view);
  if (rule !== undefined) return jobCondition('SuccessCriteriaMet', 'SuccessPolicy', `Matched rules at index ${rule}`, nowMs);
  const complete = spec?.completions === undefined ? view.succeeded > 0 && view.active.length === 0 : view.succeeded >= spec.completions && view.active.length === 0;
  return complete ? jobCondition('SuccessCriteriaMet', 'CompletionsReached', 'Reached expected number of succeeded pods', nowMs) : undefined;
}

/** When the job's time is up, milliseconds since 1970. */
export function deadlineOf({ spec, status }: Job): number | undefined {
  if (spec?.activeDeadlineSeconds === undefined || spec.suspend || !status?.startTime) return undefined;
  return Date.parse(status.startTime) + spec.activeDeadlineSeconds * 1000;
}

/** Where the kubelet restarts containers itself, its restarts count instead of failed pods. */
function restartsExceeded({ spec }: Job, pods: readonly Pod[]): boolean {
  if (spec?.template.spec?.restartPolicy !== 'OnFailure') return false;
  const running = pods.filter((pod) => pod.status?.phase === 'Running' || pod.status?.phase === 'Pending');
  const restarts = running.flatMap((pod) => [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])]).reduce((sum, status) => sum + status.restartCount, 0);
  const limit = spec.backoffLimit ?? 6;
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

function successRule({ spec }: Job, view: JobView): number | undefined {
  const rules = spec?.successPolicy?.rules ?? [];
  const index = view.succeeded === 0 ? -1 : rules.findIndex((rule) => {
    if (rule.succeededIndexes === undefined) return rule.succeededCount !== undefined && view.succeeded >= rule.succeededCount;
    const required = parseIndexes(rule.succeededIndexes, spec?.completions);
    const met = required.filter((wanted) => view.succeededIndexes.includes(wanted)).length;
    return required.length > 0 && (met === required.length || (rule.succeededCount !== undefined && met >= rule.succeededCount));
  });
  return index < 0 ? undefined : index;
}

/** A pod to make, with its index where the job has such, and how often that has failed where it has a limit of its own. */
export interface NewPod {
  readonly index?: number;
  readonly failures?: { readonly counted: number; readonly ignored: number };
}

export interface JobPlan {
  readonly create: readonly NewPod[];
  /** Surplus pods, which then count neither as succeeded nor as failed. */
  readonly drop: readonly Pod[];
  /** When the next pod may be made. */
  readonly waitMs?: number;
}

const BURST = 500;

/** How the number of active pods is to change while the job is not decided. Upstream: manageJob. */
export function planPods(job: Job, view: JobView, pods: readonly Pod[], nowMs: number): JobPlan {
  const { spec } = job;
  const none: JobPlan = { create: [], drop: [] };
  if (isSuspended(job)) return { create: [], drop: view.active };
  const parallelism = spec?.parallelism ?? 1;
  const wanted = spec?.completions === undefined ? (view.succeeded > 0 ? view.active.length : parallelism) : Math.max(0, Math.min(parallelism, spec.completions - view.succeeded));
  const invalid = isIndexed(job) ? misplaced(job, view) : [];
  const rest = view.active.filter((pod) => !invalid.includes(pod));
  const surplus = rest.length - wanted;
  if (invalid.length > 0 || surplus > 0) return { create: [], drop: [...invalid, ...cheapest(rest).slice(0, Math.max(0, surplus))].slice(0, BURST) };

  const waiting = spec?.podReplacementPolicy === 'Failed' || (spec?.podReplacementPolicy === undefined && spec?.podFailurePolicy) ? view.terminating : 0;
  const missing = Math.min(BURST, wanted - waiting - view.active.length);
  if (missing <= 0) return none;
  if (spec?.backoffLimitPerIndex === undefined) {
    const waitMs = retryDelay(job, pods, nowMs);
    if (waitMs > 0) return { ...none, waitMs };
    return { ...none, create: isIndexed(job) ? pending(job, view).slice(0, missing).map((index) => ({ index })) : Array.from({ length: missing }, () => ({})) };
  }
  const ripe: Required<NewPod>[] = [];
  let waitMs: number | undefined;
  for (const index of pending(job, view)) {
    const own = pods.filter((pod) => indexOf(pod) === index);
    const left = retryDelay(job, own, nowMs);
    if (left > 0) waitMs = Math.min(waitMs ?? left, left);
    else {
      const failures = own.filter((pod) => hasFailed(job, pod)).map((pod) => indexFailures(spec, pod));
      ripe.push({ index, failures: { counted: Math.max(0, ...failures.map(({ counted }) => counted)), ignored: Math.max(0, ...failures.map(({ ignored }) => ignored)) } });
    }
  }
  return { ...none, create: ripe.slice(0, missing), ...(waitMs !== undefined && { waitMs }) };
}

/** Indexes that neither have succeeded nor failed for good nor have a pod at work. */
function pending(job: Job, view: JobView): readonly number[] {
  const taken = new Set([...view.succeededIndexes, ...(view.failedIndexes ?? []), ...view.active.map(indexOf)]);
  return Array.from({ length: job.spec?.completions ?? 1 }, (_, index) => index).filter((index) => !taken.has(index));
}

/** Active pods of indexes that are out of range, done, or have an elder pod. */
function misplaced(job: Job, view: JobView): readonly Pod[] {
  const seen = new Set<number | undefined>(view.succeededIndexes);
  return view.active.toSorted((a, b) => Date.parse(a.metadata.creationTimestamp) - Date.parse(b.metadata.creationTimestamp)).filter((pod) => {
    const index = indexOf(pod);
    const wrong = index === undefined || index >= (job.spec?.completions ?? 1) || seen.has(index);
    seen.add(index);
    return wrong;
  });
}

/** Pods that have got least far go first. */
function cheapest(pods: readonly Pod[]): readonly Pod[] {
  const progress = (pod: Pod): number => (!pod.spec.nodeName ? 0 : pod.status?.phase === 'Pending' ? 1 : !isPodReady(pod) ? 2 : 3);
  return pods.toSorted((a, b) => progress(a) - progress(b) || Date.parse(b.metadata.creationTimestamp) - Date.parse(a.metadata.creationTimestamp));
}
