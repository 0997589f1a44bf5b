import { MAX_SCORE, type SchedulerPlugin } from '../framework.ts';
import type { NodeInfo } from '../node-info.ts';
import type { PodInfo } from '../pod-info.ts';

/** Prefers nodes on which CPU and memory are then used to like shares. Upstream: plugins/noderesources BalancedAllocation. */
export const nodeResourcesBalancedAllocation = (): SchedulerPlugin => ({
  name: 'NodeResourcesBalancedAllocation',
  local: true,
  preScore: ({ requests }) => (requests.milliCpu === 0 && requests.memory === 0 ? 'skip' : undefined),
  score: (_state, pod, node) => balancedAllocation(pod, node),
});

/** Above 50 where the pod makes the node's shares more alike, under it where less. */
export function balancedAllocation(pod: PodInfo, node: NodeInfo): number {
  const cpu = node.allocatable.milliCpu;
  const memory = node.allocatable.memory;
  if (cpu === 0 || memory === 0) return MAX_SCORE / 2 + MAX_SCORE / 4;
  const before = balance(node.requested.milliCpu / cpu, node.requested.memory / memory);
  const after = balance((node.requested.milliCpu + pod.requests.milliCpu) / cpu, (node.requested.memory + pod.requests.memory) / memory);
  return MAX_SCORE / 2 + Math.trunc((MAX_SCORE / 2 + after - before) / 2);
}

function balance(cpu: number, memory: number): number {
  return Math.trunc((1 - Math.abs(Math.min(1, cpu) - Math.min(1, memory)) / 2) * MAX_SCORE);
}
