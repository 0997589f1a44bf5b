import { exponentialBuckets } from '../../base/histogram-buckets.ts';
import type { MetricRegistry } from '../../base/metrics.ts';

export type ScaleAction = 'scale_up' | 'scale_down' | 'none';
/** Whose fault it is: that of the object (what it names is not there), or of the controller and those it asks. */
export type ScaleFault = 'spec' | 'internal' | 'none';

/** What autoscalers decided. Upstream: pkg/controller/podautoscaler/monitor. */
export class AutoscalerMetrics {
  readonly #reconciliations;
  readonly #durations;
  readonly #computations;
  readonly #computationTimes;

  constructor(metrics: MetricRegistry) {
    const name = (rest: string): string => `horizontal_pod_autoscaler_controller_${rest}`;
    const by = ['action', 'error'];
    const buckets = exponentialBuckets(0.001, 2, 15);
    this.#reconciliations = metrics.counter(name('reconciliations_total'), 'Number of looks at autoscalers, by what came of them.', by);
    this.#durations = metrics.histogram(name('reconciliation_duration_seconds'), 'How long a look at an autoscaler took, in seconds.', buckets, by);
    this.#computations = metrics.counter(name('metric_computation_total'), 'Number of times that a metric was computed, by what it asked for.', [...by, 'metric_type']);
    this.#computationTimes = metrics.histogram(name('metric_computation_duration_seconds'), 'How long a metric took to compute, in seconds.', buckets, [...by, 'metric_type']);
  }

  reconciled(action: ScaleAction, fault: ScaleFault, seconds: number): void {
    this.#reconciliations.of(action, fault).add();
    this.#durations.of(action, fault).observe(seconds);
  }

  computed(action: ScaleAction, fault: ScaleFault, type: string, seconds: number): void {
    this.#computations.of(action, fault, type).add();
    this.#computationTimes.of(action, fault, type).observe(seconds);
  }
}

/** What it means to go from so many replicas to so many. */
export const actionOf = (current: number, wanted: number): ScaleAction => (wanted > current ? 'scale_up' : wanted < current ? 'scale_down' : 'none');
