import type { Clock } from '../../base/clock.ts';
import type { CellFamily, HistogramFamily, MetricRegistry } from '../../base/metrics.ts';
import { parseApiVersion } from '../../api/resources.ts';
import type { VersionConverter } from './version-converter.ts';

/** Upper bounds in seconds: a millisecond to 16 seconds, and 5 ms to a minute. */
const CONVERSION = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i);
const REQUEST = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 45, 60];

/** What conversion by webhooks costs. Upstream: apiextensions-apiserver pkg/apiserver/conversion/metrics.go. */
export class ConversionMetrics {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #conversions: HistogramFamily;
  readonly #requests: CellFamily;
  readonly #times: HistogramFamily;

  constructor(metrics: MetricRegistry, clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
    this.#conversions = metrics.histogram('apiserver_crd_conversion_webhook_duration_seconds', 'How long a conversion by a webhook took, in seconds.', CONVERSION, ['crd_name', 'from_version', 'to_version', 'succeeded']);
    const by = ['result', 'failure_type'];
    this.#requests = metrics.counter('apiserver_conversion_webhook_request_total', 'Number of conversions that webhooks were asked for.', by);
    this.#times = metrics.histogram('apiserver_conversion_webhook_duration_seconds', 'How long a webhook took for a conversion, in seconds.', REQUEST, by);
  }

  /** The converter, measured. */
  measured(name: string, converter: VersionConverter): VersionConverter {
    return {
      convert: async (objects, apiVersion) => {
        const startedAt = this.#clock.monotonic();
        let succeeded = false;
        try {
          const converted = await converter.convert(objects, apiVersion);
          succeeded = true;
          return converted;
        } finally {
          const seconds = (this.#clock.monotonic() - startedAt) / 1000;
          const result = succeeded ? ['success', ''] : ['failure', 'conversion_webhook_call_failure'];
          this.#conversions.of(name, parseApiVersion(objects[0]?.apiVersion ?? '').version, parseApiVersion(apiVersion).version, String(succeeded)).observe(seconds);
          this.#requests.of(...result).add();
          this.#times.of(...result).observe(seconds);
        }
      },
    };
  }
}
