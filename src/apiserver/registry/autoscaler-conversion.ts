import type { HorizontalPodAutoscaler as V1 } from '../../api/generated/autoscaling-v1.ts';
import type { HorizontalPodAutoscaler as V2, MetricSpec } from '../../api/generated/autoscaling-v2.ts';
import { without } from '../../api/kinds/fill.ts';
import type { KubeObject } from '../../api/object.ts';
import type { Conversion } from './built-in-form.ts';

/** What v1 has no field for goes along in annotations, so that an object that was read can be written back. */
const METRICS = 'autoscaling.alpha.kubernetes.io/metrics';
const CURRENT_METRICS = 'autoscaling.alpha.kubernetes.io/current-metrics';
const CONDITIONS = 'autoscaling.alpha.kubernetes.io/conditions';
const BEHAVIOR = 'autoscaling.alpha.kubernetes.io/behavior';
const CARRIED = [METRICS, CURRENT_METRICS, CONDITIONS, BEHAVIOR];

const DEFAULT_CPU_UTILIZATION = 80;

const isCpuUtilization = ({ type, resource }: MetricSpec): boolean => type === 'Resource' && resource?.name === 'cpu' && resource.target.averageUtilization !== undefined;

const cpuUtilization = (averageUtilization: number): MetricSpec => ({ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } });

/**
 * autoscaling/v1 knows a target for the CPU alone. Upstream: pkg/apis/autoscaling/v1/conversion.go. The annotations hold the v2 form of
 * what they carry, where upstream has a form of v1's own: nothing but this conversion reads them.
 */
export const autoscalerConversion: Conversion = {
  fromStored(object) {
    const { metadata, spec, status, ...rest } = object as unknown as V2;
    const { metrics = [], behavior, ...shared } = spec ?? ({} as NonNullable<V2['spec']>);
    const { currentMetrics = [], conditions = [], ...sharedStatus } = status ?? ({} as NonNullable<V2['status']>);
    const target = metrics.find(isCpuUtilization)?.resource?.target.averageUtilization;
    const others = metrics.filter((metric) => !isCpuUtilization(metric));
    const current = currentMetrics.find(({ type, resource }) => type === 'Resource' && resource?.name === 'cpu')?.resource?.current.averageUtilization;
    const carried = {
      ...(others.length > 0 && { [METRICS]: JSON.stringify(others) }), ...(currentMetrics.length > 0 && { [CURRENT_METRICS]: JSON.stringify(currentMetrics) }),
      ...(conditions.length > 0 && { [CONDITIONS]: JSON.stringify(conditions) }), ...(behavior && { [BEHAVIOR]: JSON.stringify(behavior) }),
    };
    return {
      ...rest,
      metadata: Object.keys(carried).length > 0 ? { ...metadata, annotations: { ...metadata.annotations, ...carried } } : metadata,
      spec: { ...shared, ...(target !== undefined && { targetCPUUtilizationPercentage: target }) },
      ...(status && { status: { ...sharedStatus, ...(current !== undefined && { currentCPUUtilizationPercentage: current }) } }),
    } as unknown as KubeObject;
  },

  toStored(object) {
    const { metadata, spec, status, ...rest } = object as unknown as V1;
    const { targetCPUUtilizationPercentage: target, ...shared } = spec ?? ({} as NonNullable<V1['spec']>);
    const { currentCPUUtilizationPercentage: current, ...sharedStatus } = status ?? ({} as NonNullable<V1['status']>);
    const annotations = metadata?.annotations ?? {};
    const metrics = [...list<MetricSpec>(annotations[METRICS]), ...(target === undefined ? [] : [cpuUtilization(target)])];
    const carriedMetrics = list(annotations[CURRENT_METRICS]);
    const currentMetrics = carriedMetrics.length > 0 || current === undefined ? carriedMetrics : [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: current } } }];
    const conditions = list(annotations[CONDITIONS]);
    const behavior = parsed(annotations[BEHAVIOR]);
    const kept = Object.fromEntries(Object.entries(annotations).filter(([name]) => !CARRIED.includes(name)));
    const meta = without(metadata ?? {}, 'annotations');
    return {
      ...rest,
      metadata: Object.keys(kept).length > 0 ? { ...meta, annotations: kept } : meta,
      spec: { ...shared, metrics: metrics.length > 0 ? metrics : [cpuUtilization(DEFAULT_CPU_UTILIZATION)], ...(behavior !== undefined && { behavior }) },
      ...(status && { status: { ...sharedStatus, ...(currentMetrics.length > 0 && { currentMetrics }), ...(conditions.length > 0 && { conditions }) } }),
    } as unknown as KubeObject;
  },
};

function list<T>(text: string | undefined): readonly T[] {
  const value = parsed(text);
  return Array.isArray(value) ? (value as T[]) : [];
}

/** What an annotation carries; undefined where a client put something there that is not JSON. */
function parsed(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
