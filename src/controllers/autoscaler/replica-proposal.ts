import type { Pod } from '../../api/generated/core-v1.ts';
import { isSidecar, podCondition } from '../../api/pod/conditions.ts';
import { milliValue } from '../../api/quantity.ts';
import type { PodUsage } from './metrics-reader.ts';

/** CPU use of a pod that has just started says nothing yet. */
const CPU_INITIALIZATION_MS = 5 * 60_000;
const INITIAL_READINESS_MS = 30_000;

export interface ResourceTarget {
  /** `cpu`, `memory`. */
  readonly resource: string;
  /** Only this container of each pod counts. */
  readonly container?: string;
  /** Percent of the request; or */
  readonly utilization?: number;
  /** an amount for each pod, in thousandths. */
  readonly averageMilli?: number;
}

export interface Proposal {
  readonly replicas: number;
  /** What is there now: mean in thousandths, and percent of the request where the target is such. */
  readonly averageMilli: number;
  readonly utilization?: number;
}

export interface Tolerance {
  /** Shares: 0.1 lets the ratio be up to 1.1 (or down to 0.9) without scaling. */
  readonly up: number;
  readonly down: number;
}

/**
 * The replicas that bring the use to its target, `ceil(ratio × ready pods)`. Pods without figures are taken to be
 * idle when growing and to use all they ask for when shrinking, so that missing figures never make things worse.
 * Throws where nothing can be said. Upstream: podautoscaler/replica_calculator.go.
 */
export function proposeReplicas(target: ResourceTarget, pods: readonly Pod[], usage: readonly PodUsage[], currentReplicas: number, tolerance: Tolerance, nowMs: number): Proposal {
  if (pods.length === 0) throw new Error('no pods returned by selector while calculating replica count');
  const byPod = new Map(usage.map((one) => [one.pod, one]));
  const amounts = new Map<string, number>();
  const unready: string[] = [];
  const missing: string[] = [];
  let ready = 0;
  for (const pod of pods) {
    const { name, deletionTimestamp } = pod.metadata;
    if (deletionTimestamp || pod.status?.phase === 'Failed') continue;
    const measured = byPod.get(name);
    const amount = measured && amountOf(measured, target);
    if (pod.status?.phase === 'Pending') unready.push(name);
    else if (measured === undefined || amount === undefined) missing.push(name);
    else if (target.resource === 'cpu' && isStarting(pod, measured, nowMs)) unready.push(name);
    else {
      amounts.set(name, amount);
      ready++;
    }
  }
  if (amounts.size === 0) throw new Error('did not receive metrics for targeted pods (pods might be unready)');
  const requests = target.utilization === undefined ? undefined : new Map(pods.map((pod) => [pod.metadata.name, requestOf(pod, target)]));
  const wanted = (name: string): number => (requests ? requests.get(name)! : target.averageMilli!);

  const now = ratioOf(amounts, target, requests);
  const within = (ratio: number): boolean => 1 - tolerance.down <= ratio && ratio <= 1 + tolerance.up;
  const found = { averageMilli: now.averageMilli, ...(now.utilization !== undefined && { utilization: now.utilization }) };
  const growsDespiteUnready = unready.length > 0 && now.ratio > 1;
  if (!growsDespiteUnready && missing.length === 0) return { ...found, replicas: within(now.ratio) ? currentReplicas : Math.ceil(now.ratio * ready) };

  const assumed = new Map(amounts);
  for (const name of missing) assumed.set(name, now.ratio < 1 ? (wanted(name) * (requests ? Math.max(100, target.utilization!) : 100)) / 100 : 0);
  if (growsDespiteUnready) for (const name of unready) assumed.set(name, 0);
  const { ratio } = ratioOf(assumed, target, requests);
  const replicas = Math.ceil(ratio * assumed.size);
  const turned = (now.ratio < 1 && ratio > 1) || (now.ratio > 1 && ratio < 1);
  const contrary = (ratio < 1 && replicas > currentReplicas) || (ratio > 1 && replicas < currentReplicas);
  return { ...found, replicas: within(ratio) || turned || contrary ? currentReplicas : replicas };
}

function amountOf(usage: PodUsage, { resource, container }: ResourceTarget): number | undefined {
  const containers = container === undefined ? [...usage.containers.values()] : [usage.containers.get(container)];
  if (containers.length === 0 || containers.some((one) => one?.[resource] === undefined)) return undefined;
  return containers.reduce((sum, one) => sum + milliValue(one![resource]), 0);
}

function requestOf(pod: Pod, { resource, container }: ResourceTarget): number {
  const counted = [...pod.spec.containers, ...(pod.spec.initContainers ?? []).filter(isSidecar)].filter((one) => container === undefined || one.name === container);
  const whole = container === undefined ? pod.spec.resources?.requests?.[resource] : undefined;
  if (whole !== undefined) return milliValue(whole);
  return counted.reduce((sum, one) => {
    const request = one.resources?.requests?.[resource];
    if (request === undefined) throw new Error(`missing request for ${resource} in container ${one.name} of Pod ${pod.metadata.name}`);
    return sum + milliValue(request);
  }, 0);
}

function isStarting(pod: Pod, usage: PodUsage, nowMs: number): boolean {
  const ready = podCondition(pod, 'Ready');
  const startedMs = Date.parse(pod.status?.startTime ?? '');
  if (!ready || Number.isNaN(startedMs)) return true;
  const changedMs = Date.parse(ready.lastTransitionTime ?? '') || 0;
  if (startedMs + CPU_INITIALIZATION_MS > nowMs) return ready.status === 'False' || usage.atMs < changedMs + usage.windowMs;
  return ready.status === 'False' && startedMs + INITIAL_READINESS_MS > changedMs;
}

function ratioOf(amounts: ReadonlyMap<string, number>, { utilization, averageMilli }: ResourceTarget, requests: ReadonlyMap<string, number> | undefined): { ratio: number; averageMilli: number; utilization?: number } {
  const used = [...amounts.values()].reduce((sum, amount) => sum + amount, 0);
  const average = Math.trunc(used / amounts.size);
  if (!requests) return { ratio: average / averageMilli!, averageMilli: average };
  const asked = [...amounts.keys()].reduce((sum, name) => sum + requests.get(name)!, 0);
  if (asked === 0) throw new Error('no metrics returned matched known pods');
  const percent = Math.trunc((used * 100) / asked);
  return { ratio: percent / utilization!, averageMilli: average, utilization: percent };
}
