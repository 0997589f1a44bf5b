import type { StatefulSet } from '../../api/generated/apps-v1.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import { scaledValue } from '../../api/int-or-string.ts';
import { isPodAvailable, isPodReady, isPodTerminal } from '../../api/pod/conditions.ts';
import { endOf, ordinalOf, REVISION, startOf } from './identity.ts';

export interface StatefulState {
  /** Names of the revisions that pods below the partition keep, and that the others get. */
  readonly currentRevision: string;
  readonly updateRevision: string;
  readonly pods: readonly Pod[];
  readonly nowMs: number;
}

export type StatefulAction =
  | { readonly type: 'create'; readonly ordinal: number; readonly revision: 'current' | 'update' }
  | { readonly type: 'delete'; readonly pod: Pod }
  /** Its claims may be missing, and its labels changed. */
  | { readonly type: 'mend'; readonly pod: Pod };

export function revisionOf(pod: Pod): string | undefined {
  return pod.metadata.labels?.[REVISION];
}

const terminating = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined;

/**
 * What to do about a set's pods. In order (OrderedReady) one thing at a time: each ordinal must be available before the
 * next one is touched; all at once with Parallel. Scaling down goes from the highest ordinal, then a rolling update does.
 * Upstream: stateful_set_control.go, updateStatefulSet.
 */
export function statefulPlan(set: StatefulSet, { currentRevision, updateRevision, pods, nowMs }: StatefulState): readonly StatefulAction[] {
  const start = startOf(set);
  const end = endOf(set);
  const ordered = set.spec.podManagementPolicy !== 'Parallel';
  const minReady = set.spec.minReadySeconds ?? 0;
  const healthy = (pod: Pod): boolean => pod.status?.phase === 'Running' && isPodReady(pod) && isPodAvailable(pod, minReady, nowMs) && !terminating(pod);
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod)!, pod]));
  const condemned = pods.filter((pod) => ordinalOf(set, pod)! < start || ordinalOf(set, pod)! > end).sort((a, b) => ordinalOf(set, b)! - ordinalOf(set, a)!);
  const actions: StatefulAction[] = [];

  let incomplete = false;
  for (let ordinal = start; ordinal <= end; ordinal++) {
    const pod = byOrdinal.get(ordinal);
    if (!pod) {
      actions.push({ type: 'create', ordinal, revision: startsAsCurrent(set, ordinal) ? 'current' : 'update' });
      incomplete = true;
    } else if (isPodTerminal(pod)) {
      if (!terminating(pod)) actions.push({ type: 'delete', pod });
      incomplete = true;
      // Its place must be free before anything else happens, in whatever order.
      if (ordered) return actions;
      continue;
    } else {
      actions.push({ type: 'mend', pod });
    }
    if (ordered && !(pod && healthy(pod))) return actions;
  }
  if (incomplete && !ordered && actions.some(({ type }) => type === 'delete')) return actions;

  const firstUnhealthy = [...pods].sort((a, b) => ordinalOf(set, a)! - ordinalOf(set, b)!).find((pod) => !healthy(pod));
  for (const pod of condemned) {
    if (terminating(pod)) {
      if (ordered) return actions;
      continue;
    }
    if (ordered && !healthy(pod) && pod !== firstUnhealthy) return actions;
    actions.push({ type: 'delete', pod });
    if (ordered) return actions;
  }
  if (incomplete || set.spec.updateStrategy?.type === 'OnDelete') return actions;
  return [...actions, ...rollingUpdate(set, byOrdinal, updateRevision, currentRevision, healthy)];
}

/** Ordinals under the partition (or not yet reached by the update) come up with the revision they had. Upstream: newVersionedStatefulSetPod. */
function startsAsCurrent(set: StatefulSet, ordinal: number): boolean {
  if (set.spec.updateStrategy?.type === 'OnDelete') return false;
  const { rollingUpdate: rolling } = set.spec.updateStrategy ?? {};
  return ordinal < startOf(set) + (rolling ? (rolling.partition ?? 0) : (set.status?.currentReplicas ?? 0));
}

function rollingUpdate(set: StatefulSet, byOrdinal: ReadonlyMap<number, Pod>, updateRevision: string, currentRevision: string, healthy: (pod: Pod) => boolean): readonly StatefulAction[] {
  if (currentRevision === updateRevision && [...byOrdinal.values()].every((pod) => revisionOf(pod) === updateRevision)) return [];
  const { partition = 0, maxUnavailable } = set.spec.updateStrategy?.rollingUpdate ?? {};
  const allowed = maxUnavailable === undefined ? 1 : Math.max(1, scaledValue(maxUnavailable, set.spec.replicas ?? 1, false));
  // Who is down already, updated or not, below the partition or above: with Parallel it need not be the one that was replaced last.
  let budget = allowed - [...byOrdinal.values()].filter((pod) => !healthy(pod)).length;
  const actions: StatefulAction[] = [];
  for (let ordinal = endOf(set); ordinal >= startOf(set) + partition; ordinal--) {
    const pod = byOrdinal.get(ordinal)!;
    if (revisionOf(pod) === updateRevision || terminating(pod)) continue;
    // One that is broken costs nothing more, and may be what the update is to mend.
    if (healthy(pod) && budget-- <= 0) continue;
    actions.push({ type: 'delete', pod });
  }
  return actions;
}

/** Upstream: updateStatus, completeRollingUpdate. */
export function statefulStatus(set: StatefulSet, { currentRevision, updateRevision, pods, nowMs }: StatefulState): NonNullable<StatefulSet['status']> {
  const minReady = set.spec.minReadySeconds ?? 0;
  const count = (test: (pod: Pod) => boolean): number => pods.filter(test).length;
  const ready = (pod: Pod): boolean => pod.status?.phase === 'Running' && isPodReady(pod);
  const living = (pod: Pod): boolean => Boolean(pod.status?.phase) && !terminating(pod);
  const counts = {
    replicas: pods.length,
    readyReplicas: count(ready),
    availableReplicas: count((pod) => ready(pod) && isPodAvailable(pod, minReady, nowMs)),
    currentReplicas: count((pod) => living(pod) && revisionOf(pod) === currentRevision),
    updatedReplicas: count((pod) => living(pod) && revisionOf(pod) === updateRevision),
  };
  const wanted = set.spec.replicas ?? 1;
  const complete = set.spec.updateStrategy?.type !== 'OnDelete' && counts.updatedReplicas === wanted && counts.readyReplicas === wanted && counts.replicas === wanted;
  const { readyReplicas, currentReplicas, updatedReplicas } = counts;
  return {
    ...(set.status?.conditions && { conditions: set.status.conditions }),
    observedGeneration: set.metadata.generation,
    replicas: counts.replicas,
    ...(readyReplicas && { readyReplicas }),
    availableReplicas: counts.availableReplicas,
    ...((complete ? updatedReplicas : currentReplicas) && { currentReplicas: complete ? updatedReplicas : currentReplicas }),
    ...(updatedReplicas && { updatedReplicas }),
    currentRevision: complete ? updateRevision : currentRevision,
    updateRevision,
    collisionCount: set.status?.collisionCount ?? 0,
  };
}
