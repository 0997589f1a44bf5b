import type { Pod } from '../api/generated/core-v1.ts';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '../api/generated/policy-v1.ts';
import { scaledValue } from '../api/int-or-string.ts';
import { isPodReady, isPodTerminal } from '../api/pod/conditions.ts';
import { rfc3339 } from '../base/clock.ts';
import { condition, withCondition } from './conditions.ts';

/** An eviction that was granted and has not led to a deletion by then counts no more. */
const DELETION_TIMEOUT_MS = 2 * 60_000;

export interface ExpectedPods {
  readonly expectedPods: number;
  readonly desiredHealthy: number;
}

/** `scale`: the replicas wanted by all controllers of the pods together; needed only where the budget speaks in shares. Upstream: getExpectedPodCount. */
export function expectedPods({ spec }: PodDisruptionBudget, selected: number, scale: number): ExpectedPods {
  const { maxUnavailable, minAvailable } = spec ?? {};
  if (maxUnavailable !== undefined) return { expectedPods: scale, desiredHealthy: Math.max(0, scale - scaledValue(maxUnavailable, scale, true)) };
  if (typeof minAvailable === 'string') return { expectedPods: scale, desiredHealthy: scaledValue(minAvailable, scale, true) };
  return minAvailable === undefined ? { expectedPods: 0, desiredHealthy: 0 } : { expectedPods: selected, desiredHealthy: minAvailable };
}

export function needsScale({ spec }: PodDisruptionBudget): boolean {
  return spec?.maxUnavailable !== undefined || typeof spec?.minAvailable === 'string';
}

export interface BudgetStatus {
  readonly status: PodDisruptionBudgetStatus;
  /** When an eviction under way is to be looked at again. */
  readonly recheckMs?: number;
}

/** Upstream: pkg/controller/disruption, trySync and updatePdbStatus. */
export function budgetStatus(budget: PodDisruptionBudget, pods: readonly Pod[], expected: ExpectedPods, nowMs: number): BudgetStatus {
  const before = budget.status?.disruptedPods ?? {};
  const disrupted = pods.filter((pod) => !pod.metadata.deletionTimestamp && Date.parse(before[pod.metadata.name] ?? '') + DELETION_TIMEOUT_MS >= nowMs).map((pod) => pod.metadata.name);
  const currentHealthy = pods.filter((pod) => !pod.metadata.deletionTimestamp && !disrupted.includes(pod.metadata.name) && isPodReady(pod)).length;
  const disruptionsAllowed = expected.expectedPods > 0 ? Math.max(0, currentHealthy - expected.desiredHealthy) : 0;
  const observedGeneration = budget.metadata.generation ?? 0;
  const status: PodDisruptionBudgetStatus = {
    ...expected, currentHealthy, disruptionsAllowed, observedGeneration,
    ...(disrupted.length > 0 && { disruptedPods: Object.fromEntries(disrupted.map((name) => [name, before[name]!])) }),
    conditions: withAllowed(budget, disruptionsAllowed > 0 ? ['True', 'SufficientPods', ''] : ['False', 'InsufficientPods', ''], nowMs),
  };
  const rechecks = disrupted.map((name) => Date.parse(before[name]!) + DELETION_TIMEOUT_MS + 1000 - nowMs);
  return { status, ...(rechecks.length > 0 && { recheckMs: Math.min(...rechecks) }) };
}

/** Pods whose eviction was granted long ago and that are there all the same. */
export function undeleted({ status }: PodDisruptionBudget, pods: readonly Pod[], nowMs: number): readonly Pod[] {
  return pods.filter(({ metadata: { name, deletionTimestamp } }) => !deletionTimestamp && Date.parse(status?.disruptedPods?.[name] ?? '') + DELETION_TIMEOUT_MS < nowMs);
}

/** Milliseconds until a pod that says it will be disrupted has said so for too long; undefined: it does not say so, or is going indeed. Upstream: nonTerminatingPodHasStaleDisruptionCondition. */
export function untilStale(pod: Pod, nowMs: number): number | undefined {
  const target = condition(pod.status?.conditions, 'DisruptionTarget');
  // A kubelet may take its time.
  if (target?.status !== 'True' || target.reason === 'TerminationByKubelet' || pod.metadata.deletionTimestamp || isPodTerminal(pod)) return undefined;
  return Math.max(0, Date.parse(target.lastTransitionTime ?? '') + DELETION_TIMEOUT_MS - nowMs);
}

/** A budget that cannot be worked out allows nothing. */
export function failedStatus(budget: PodDisruptionBudget, message: string, nowMs: number): PodDisruptionBudgetStatus {
  const { currentHealthy = 0, desiredHealthy = 0, expectedPods: pods = 0 } = budget.status ?? {};
  return { ...budget.status, currentHealthy, desiredHealthy, expectedPods: pods, disruptionsAllowed: 0, conditions: withAllowed(budget, ['False', 'SyncFailed', message], nowMs) };
}

function withAllowed(budget: PodDisruptionBudget, [status, reason, message]: readonly [string, string, string], nowMs: number): NonNullable<PodDisruptionBudgetStatus['conditions']> {
  const { conditions } = budget.status ?? {};
  const observedGeneration = budget.metadata.generation ?? 0;
  const current = condition(conditions, 'DisruptionAllowed');
  const next = withCondition(conditions, { type: 'DisruptionAllowed', status, reason, message, observedGeneration, lastTransitionTime: rfc3339(nowMs) });
  return current && current.observedGeneration !== observedGeneration ? next.map((c) => (c.type === 'DisruptionAllowed' ? { ...c, observedGeneration } : c)) : next;
}
