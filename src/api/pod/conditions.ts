/** What the status of a pod says. Upstream: pkg/api/v1/pod. */
import type { Container, ContainerStatus, Pod, PodCondition } from '../generated/core-v1.ts';

export function podCondition(pod: Pod, type: string): PodCondition | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type);
}

export const isConditionTrue = (pod: Pod, type: string): boolean => podCondition(pod, type)?.status === 'True';

export const isPodReady = (pod: Pod): boolean => isConditionTrue(pod, 'Ready');

/** Ready for at least `minReadySeconds`. */
export function isPodAvailable(pod: Pod, minReadySeconds: number, nowMs: number): boolean {
  const ready = podCondition(pod, 'Ready');
  if (ready?.status !== 'True') return false;
  if (minReadySeconds === 0) return true;
  return ready.lastTransitionTime !== undefined && Date.parse(ready.lastTransitionTime) + minReadySeconds * 1000 <= nowMs;
}

/** Whether all its containers have ended for good. */
export const isPodTerminal = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';

/** Neither finished nor being deleted: what counts as a replica. Upstream: controller.IsPodActive. */
export const isPodActive = (pod: Pod): boolean => !isPodTerminal(pod) && pod.metadata.deletionTimestamp === undefined;

/** An init container that goes on beside the others: a sidecar. */
export const isSidecar = (container: Container): boolean => container.restartPolicy === 'Always';

/** Restarts of all the pod's containers together, init containers too. */
export function restartCount(pod: Pod): number {
  const count = (statuses: readonly ContainerStatus[] = []): number => statuses.reduce((sum, status) => sum + status.restartCount, 0);
  return count(pod.status?.initContainerStatuses) + count(pod.status?.containerStatuses);
}
