import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '../../api/generated/apps-v1.ts';
import { rfc3339 } from '../../base/clock.ts';
import { condition, withCondition, withoutCondition } from '../conditions.ts';
import { maxUnavailable, replicasOf, totalReplicas } from './rollout.ts';

type Conditions = readonly DeploymentCondition[];

export function deploymentCondition(type: string, status: 'True' | 'False' | 'Unknown', reason: string, message: string, nowMs: number): DeploymentCondition {
  const now = rfc3339(nowMs);
  return { type, status, reason, message, lastUpdateTime: now, lastTransitionTime: now };
}

/** As upstream's SetDeploymentCondition: a condition of the same status and reason stays as it is, its message and update time too. */
export function withDeploymentCondition(conditions: Conditions | undefined, next: DeploymentCondition): Conditions {
  const current = condition(conditions, next.type);
  return current && current.status === next.status && current.reason === next.reason ? conditions! : withCondition(conditions, next);
}

/** A deadline of 2^31-1 seconds means none. */
export function progressDeadlineMs(deployment: Deployment): number | undefined {
  const seconds = deployment.spec.progressDeadlineSeconds;
  return seconds === undefined || seconds === 2 ** 31 - 1 ? undefined : seconds * 1000;
}

/** Whether all replicas are of the current template, and available. */
export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const wanted = replicasOf(deployment);
  return (status.updatedReplicas ?? 0) === wanted && (status.replicas ?? 0) === wanted && (status.availableReplicas ?? 0) === wanted &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0);
}

/** The counts and the Available condition. `conditions` are those to go on from. Upstream: deployment/sync.go, calculateStatus. */
export function countedStatus(deployment: Deployment, current: ReplicaSet | undefined, old: readonly ReplicaSet[], nowMs: number): DeploymentStatus {
  const sets = current ? [...old, current] : old;
  const count = (field: 'replicas' | 'readyReplicas' | 'availableReplicas' | 'terminatingReplicas'): number => sets.reduce((total, set) => total + (set.status?.[field] ?? 0), 0);
  const availableReplicas = count('availableReplicas');
  const available = availableReplicas >= replicasOf(deployment) - maxUnavailable(deployment)
    ? deploymentCondition('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.', nowMs)
    : deploymentCondition('Available', 'False', 'MinimumReplicasUnavailable', 'Deployment does not have minimum availability.', nowMs);
  const status = {
    observedGeneration: deployment.metadata.generation,
    replicas: count('replicas'),
    updatedReplicas: current?.status?.replicas ?? 0,
    readyReplicas: count('readyReplicas'),
    availableReplicas,
    unavailableReplicas: Math.max(0, totalReplicas(sets) - availableReplicas),
    // The counts of 0 are left out, as upstream's are; this one is a pointer there.
    terminatingReplicas: count('terminatingReplicas'),
    collisionCount: deployment.status?.collisionCount,
    conditions: withDeploymentCondition(deployment.status?.conditions, available),
  };
  return Object.fromEntries(Object.entries(status).filter(([key, value]) => value !== undefined && (value !== 0 || key === 'terminatingReplicas'))) as DeploymentStatus;
}

/** The status during a rollout: besides the counts, whether it makes progress, is done, or takes too long. Upstream: deployment/progress.go. */
export function rolloutStatus(deployment: Deployment, current: ReplicaSet | undefined, old: readonly ReplicaSet[], nowMs: number): DeploymentStatus {
  const status = countedStatus(deployment, current, old, nowMs);
  const conditions = withReplicaFailure(withProgress(deployment, status, current, nowMs), current, old);
  return { ...status, conditions };
}

