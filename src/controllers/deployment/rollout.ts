import type { Deployment, ReplicaSet } from '../../api/generated/apps-v1.ts';
import { scaledValue } from '../../api/int-or-string.ts';

/** A set and the size it should have. */
export interface Scale {
  readonly set: ReplicaSet;
  readonly replicas: number;
}

export function replicasOf(object: Deployment | ReplicaSet): number {
  return object.spec.replicas ?? 1;
}

const sum = (sets: readonly (ReplicaSet | undefined)[], count: (set: ReplicaSet) => number): number => sets.reduce((total, set) => total + (set ? count(set) : 0), 0);
/** A set that was just made smaller may still show what it is about to delete. */
const available = (set: ReplicaSet): number => Math.min(set.status?.availableReplicas ?? 0, replicasOf(set));

export const totalReplicas = (sets: readonly (ReplicaSet | undefined)[]): number => sum(sets, replicasOf);

export function isRollingUpdate(deployment: Deployment): boolean {
  return (deployment.spec.strategy?.type ?? 'RollingUpdate') === 'RollingUpdate';
}

/** How many pods there may be beyond the number wanted, and how many of that number may be unavailable. They are never both 0. */
export function fences(deployment: Deployment): { readonly surge: number; readonly unavailable: number } {
  const wanted = replicasOf(deployment);
  if (!isRollingUpdate(deployment)) return { surge: 0, unavailable: 0 };
  const { maxSurge: over = '25%', maxUnavailable: under = '25%' } = deployment.spec.strategy?.rollingUpdate ?? {};
  const surge = scaledValue(over, wanted, true);
  const unavailable = scaledValue(under, wanted, false);
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

export function maxSurge(deployment: Deployment): number {
  return fences(deployment).surge;
}

/** Upstream: deployment_util.MaxUnavailable. */
export function maxUnavailable(deployment: Deployment): number {
  return Math.min(fences(deployment).unavailable, replicasOf(deployment));
}

/** The size of the current set in this step of a rollout: as many more pods as the surge has room for. `current` may be of size 0 and not exist yet. */
export function currentSize(deployment: Deployment, currentReplicas: number, total: number): number {
  const wanted = replicasOf(deployment);
  if (!isRollingUpdate(deployment) || currentReplicas >= wanted) return wanted;
  const room = wanted + maxSurge(deployment) - total;
  return room <= 0 ? currentReplicas : currentReplicas + Math.min(room, wanted - currentReplicas);
}

/**
 * The next step of a rolling update: either the current set grows or old ones shrink, never both in one step; empty when
 * there is nothing to do until the world changes. Old sets lose first the pods that are not available anyway, then as
 * many available ones as the promise (`wanted - maxUnavailable`) leaves over.
 * Upstream: deployment/rolling.go.
 */
export function rollingStep(deployment: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): readonly Scale[] {
  const all = [...old, current];
  const size = currentSize(deployment, replicasOf(current), totalReplicas(all));
  if (size !== replicasOf(current)) return [{ set: current, replicas: size }];

  const promised = replicasOf(deployment) - maxUnavailable(deployment);
  const currentUnavailable = replicasOf(current) - available(current);
  let surplus = totalReplicas(all) - promised - currentUnavailable;
  if (totalReplicas(old) === 0 || surplus <= 0) return [];

  const sizes = new Map(old.map((set) => [set, replicasOf(set)]));
  const take = (set: ReplicaSet, atMost: number): number => {
    const taken = Math.max(0, Math.min(atMost, sizes.get(set)!));
    sizes.set(set, sizes.get(set)! - taken);
    return taken;
  };
  for (const set of old) surplus -= take(set, Math.min(surplus, replicasOf(set) - available(set)));
  let spare = sum(all, available) - promised;
  for (const set of old) if (spare > 0) spare -= take(set, spare);
  return old.map((set) => ({ set, replicas: sizes.get(set)! })).filter(({ set, replicas }) => replicas !== replicasOf(set));
}

/** Recreate: the old sets are emptied first. Upstream: deployment/recreate.go. */
export function emptied(old: readonly ReplicaSet[]): readonly Scale[] {
  return old.filter((set) => replicasOf(set) > 0).map((set) => ({ set, replicas: 0 }));
}

/**
 * The sizes after the deployment itself was scaled (or while it is paused). One set alone gets all; a finished rollout
 * leaves nothing to old sets; in the midst of a rollout the sets share the difference in proportion to their sizes, so
 * that an error in the new template cannot take more than its share. `force` tells that annotations must be brought
 * up to date even where the size stays.
 * Upstream: deployment/sync.go, scale.
 */
export function proportionalScale(deployment: Deployment, current: ReplicaSet | undefined, old: readonly ReplicaSet[], desiredAnnotation: (set: ReplicaSet) => number | undefined,
  maxAnnotation: (set: ReplicaSet) => number | undefined): { readonly force: boolean; readonly scales: readonly Scale[] } {
  const wanted = replicasOf(deployment);
  const active = [...old, ...(current ? [current] : [])].filter((set) => replicasOf(set) > 0);
  if (active.length <= 1) {
    const only = active[0] ?? current ?? old.at(-1);
    return { force: false, scales: only && replicasOf(only) !== wanted ? [{ set: only, replicas: wanted }] : [] };
  }
  if (current && replicasOf(current) === wanted && desiredAnnotation(current) === wanted && available(current) === wanted) {
    return { force: false, scales: emptied(old) };
  }
  if (!isRollingUpdate(deployment)) return { force: false, scales: [] };

  const allowed = wanted > 0 ? wanted + maxSurge(deployment) : 0;
  const toAdd = allowed - totalReplicas(active);
  const byAge = (a: ReplicaSet, b: ReplicaSet): number => Date.parse(a.metadata.creationTimestamp) - Date.parse(b.metadata.creationTimestamp);
  // The biggest bears the rounding; among equals the newest when growing, the oldest when shrinking.
  const sorted = active.toSorted((a, b) => replicasOf(b) - replicasOf(a) || (toAdd > 0 ? byAge(b, a) : byAge(a, b)));
  let added = 0;
  const sizes = sorted.map((set) => {
    const share = toAdd === 0 ? 0 : proportion(set, deployment, toAdd, added, maxAnnotation(set));
    added += share;
    return replicasOf(set) + share;
  });
  if (toAdd !== 0) sizes[0] = Math.max(0, sizes[0]! + toAdd - added);
  return { force: true, scales: sorted.map((set, index) => ({ set, replicas: sizes[index]! })) };
}

/** A set's share of what is to be added (or, below 0, removed). Upstream: deployment_util.GetReplicaSetProportion. */
function proportion(set: ReplicaSet, deployment: Deployment, toAdd: number, added: number, maxBefore: number | undefined): number {
  const size = replicasOf(set);
  const left = toAdd - added;
  if (size === 0 || left === 0) return 0;
  const maxNow = replicasOf(deployment) + maxSurge(deployment);
  const before = maxBefore || deployment.status?.replicas || 0;
  const ideal = replicasOf(deployment) === 0 ? -size : before === 0 ? 0 : roundHalfAway((size * maxNow) / before) - size;
  return toAdd > 0 ? Math.min(ideal, left) : Math.max(ideal, left);
}

function roundHalfAway(value: number): number {
  return Math.sign(value) * Math.round(Math.abs(value));
}
