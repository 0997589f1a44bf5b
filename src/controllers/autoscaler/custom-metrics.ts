import { isReason } from '../../api/errors.ts';
import type { ExternalMetricSource, MetricIdentifier } from '../../api/generated/autoscaling-v2.ts';
import type { ResourceType } from '../../api/object.ts';
import { milliValue } from '../../api/quantity.ts';
import { selectorOf } from '../../api/selector.ts';

/** Figures that an adapter of some monitoring system serves; all in thousandths. */
export interface CustomMetrics {
  /** Of each of the pods, by its name. */
  ofPods(namespace: string, metric: MetricIdentifier, podSelector: string): Promise<ReadonlyMap<string, number>>;
  ofObject(namespace: string, metric: MetricIdentifier, resource: Pick<ResourceType<unknown>, 'group' | 'resource'>, name: string): Promise<number>;
  /** Of something outside the cluster: one for each series that matches. */
  external(namespace: string, metric: ExternalMetricSource['metric']): Promise<readonly number[]>;
}

interface MetricValueList {
  readonly items: readonly { readonly describedObject?: { readonly name?: string }; readonly value: string }[];
}

/** Reads from `custom.metrics.k8s.io` and `external.metrics.k8s.io` by GETs of paths. Upstream: metrics/pkg/client/custom_metrics. */
export function apiCustomMetrics(get: (path: string) => Promise<unknown>): CustomMetrics {
  const custom = async (path: string, query: Readonly<Record<string, string>>): Promise<MetricValueList['items']> => {
    const rest = `namespaces/${path}${queryOf(query)}`;
    try {
      return ((await get(`/apis/custom.metrics.k8s.io/v1beta2/${rest}`)) as MetricValueList).items;
    } catch (error) {
      // Adapters of old serve the version before.
      if (!isReason(error, 'NotFound')) throw error;
      return ((await get(`/apis/custom.metrics.k8s.io/v1beta1/${rest}`)) as MetricValueList).items;
    }
  };
  return {
    async ofPods(namespace, metric, labelSelector) {
      const items = await custom(`${namespace}/pods/*/${metric.name}`, { labelSelector, metricLabelSelector: selectorText(metric) });
      if (items.length === 0) throw new Error('no metrics returned from custom metrics API');
      return new Map(items.map(({ describedObject, value }) => [describedObject?.name ?? '', milliValue(value)]));
    },
    async ofObject(namespace, metric, { group, resource }, name) {
      const path = group === '' && resource === 'namespaces' ? `${name}/metrics/${metric.name}` : `${namespace}/${resource}${group && `.${group}`}/${name}/${metric.name}`;
      const [first] = await custom(path, { metricLabelSelector: selectorText(metric) });
      if (!first) throw new Error('the custom metrics API server returned no results');
      return milliValue(first.value);
    },
    async external(namespace, metric) {
      const { items } = (await get(`/apis/external.metrics.k8s.io/v1beta1/namespaces/${namespace}/${metric.name}${queryOf({ labelSelector: selectorText(metric) })}`)) as MetricValueList;
      if (items.length === 0) throw new Error('no metrics returned from external metrics API');
      return items.map(({ value }) => milliValue(value));
    },
  };
}

function selectorText({ selector }: MetricIdentifier): string {
  return selector ? selectorOf(selector).toString() : '';
}

function queryOf(query: Readonly<Record<string, string>>): string {
  const text = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '')).toString();
  return text && `?${text}`;
}