function withProgress(deployment: Deployment, status: DeploymentStatus, current: ReplicaSet | undefined, nowMs: number): Conditions {
  const deadlineMs = progressDeadlineMs(deployment);
  if (deadlineMs === undefined) return withoutCondition(status.conditions, 'Progressing');
  const before = condition(deployment.status?.conditions, 'Progressing');
  const wasComplete = (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && before?.reason === 'NewReplicaSetAvailable';
  if (wasComplete) return status.conditions!;
  const subject = current ? `ReplicaSet "${current.metadata.name}"` : `Deployment "${deployment.metadata.name}"`;
  const progressing = (value: 'True' | 'False', reason: string, text: string): DeploymentCondition => deploymentCondition('Progressing', value, reason, `${subject} ${text}`, nowMs);

  if (isComplete(deployment, status)) return withDeploymentCondition(status.conditions, progressing('True', 'NewReplicaSetAvailable', 'has successfully progressed.'));
  if (hasProgressed(deployment.status, status)) {
    // Each bit of progress restarts the deadline, so here the update time changes although status and reason may not.
    const next = progressing('True', 'ReplicaSetUpdated', 'is progressing.');
    const kept = before?.status === 'True' ? { ...next, lastTransitionTime: before.lastTransitionTime } : next;
    return [...withoutCondition(status.conditions, 'Progressing'), kept];
  }
  return isTimedOut(before, deadlineMs, nowMs)
    ? withDeploymentCondition(status.conditions, progressing('False', 'ProgressDeadlineExceeded', 'has timed out progressing.'))
    : status.conditions!;
}

function hasProgressed(before: DeploymentStatus = {}, now: DeploymentStatus): boolean {
  const oldReplicas = (status: DeploymentStatus): number => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (now.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) || oldReplicas(now) < oldReplicas(before) ||
    (now.readyReplicas ?? 0) > (before.readyReplicas ?? 0) || (now.availableReplicas ?? 0) > (before.availableReplicas ?? 0);
}

function isTimedOut(progressing: DeploymentCondition | undefined, deadlineMs: number, nowMs: number): boolean {
  if (!progressing || progressing.reason === 'NewReplicaSetAvailable') return false;
  return progressing.reason === 'ProgressDeadlineExceeded' || Date.parse(progressing.lastUpdateTime!) + deadlineMs < nowMs;
}

/** Milliseconds until the deadline of a rollout that stands still is worth a look; undefined: never. */
export function untilDeadline(deployment: Deployment, status: DeploymentStatus, nowMs: number): number | undefined {
  const deadlineMs = progressDeadlineMs(deployment);
  const progressing = condition(status.conditions, 'Progressing');
  if (deadlineMs === undefined || !progressing || isComplete(deployment, status) || progressing.reason === 'ProgressDeadlineExceeded') return undefined;
  return Math.max(0, Date.parse(progressing.lastUpdateTime!) + deadlineMs - nowMs) + 1000;
}

/** A set that cannot make its pods says so in the deployment's status too; the current set's complaint goes first. */
function withReplicaFailure(conditions: Conditions, current: ReplicaSet | undefined, old: readonly ReplicaSet[]): Conditions {
  const failure = [...(current ? [current] : []), ...old].map((set) => condition(set.status?.conditions, 'ReplicaFailure')).find((c) => c !== undefined);
  if (!failure) return withoutCondition(conditions, 'ReplicaFailure');
  return withDeploymentCondition(conditions, { ...failure, lastUpdateTime: failure.lastTransitionTime });
}

/** Pausing stops the progress deadline; a rollout that has timed out already stays so. Returns `conditions` itself when nothing changes. */
export function withPause(deployment: Deployment, nowMs: number): Conditions | undefined {
  const { conditions } = deployment.status ?? {};
  const progressing = condition(conditions, 'Progressing');
  if (progressDeadlineMs(deployment) === undefined || progressing?.reason === 'ProgressDeadlineExceeded') return conditions;
  const saysPaused = progressing?.reason === 'DeploymentPaused';
  if (deployment.spec.paused && !saysPaused) return withDeploymentCondition(conditions, deploymentCondition('Progressing', 'Unknown', 'DeploymentPaused', 'Deployment is paused', nowMs));
  if (!deployment.spec.paused && saysPaused) return withDeploymentCondition(conditions, deploymentCondition('Progressing', 'Unknown', 'DeploymentResumed', 'Deployment is resumed', nowMs));
  return conditions;
}
