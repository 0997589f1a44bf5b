import type { Job, JobSpec } from '../../api/generated/batch-v1.ts';
import type { ContainerStatus, Pod } from '../../api/generated/core-v1.ts';

export const TRACKING = 'batch.kubernetes.io/job-tracking';
export const COMPLETION_INDEX = 'batch.kubernetes.io/job-completion-index';
export const INDEX_FAILURES = 'batch.kubernetes.io/job-index-failure-count';
export const INDEX_IGNORED_FAILURES = 'batch.kubernetes.io/job-index-ignored-failure-count';

export function isTracked(pod: Pod): boolean {
  return pod.metadata.finalizers?.includes(TRACKING) ?? false;
}

export function indexOf(pod: Pod): number | undefined {
  const text = pod.metadata.annotations?.[COMPLETION_INDEX];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** With the policy `Failed` a pod that is being deleted is replaced only when it has ended. */
export function replacesOnlyFailed(job: Job): boolean {
  return (job.spec?.podReplacementPolicy ?? (job.spec?.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed')) === 'Failed';
}

export function hasFailed(job: Job, pod: Pod): boolean {
  if (pod.status?.phase === 'Failed') return true;
  return !replacesOnlyFailed(job) && pod.metadata.deletionTimestamp !== undefined && pod.status?.phase !== 'Succeeded';
}

/** What the pod failure policy says about a failed pod; without a matching rule it counts. Upstream: job/pod_failure_policy.go. */
export function failureAction(spec: JobSpec | undefined, pod: Pod): { readonly action: 'Ignore' | 'Count' | 'FailIndex' | 'FailJob'; readonly message?: string } {
  const { namespace, name } = pod.metadata;
  for (const [index, rule] of (spec?.podFailurePolicy?.rules ?? []).entries()) {
    const { onExitCodes, onPodConditions, action } = rule;
    if (onExitCodes) {
      const exited = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])].find((status: ContainerStatus) => {
        const code = status.state?.terminated?.exitCode ?? 0;
        const named = onExitCodes.containerName === undefined || onExitCodes.containerName === status.name;
        return named && code !== 0 && onExitCodes.values.includes(code) === (onExitCodes.operator === 'In');
      });
      if (!exited) continue;
      const message = `Container ${exited.name} for pod ${namespace}/${name} failed with exit code ${exited.state!.terminated!.exitCode} matching ${action} rule at index ${index}`;
      return { action: action as 'Count', message };
    }
    const matched = pod.status?.conditions?.find((condition) => onPodConditions?.some((pattern) => pattern.type === condition.type && (pattern.status ?? 'True') === condition.status));
    if (matched) return { action: action as 'Count', message: `Pod ${namespace}/${name} has condition ${matched.type} matching ${action} rule at index ${index}` };
  }
  return { action: 'Count' };
}

/** When a pod ended, as far as it tells: by its containers, else by its last change of readiness, else by its deletion or creation. */
export function finishedAt(pod: Pod): number {
  const ends = (pod.status?.containerStatuses ?? []).map((status) => Date.parse(status.state?.terminated?.finishedAt ?? '')).filter((end) => !Number.isNaN(end));
  if (ends.length > 0) return Math.max(...ends);
  const changed = pod.status?.conditions?.find((condition) => condition.type === 'Ready')?.lastTransitionTime;
  return Date.parse(changed ?? pod.metadata.deletionTimestamp ?? pod.metadata.creationTimestamp);
}

const FIRST_DELAY_MS = 10_000;
const LONGEST_DELAY_MS = 10 * 60_000;

/** Milliseconds until the next pod may be made: failures in a row double the wait, those too that the policy does not count. Upstream: job/backoff_utils.go. */
export function retryDelay(job: Job, pods: readonly Pod[], nowMs: number): number {
  const lastSuccess = Math.max(0, ...pods.filter((pod) => pod.status?.phase === 'Succeeded').map(finishedAt));
  const failures = pods.filter((pod) => hasFailed(job, pod)).map(finishedAt).filter((end) => end > lastSuccess);
  if (failures.length === 0) return 0;
  const delay = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (failures.length - 1));
  return Math.max(0, Math.max(...failures) + delay - nowMs);
}

/** Failures of the pod's index up to and including it: those that count, and those that the policy ignores. */
export function indexFailures(spec: JobSpec | undefined, pod: Pod): { readonly counted: number; readonly ignored: number } {
  const before = (annotation: string): number => Number(pod.metadata.annotations?.[annotation] ?? 0);
  const ignores = failureAction(spec, pod).action === 'Ignore';
  return { counted: before(INDEX_FAILURES) + (ignores ? 0 : 1), ignored: before(INDEX_IGNORED_FAILURES) + (ignores ? 1 : 0) };
}
