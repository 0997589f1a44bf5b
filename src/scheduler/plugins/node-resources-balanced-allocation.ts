import { MAX_SCORE, type SchedulerPlugin } from '../framework.ts';
import type { NodeInfo } from '../node-info.ts';
import type { PodInfo } from '../pod-info.ts';

/** Prefers nodes on which CPU and memory are then used to like shares. Upstream: plugins/noderesources BalancedAllocation. */
export const nodeResourcesBalancedAllocation = (): SchedulerPlugin => ({
  name: 'NodeResourcesBalancedAllocation',
  preScore: ({ requests }) => (requests.milliCpu === 0 && requests.memory === 0 ? 'skip' : undefined),
  score: (_state, pod, node) => balancedAllocation(pod, node),
});

/** Above 50 where the pod makes the node's shares more alike, under it where less. */
export function balancedAllocation({ requests }: PodInfo, { requested, allocatable }: NodeInfo): number {
  const before = balance([requested.milliCpu, requested.memory], [allocatable.milliCpu, allocatable.memory]);
  const after = balance([requested.milliCpu + requests.milliCpu, requested.memory + requests.memory], [allocatable.milliCpu, allocatable.memory]);
  return MAX_SCORE / 2 + Math.trunc((MAX_SCORE / 2 + after - before) / 2);
}

function balance(used: readonly [number, number], capacity: readonly [number, number]): number {
  if (capacity[0] === 0 || capacity[1] === 0) return MAX_SCORE;
  const shares = [Math.min(1, used[0] / capacity[0]), Math.min(1, used[1] / capacity[1])] as const;
  return Math.trunc((1 - Math.abs(shares[0] - shares[1]) / 2) * MAX_SCORE);
}
