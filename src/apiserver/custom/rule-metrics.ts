import type { Clock } from '../../base/clock.ts';
import { DEFAULT_BUCKETS } from '../../base/histogram-buckets.ts';
import type { MetricRegistry } from '../../base/metrics.ts';

/** How long the rules of custom resources take. Upstream: apiserver pkg/cel/metrics, which measures a schema's rules at a time. */
export class RuleMetrics {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #compilation;
  readonly #evaluation;

  constructor(metrics: MetricRegistry, clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
    this.#compilation = metrics.histogram('apiserver_cel_compilation_duration_seconds', 'How long expressions took to compile, in seconds.', DEFAULT_BUCKETS).of();
    this.#evaluation = metrics.histogram('apiserver_cel_evaluation_duration_seconds', 'How long expressions took to evaluate, in seconds.', DEFAULT_BUCKETS).of();
  }

  compiling<T>(work: () => T): T {
    return this.#timed(this.#compilation, work);
  }

  evaluating<T>(work: () => T): T {
    return this.#timed(this.#evaluation, work);
  }

  #timed<T>(histogram: { observe(seconds: number): void }, work: () => T): T {
    const began = this.#clock.monotonic();
    try {
      return work();
    } finally {
      histogram.observe((this.#clock.monotonic() - began) / 1000);
    }
  }
}
