import type { Node, Pod, Taint } from '../../api/generated/core-v1.ts';
import { tolerates } from '../../api/scheduling/taints.ts';
import { rfc3339 } from '../../base/clock.ts';

export const NOT_READY = 'node.kubernetes.io/not-ready';
export const UNREACHABLE = 'node.kubernetes.io/unreachable';
const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable';

/** Conditions that keep new pods away, each by a taint. Upstream: nodeConditionToTaintKeyStatusMap. */
const BY_CONDITION: readonly (readonly [type: string, status: string, taint: string])[] = [
  ['Ready', 'False', NOT_READY],
  ['Ready', 'Unknown', UNREACHABLE],
  ['MemoryPressure', 'True', 'node.kubernetes.io/memory-pressure'],
  ['DiskPressure', 'True', 'node.kubernetes.io/disk-pressure'],
  ['NetworkUnavailable', 'True', 'node.kubernetes.io/network-unavailable'],
  ['PIDPressure', 'True', 'node.kubernetes.io/pid-pressure'],
];
const OURS = new Set([...BY_CONDITION.map(([, , taint]) => `${taint}:NoSchedule`), `${UNSCHEDULABLE}:NoSchedule`, `${NOT_READY}:NoExecute`, `${UNREACHABLE}:NoExecute`]);

const name = (taint: Taint): string => `${taint.key}:${taint.effect}`;

/** The node's taints as its conditions want them; others stay. Undefined when nothing changes. `evict`: whether pods may be driven away as well. */
export function withConditionTaints(node: Node, evict: boolean, nowMs: number): readonly Taint[] | undefined {
  const taints = node.spec?.taints ?? [];
  const wanted: Taint[] = [];
  for (const [type, status, key] of BY_CONDITION) {
    const condition = node.status?.conditions?.find((c) => c.type === type);
    if (condition?.status !== status) continue;
    wanted.push({ key, effect: 'NoSchedule' });
    if (type === 'Ready' && evict) wanted.push({ key, effect: 'NoExecute' });
  }
  if (node.spec?.unschedulable) wanted.push({ key: UNSCHEDULABLE, effect: 'NoSchedule' });
  const names = new Set(wanted.map(name));
  const kept = taints.filter((taint) => !OURS.has(name(taint)) || names.has(name(taint)));
  const present = new Set(kept.map(name));
  const added = wanted.filter((taint) => !present.has(name(taint))).map((taint) => ({ ...taint, timeAdded: rfc3339(nowMs) }));
  return added.length === 0 && kept.length === taints.length ? undefined : [...kept, ...added];
}

/** Whether pods are driven away because the node is not well. */
export function drivesAway(node: Node): boolean {
  return node.spec?.taints?.some(({ key, effect }) => effect === 'NoExecute' && (key === NOT_READY || key === UNREACHABLE)) ?? false;
}

/**
 * When a pod must leave its node (milliseconds since 1970), or undefined: never. Each NoExecute taint is borne for the
 * shortest time of the tolerations that match it, from when it came to the node or the pod did; without one not at all.
 * Taints that people put on do not say since when they are there: then `seenMs` counts, when the pod was first seen under them.
 */
export function evictionTime(pod: Pod, taints: readonly Taint[], seenMs: number): number | undefined {
  const scheduled = Date.parse(pod.status?.conditions?.find((condition) => condition.type === 'PodScheduled')?.lastTransitionTime ?? '') || 0;
  let earliest: number | undefined;
  for (const taint of taints) {
    if (taint.effect !== 'NoExecute') continue;
    const matching = (pod.spec.tolerations ?? []).filter((toleration) => tolerates(toleration, taint));
    const limits = matching.map((toleration) => toleration.tolerationSeconds).filter((seconds) => seconds !== undefined && seconds !== null) as number[];
    if (matching.length > 0 && limits.length === 0) continue;
    const since = Math.max(taint.timeAdded ? Date.parse(taint.timeAdded) : seenMs, scheduled);
    const due = matching.length === 0 ? seenMs : since + Math.max(0, Math.min(...limits)) * 1000;
    earliest = Math.min(earliest ?? due, due);
  }
  return earliest;
}
