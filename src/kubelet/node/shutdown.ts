import type { Pod } from '../../api/generated/core-v1.ts';
import type { Clock } from '../../base/clock.ts';

/** Pods of at least this priority (and less than the next higher one's) have so many seconds to end when the node is shut down. */
export interface ShutdownPeriod {
  readonly priority: number;
  readonly graceSeconds: number;
}

/** Who ends a pod that has to go. */
export interface PodEnder {
  readonly pod: Pod;
  fail(reason: string, message: string, graceSeconds: number, condition: { readonly reason: string; readonly message: string }): void;
  /** Resolves when nothing of the pod runs any more. */
  untilEnded(): Promise<void>;
}

const SYSTEM_CRITICAL = 2_000_000_000;
export const SHUTTING_DOWN = 'node is shutting down';
export const shutdownRefusal = { reason: 'NodeShutdown', message: 'Pod was rejected as the node is shutting down.' };
const MESSAGE = 'Pod was terminated in response to imminent node shutdown.';

/** The older form of two periods: for all pods together, and how much of it is kept for critical ones. Upstream: nodeshutdown migrateConfig. */
export function shutdownPeriods(totalSeconds: number, criticalSeconds: number): readonly ShutdownPeriod[] {
  if (totalSeconds === 0 || criticalSeconds > totalSeconds) return [];
  return [{ priority: 0, graceSeconds: totalSeconds - criticalSeconds }, { priority: SYSTEM_CRITICAL, graceSeconds: criticalSeconds }];
}

/** Which pods end together, the lowest priority first. What is under the lowest priority goes with it. Pure. Upstream: nodeshutdown groupByPriority. */
export function shutdownGroups<P extends { readonly pod: Pod }>(periods: readonly ShutdownPeriod[], items: readonly P[]): readonly { readonly graceSeconds: number; readonly items: readonly P[] }[] {
  const sorted = periods.toSorted((a, b) => a.priority - b.priority);
  const indexOf = ({ pod }: P): number => Math.max(0, sorted.findLastIndex(({ priority }) => priority <= (pod.spec.priority ?? 0)));
  const byGroup = Map.groupBy(items, indexOf);
  return sorted.flatMap(({ graceSeconds }, index) => (byGroup.has(index) ? [{ graceSeconds, items: byGroup.get(index)! }] : []));
}

/** Ends all pods, group by group: the next one begins when all of a group have ended, or their time is over. Upstream: nodeshutdown killPods. */
export async function shutDownPods(periods: readonly ShutdownPeriod[], workers: readonly PodEnder[], clock: Clock): Promise<void> {
  for (const { graceSeconds, items } of shutdownGroups(periods, workers)) {
    for (const worker of items) {
      const own = worker.pod.spec.terminationGracePeriodSeconds ?? 30;
      worker.fail('Terminated', MESSAGE, Math.min(own, graceSeconds), { reason: 'TerminationByKubelet', message: MESSAGE });
    }
    const over = new AbortController();
    const ended = Promise.all(items.map((worker) => worker.untilEnded()));
    await Promise.race([ended, clock.sleep(graceSeconds * 1000, over.signal).catch(() => undefined)]);
    over.abort();
  }
}
