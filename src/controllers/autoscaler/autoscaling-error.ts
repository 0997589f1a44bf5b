import type { MetricStatus } from '../../api/generated/autoscaling-v2.ts';

/** A fault together with the reason it is reported under. */
export class AutoscalingError extends Error {
  override readonly name = 'AutoscalingError';
  readonly reason: string;
  /** `failed to get cpu resource metric value`: the wider fault that this one is the cause of. */
  readonly within: string;

  constructor(reason: string, message: string, within = 'failed to evaluate the metrics') {
    super(message);
    this.reason = reason;
    this.within = within;
  }
}

/** No scale can be derived. What the metrics said that did answer is kept for the status. */
export class NoEvaluationError extends Error {
  override readonly name = 'NoEvaluationError';
  readonly condition: { readonly reason: string; readonly message: string };
  /** One for each metric, those that failed without a type; absent: none was asked for. */
  readonly statuses: readonly MetricStatus[] | undefined;

  constructor(message: string, condition: NoEvaluationError['condition'], statuses?: readonly MetricStatus[]) {
    super(message);
    this.condition = condition;
    this.statuses = statuses;
  }
}
