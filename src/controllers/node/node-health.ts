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

const UNHEALTHY_ZONE = 0.55;
const LARGE_CLUSTER = 50;

function zoneOf(node: Node): string {
  const { labels } = node.metadata;
  return `${labels?.['topology.kubernetes.io/region'] ?? ''}/${labels?.['topology.kubernetes.io/zone'] ?? ''}`;
}

/**
 * Whether pods may be driven away from a node. Not when no node at all is ready (then it is likelier that we are cut
 * off than that all have died), nor, in a small cluster, when most of the node's zone is down.
 * Upstream: nodelifecycle ComputeZoneState, handleDisruption. Upstream also drives pods from one node in ten seconds only.
 */
export function mayEvict(node: Node, nodes: readonly Node[]): boolean {
  if (!nodes.some((other) => readyStatus(other) === 'True')) return false;
  const zone = nodes.filter((other) => zoneOf(other) === zoneOf(node));
  const down = zone.filter((other) => readyStatus(other) !== 'True').length;
  const partial = down > 2 && down < zone.length && down / zone.length >= UNHEALTHY_ZONE;
  return !partial || zone.length > LARGE_CLUSTER;
}
