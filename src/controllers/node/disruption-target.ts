import type { Pod } from '../../api/generated/core-v1.ts';
import { rfc3339 } from '../../base/clock.ts';
import { withCondition } from '../conditions.ts';

/** A pod that is about to be deleted for a reason outside it says which: jobs count that otherwise. */
export function withDisruption(pod: Pod, reason: string, message: string, nowMs: number): Pod {
  const observedGeneration = pod.metadata.generation;
  const conditions = withCondition(pod.status?.conditions, { type: 'DisruptionTarget', status: 'True', reason, message, lastTransitionTime: rfc3339(nowMs), ...(observedGeneration && { observedGeneration }) });
  return { ...pod, status: { ...pod.status, conditions } };
}
