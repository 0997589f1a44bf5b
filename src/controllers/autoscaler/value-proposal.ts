import { milliValue } from '../../api/quantity.ts';
import type { MetricTarget } from '../../api/generated/autoscaling-v2.ts';
import type { Tolerance } from './replica-proposal.ts';

export interface ValueProposal {
  readonly replicas: number;
  /** What is to be shown as the current figure, in thousandths: the value itself, or its share for each pod where the target is such. */
  readonly valueMilli?: number;
  readonly averageMilli?: number;
}

export interface Fleet {
  /** What the target is asked to have, what it has, and how many of its pods are ready. */
  readonly current: number;
  readonly existing: number;
  readonly ready: number;
}

/**
 * The replicas that bring one figure for all pods together to its target: a value grows and shrinks with the ready pods; an average says how
 * much each pod can take. Upstream: replica_calculator.go, GetObject… and GetExternal…MetricReplicas.
 */
export function proposeForValue(usageMilli: number, target: MetricTarget, { current, existing, ready }: Fleet, tolerance: Tolerance): ValueProposal {
  const within = (ratio: number): boolean => 1 - tolerance.down <= ratio && ratio <= 1 + tolerance.up;
  if (target.averageValue !== undefined) {
    const each = milliValue(target.averageValue);
    const replicas = within(usageMilli / (each * existing)) ? existing : Math.ceil(usageMilli / each);
    return { replicas, averageMilli: existing === 0 ? 0 : Math.ceil(usageMilli / existing) };
  }
  if (target.value === undefined) throw new Error('neither a value target nor an average value target was set');
  const ratio = usageMilli / milliValue(target.value);
  const replicas = current === 0 ? Math.ceil(ratio) : within(ratio) ? current : Math.min(2 ** 31 - 1, Math.ceil(ratio * ready));
  return { replicas, valueMilli: usageMilli };
}
