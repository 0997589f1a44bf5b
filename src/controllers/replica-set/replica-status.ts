import type { ReplicaSet, ReplicaSetCondition, ReplicaSetStatus } from '../../api/generated/apps-v1.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import { rfc3339 } from '../../base/clock.ts';
import { condition, withCondition, withoutCondition } from '../conditions.ts';
import { isPodAvailable, isPodReady } from '../../api/pod/conditions.ts';

/** The status that a set's pods make, given what went wrong (if anything) in bringing their number to the wanted one. Upstream: replica_set_utils.go. */
export function replicaStatus(set: ReplicaSet, active: readonly Pod[], terminating: readonly Pod[], failure: Error | undefined, nowMs: number): ReplicaSetStatus {
  const wanted = Object.entries(set.spec.template?.metadata?.labels ?? {});
  const { conditions } = set.status ?? {};
  const next = nextConditions(conditions, active.length - (set.spec.replicas ?? 1), failure, nowMs);
  return {
    replicas: active.length,
    fullyLabeledReplicas: active.filter((pod) => wanted.every(([key, value]) => pod.metadata.labels?.[key] === value)).length,
    readyReplicas: active.filter(isPodReady).length,
    availableReplicas: active.filter((pod) => isPodAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs)).length,
    terminatingReplicas: terminating.length,
    observedGeneration: set.metadata.generation,
    ...(next.length > 0 && { conditions: next }),
  };
}

function nextConditions(conditions: readonly ReplicaSetCondition[] | undefined, surplus: number, failure: Error | undefined, nowMs: number): readonly ReplicaSetCondition[] {
  if (!failure) return withoutCondition(conditions, 'ReplicaFailure');
  // The first failure stays until all is well again: its text would otherwise change (and be written) at each attempt.
  if (condition(conditions, 'ReplicaFailure')) return conditions!;
  const reason = surplus < 0 ? 'FailedCreate' : 'FailedDelete';
  return withCondition(conditions, { type: 'ReplicaFailure', status: 'True', reason, message: failure.message, lastTransitionTime: rfc3339(nowMs) });
}

const COUNTS = ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'terminatingReplicas', 'observedGeneration'] as const;

/** Conditions are compared by identity: `replicaStatus` shares them where they did not change. */
export function sameStatus(a: ReplicaSetStatus | undefined, b: ReplicaSetStatus): boolean {
  if ((a?.conditions?.length ?? 0) !== (b.conditions?.length ?? 0) || b.conditions?.some((c, index) => c !== a?.conditions?.[index])) return false;
  return a !== undefined && COUNTS.every((count) => (a[count] ?? 0) === (b[count] ?? 0));
}
