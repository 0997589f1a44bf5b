import type { Node, NodeCondition } from '../../api/generated/core-v1.ts';
import { rfc3339 } from '../../base/clock.ts';

/** Conditions that only a living kubelet can vouch for. */
const VOUCHED = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

export function readyStatus(node: Node): string | undefined {
  return node.status?.conditions?.find((condition) => condition.type === 'Ready')?.status;
}

/** What a silent node's conditions become; the same list when they say so already. Upstream: tryUpdateNodeHealth. */
export function silentConditions(node: Node, nowMs: number): readonly NodeCondition[] {
  const conditions = node.status?.conditions ?? [];
  const now = rfc3339(nowMs);
  const next = conditions.map((condition) => (!VOUCHED.includes(condition.type) || condition.status === 'Unknown' ? condition : {
    ...condition, status: 'Unknown', reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.', lastTransitionTime: now,
  }));
  const missing = VOUCHED.filter((type) => !conditions.some((condition) => condition.type === type)).map((type) => ({
    type, status: 'Unknown', reason: 'NodeStatusNeverUpdated', message: 'Kubelet never posted node status.', lastHeartbeatTime: node.metadata.creationTimestamp, lastTransitionTime: now,
  }));
  return missing.length === 0 && next.every((condition, index) => condition === conditions[index]) ? conditions : [...next, ...missing];
}
