import type { Pod } from '../api/generated/core-v1.ts';
import { isPodTerminal, podCondition } from '../api/pod/conditions.ts';

/** Asked to end, and still at it. */
export function isTerminating(pod: Pod): boolean {
  return !isPodTerminal(pod) && pod.metadata.deletionTimestamp !== undefined;
}

/** Milliseconds until a ready pod has been so for `minReadySeconds`; 0: available; undefined: not ready. Upstream: podutil.IsPodAvailable. */
export function untilAvailable(pod: Pod, minReadySeconds: number, nowMs: number): number | undefined {
  const ready = podCondition(pod, 'Ready');
  if (ready?.status !== 'True') return undefined;
  if (minReadySeconds === 0) return 0;
  if (!ready.lastTransitionTime) return minReadySeconds * 1000;
  return Math.max(0, Date.parse(ready.lastTransitionTime) + minReadySeconds * 1000 - nowMs);
}

/** When to look again because a ready pod becomes available by mere time; undefined: no such pod. `nowMs` is when availability was judged: a pod that became available since, while the status was written, must be looked at again. */
export function nextAvailability(pods: readonly Pod[], minReadySeconds: number, nowMs: number): number | undefined {
  if (minReadySeconds === 0) return undefined;
  const waits = pods.map((pod) => untilAvailable(pod, minReadySeconds, nowMs)).filter((wait) => wait !== undefined && wait > 0) as number[];
  return waits.length > 0 ? Math.min(...waits) : undefined;
}
