import type { HorizontalPodAutoscalerBehavior, HPAScalingRules } from '../../api/generated/autoscaling-v2.ts';

/** What an autoscaler remembers of itself: what it thought, and what it did. Times in milliseconds since 1970. */
export interface ScalingMemory {
  readonly recommendations: readonly { readonly atMs: number; readonly replicas: number }[];
  /** `change` is above 0 for growth. */
  readonly events: readonly { readonly atMs: number; readonly change: number }[];
}

export interface ScalingBounds {
  readonly min: number;
  readonly max: number;
  readonly behavior?: HorizontalPodAutoscalerBehavior;
}

export interface LimitedScale {
  readonly replicas: number;
  readonly ableToScale: { readonly reason: string; readonly message: string };
  readonly scalingLimited: { readonly limited: boolean; readonly reason: string; readonly message: string };
}

const DOWN_WINDOW_S = 300;

/**
 * Holds a wish back: by what was thought in the last minutes, by how fast the scale may change, and by its bounds.
 * Upstream: horizontal.go, normalizeDesiredReplicas(WithBehaviors).
 */
export function limitScale(desired: number, current: number, { min, max, behavior }: ScalingBounds, memory: ScalingMemory, nowMs: number): LimitedScale {
  const within = (seconds: number): number[] => [desired, ...memory.recommendations.filter(({ atMs }) => atMs > nowMs - seconds * 1000).map(({ replicas }) => replicas)];
  const lowest = Math.min(...within(behavior?.scaleUp?.stabilizationWindowSeconds ?? 0));
  const highest = Math.max(...within(behavior?.scaleDown?.stabilizationWindowSeconds ?? DOWN_WINDOW_S));
  const stable = current > highest ? highest : current < lowest ? lowest : current;
  const ableToScale = stable === desired
    ? { reason: 'ReadyForNewScale', message: 'recommended size matches current size' }
    : desired >= current
      ? { reason: 'ScaleUpStabilized', message: 'recent recommendations were lower than current one, applying the lowest recent recommendation' }
      : { reason: 'ScaleDownStabilized', message: 'recent recommendations were higher than current one, applying the highest recent recommendation' };

  const upLimit = Math.max(current, behavior ? growthLimit(behavior.scaleUp, current, memory, nowMs) : Math.max(2 * current, 4));
  const downLimit = Math.min(current, behavior ? shrinkLimit(behavior.scaleDown, current, memory, nowMs) : 0);
  const ceiling = Math.min(max, stable > current ? upLimit : Infinity);
  const floor = Math.max(min, stable < current ? downLimit : 0);
  if (stable > ceiling) {
    const limited = upLimit < max && stable > current;
    return { replicas: ceiling, ableToScale, scalingLimited: { limited: true, ...(limited
      ? { reason: 'ScaleUpLimit', message: 'the desired replica count is increasing faster than the maximum scale rate' }
      : { reason: 'TooManyReplicas', message: 'the desired replica count is more than the maximum replica count' }) } };
  }
  if (stable < floor) {
    const limited = downLimit > min && stable < current;
    return { replicas: floor, ableToScale, scalingLimited: { limited: true, ...(limited
      ? { reason: 'ScaleDownLimit', message: 'the desired replica count is decreasing faster than the maximum scale rate' }
      : { reason: 'TooFewReplicas', message: 'the desired replica count is less than the minimum replica count' }) } };
  }
  return { replicas: stable, ableToScale, scalingLimited: { limited: false, reason: 'DesiredWithinRange', message: 'the desired count is within the acceptable range' } };
}

type Policies = NonNullable<HPAScalingRules['policies']>;
const UP: Policies = [{ type: 'Pods', value: 4, periodSeconds: 15 }, { type: 'Percent', value: 100, periodSeconds: 15 }];
const DOWN: Policies = [{ type: 'Percent', value: 100, periodSeconds: 15 }];

function growthLimit(rules: HPAScalingRules | undefined, current: number, memory: ScalingMemory, nowMs: number): number {
  if (rules?.selectPolicy === 'Disabled') return current;
  const limits = (rules?.policies ?? UP).map(({ type, value, periodSeconds }) => {
    const before = atPeriodStart(current, periodSeconds, memory, nowMs);
    return type === 'Pods' ? before + value : Math.ceil(before * (1 + value / 100));
  });
  return rules?.selectPolicy === 'Min' ? Math.min(...limits) : Math.max(...limits);
}

function shrinkLimit(rules: HPAScalingRules | undefined, current: number, memory: ScalingMemory, nowMs: number): number {
  if (rules?.selectPolicy === 'Disabled') return current;
  const limits = (rules?.policies ?? DOWN).map(({ type, value, periodSeconds }) => {
    const before = atPeriodStart(current, periodSeconds, memory, nowMs);
    return type === 'Pods' ? before - value : Math.trunc(before * (1 - value / 100));
  });
  return rules?.selectPolicy === 'Min' ? Math.max(...limits) : Math.min(...limits);
}

function atPeriodStart(current: number, periodSeconds: number, memory: ScalingMemory, nowMs: number): number {
  const since = memory.events.filter(({ atMs }) => atMs > nowMs - periodSeconds * 1000);
  return since.reduce((replicas, { change }) => replicas - change, current);
}

/** As much of the memory as any rule can still ask for. */
export function remembered(memory: ScalingMemory, { behavior }: ScalingBounds, nowMs: number): ScalingMemory {
  const rules = [behavior?.scaleUp, behavior?.scaleDown];
  const longest = Math.max(DOWN_WINDOW_S, ...rules.flatMap((rule) => [rule?.stabilizationWindowSeconds ?? 0, ...(rule?.policies ?? []).map((policy) => policy.periodSeconds)]));
  const recent = ({ atMs }: { readonly atMs: number }): boolean => atMs >= nowMs - longest * 1000;
  return { recommendations: memory.recommendations.filter(recent), events: memory.events.filter(recent) };
}
