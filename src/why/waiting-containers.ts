import type { ContainerStatus, Pod } from '../api/generated/core-v1.ts';
import type { Finding } from './finding.ts';

export interface PodContainerStatus {
  readonly pod: Pod;
  readonly status: ContainerStatus;
}

/** Containers of pods that are not being deleted, init containers first. */
export function containersOf(pods: readonly Pod[]): PodContainerStatus[] {
  return pods.filter(({ metadata }) => !metadata.deletionTimestamp).flatMap((pod) => [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])].map((status) => ({ pod, status })));
}

export function waitingFor(pods: readonly Pod[], ...reasons: string[]): PodContainerStatus[] {
  return containersOf(pods).filter(({ status }) => reasons.includes(status.state?.waiting?.reason ?? ''));
}

/** One finding for all that are alike. */
export function groupAlike<T>(items: readonly T[], keyOf: (item: T) => string, toFinding: (group: readonly [T, ...T[]]) => Finding): Finding[] {
  const groups = new Map<string, [T, ...T[]]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return [...groups.values()].map((group) => toFinding(group));
}
