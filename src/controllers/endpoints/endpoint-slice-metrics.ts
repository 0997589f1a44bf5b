import type { Service } from '../../api/generated/core-v1.ts';
import type { EndpointSlice } from '../../api/generated/discovery-v1.ts';
import { exponentialBuckets } from '../../base/histogram-buckets.ts';
import type { MetricRegistry } from '../../base/metrics.ts';

/** What a service's slices hold when a sync is done with them. */
export interface ServiceSlices {
  readonly endpoints: number;
  readonly slices: number;
  /** How many it would take if each were as full as may be. */
  readonly needed: number;
  readonly trafficDistribution: string | undefined;
}

/** How endpoints are spread over slices. Upstream: staging endpointslice/metrics. */
export class EndpointSliceMetrics {
  readonly #added;
  readonly #removed;
  readonly #services = new Map<string, ServiceSlices>();

  constructor(metrics: MetricRegistry) {
    const buckets = exponentialBuckets(2, 2, 15);
    this.#added = metrics.histogram('endpoint_slice_controller_endpoints_added_per_sync', 'Number of endpoints that a look at a service added.', buckets).of();
    this.#removed = metrics.histogram('endpoint_slice_controller_endpoints_removed_per_sync', 'Number of endpoints that a look at a service took away.', buckets).of();
    const sum = (name: string, help: string, of: (slices: ServiceSlices) => number): void =>
      metrics.derived(`endpoint_slice_controller_${name}`, help, 'gauge', [], () => [[[], [...this.#services.values()].reduce((all, slices) => all + of(slices), 0)]]);
    sum('endpoints_desired', 'Number of endpoints that there should be.', ({ endpoints }) => endpoints);
    sum('num_endpoint_slices', 'Number of slices.', ({ slices }) => slices);
    sum('desired_endpoint_slices', 'Number of slices that it would take if each were as full as may be.', ({ needed }) => needed);
    metrics.derived('endpoint_slice_controller_services_count_by_traffic_distribution', 'Number of services that ask for a distribution of their traffic, by what they ask for.', 'gauge', ['traffic_distribution'], () =>
      [...Map.groupBy([...this.#services.values()].filter(({ trafficDistribution }) => trafficDistribution !== undefined), ({ trafficDistribution }) => trafficDistribution!)].map(([asked, { length }]) => [[asked], length]));
  }

  synced(key: string, service: Service, before: readonly EndpointSlice[], groups: readonly { readonly endpoints: readonly { readonly addresses: readonly string[] }[] }[], slices: number, limit: number): void {
    const had = new Set(before.flatMap(({ endpoints }) => (endpoints ?? []).map(({ addresses }) => addresses[0]!)));
    const has = new Set(groups.flatMap(({ endpoints }) => endpoints.map(({ addresses }) => addresses[0]!)));
    this.#added.observe(has.difference(had).size);
    this.#removed.observe(had.difference(has).size);
    this.#services.set(key, {
      endpoints: has.size, slices, needed: groups.reduce((sum, { endpoints }) => sum + Math.ceil(endpoints.length / limit), 0), trafficDistribution: service.spec?.trafficDistribution,
    });
  }

  forget(key: string): void {
    this.#services.delete(key);
  }
}
