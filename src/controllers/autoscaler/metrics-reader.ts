import type { PodMetrics } from '../../api/generated/metrics-v1beta1.ts';
import type { ResourceType } from '../../api/object.ts';
import type { Client } from '../../client/client.ts';

/** What a pod was seen to use. */
export interface PodUsage {
  readonly pod: string;
  /** Milliseconds since 1970: the end of the span over which it was measured. */
  readonly atMs: number;
  readonly windowMs: number;
  /** Quantities by container and resource: `usage.get('main')!['cpu']`. */
  readonly containers: ReadonlyMap<string, Readonly<Record<string, string>>>;
}

/** Where the autoscaler takes its figures from. */
export interface MetricsReader {
  podUsage(namespace: string, labelSelector: string): Promise<readonly PodUsage[]>;
}

const podMetrics: ResourceType<PodMetrics> = { group: 'metrics.k8s.io', version: 'v1beta1', resource: 'pods', kind: 'PodMetrics', namespaced: true };

/** Reads from `metrics.k8s.io`, whoever serves it. */
export function apiMetricsReader(client: Client): MetricsReader {
  return {
    async podUsage(namespace, labelSelector) {
      const { items } = await client.list(podMetrics, { namespace, labelSelector });
      return items.map(({ metadata, timestamp, window, containers }) => ({
        pod: metadata.name, atMs: Date.parse(timestamp), windowMs: spanMs(window), containers: new Map(containers.map(({ name, usage }) => [name, usage as Record<string, string>])),
      }));
    },
  };
}

/** `1m30.5s`, as Go writes a duration. */
function spanMs(text: string): number {
  const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
  return [...text.matchAll(/([\d.]+)(h|ms|m|s)/g)].reduce((sum, [, amount, unit]) => sum + Number(amount) * units[unit!]!, 0);
}
