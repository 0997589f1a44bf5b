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
  if (allocatable.milliCpu === 0 || allocatable.memory === 0) return MAX_SCORE / 2 + MAX_SCORE / 4;
  const before = balance(requested.milliCpu / allocatable.milliCpu, requested.memory / allocatable.memory);
  const after = balance((requested.milliCpu + requests.milliCpu) / allocatable.milliCpu, (requested.memory + requests.memory) / allocatable.memory);
  return MAX_SCORE / 2 + Math.trunc((MAX_SCORE / 2 + after - before) / 2);
}

function balance(cpu: number, memory: number): number {
  return Math.trunc((1 - Math.abs(Math.min(1, cpu) - Math.min(1, memory)) / 2) * MAX_SCORE);
}
