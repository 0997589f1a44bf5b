/** Upstream: pkg/registry/autoscaling/horizontalpodautoscaler/strategy.go, pkg/apis/autoscaling/v2/defaults.go. */
import type { KindDefinition } from '../kind.ts';
import type { HorizontalPodAutoscaler as V1 } from '../generated/autoscaling-v1.ts';
import type { HPAScalingRules, HorizontalPodAutoscaler, MetricSpec, MetricStatus } from '../generated/autoscaling-v2.ts';
import { horizontalPodAutoscalers, horizontalPodAutoscalersAutoscalingV1 } from '../generated/resources.ts';
import { autoscalerErrors, autoscalerStatusErrors, replicaRangeErrors, targetGroupErrors } from '../validation/autoscaler.ts';
import { fill, mapMember } from './fill.ts';
import { ageColumn, count, integer, nameColumn, text } from './table-columns.ts';

const scaleUp: HPAScalingRules = {
  stabilizationWindowSeconds: 0, selectPolicy: 'Max', policies: [{ type: 'Pods', value: 4, periodSeconds: 15 }, { type: 'Percent', value: 100, periodSeconds: 15 }],
};
const scaleDown: HPAScalingRules = { selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] };
const defaultMetrics: readonly MetricSpec[] = [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }];

export const horizontalPodAutoscaler: KindDefinition<HorizontalPodAutoscaler> = {
  resource: horizontalPodAutoscalers,
  defaults: (object) => mapMember(object, 'spec', (spec) => {
    const next = fill(spec, { minReplicas: 1 });
    return mapMember(next.metrics?.length ? next : { ...next, metrics: defaultMetrics }, 'behavior', (behavior) =>
      ({ ...behavior, scaleUp: { ...scaleUp, ...behavior.scaleUp }, scaleDown: { ...scaleDown, ...behavior.scaleDown } }));
  }),
  prepareForCreate: (object) => ({ ...object, status: { desiredReplicas: 0 } }),
  validate: (object) => [...autoscalerErrors('spec', object.spec)],
  validateCreate: (object) => [...targetGroupErrors(object.spec ?? {})],
  validateUpdate: (next, previous) => [...targetGroupErrors(next.spec ?? {}, previous.spec ?? {})],
  validateStatusUpdate: (next) => [...autoscalerStatusErrors(next.status)],
  generation: false,
  columns: [
    nameColumn,
    text('Reference', 'What it scales.', ({ spec }) => `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}`),
    text('Targets', 'What is measured, and what it should be.', metricsText),
    text('MinPods', 'The least number of pods.', ({ spec }) => String(spec.minReplicas ?? '<unset>')),
    count('MaxPods', 'The greatest number of pods.', ({ spec }) => spec.maxReplicas),
    { ...integer<HorizontalPodAutoscaler>('Replicas', 'How many pods there are.', ({ status }) => status?.currentReplicas ?? 0), type: 'string' },
    ageColumn,
  ],
};

/** The old version, which knows no metric but the use of CPU. */
export const horizontalPodAutoscalerV1: KindDefinition<V1> = {
  resource: horizontalPodAutoscalersAutoscalingV1,
  defaults: (object) => mapMember(object, 'spec', (spec) => fill(spec, { minReplicas: 1, targetCPUUtilizationPercentage: 80 })),
  validate: (object) => [...replicaRangeErrors('spec', object.spec)],
  validateCreate: (object) => [...targetGroupErrors(object.spec ?? {})],
  validateUpdate: (next, previous) => [...targetGroupErrors(next.spec ?? {}, previous.spec ?? {})],
  generation: false,
  columns: [
    nameColumn,
    text('Reference', 'What it scales.', ({ spec }) => `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}`),
    text('Targets', 'What is measured, and what it should be.', ({ spec, status }) =>
      `cpu: ${status?.currentCPUUtilizationPercentage === undefined ? '<unknown>' : `${status.currentCPUUtilizationPercentage}%`}/${spec.targetCPUUtilizationPercentage ?? 80}%`),
    text('MinPods', 'The least number of pods.', ({ spec }) => String(spec.minReplicas ?? '<unset>')),
    count('MaxPods', 'The greatest number of pods.', ({ spec }) => spec.maxReplicas),
    { ...integer<V1>('Replicas', 'How many pods there are.', ({ status }) => status?.currentReplicas ?? 0), type: 'string' },
    ageColumn,
  ],
};

/** `cpu: 12%/80%`; at most two. */
function metricsText({ spec, status }: HorizontalPodAutoscaler): string {
  const metrics = spec.metrics ?? [];
  if (metrics.length === 0) return '<none>';
  const texts = metrics.map((metric, i) => metricText(metric, status?.currentMetrics?.[i]));
  return texts.length > 2 ? `${texts.slice(0, 2).join(', ')} + ${texts.length - 2} more...` : texts.join(', ');
}

function metricText(spec: MetricSpec, status: MetricStatus | undefined): string {
  const unknown = '<unknown>';
  switch (spec.type) {
    case 'External':
    case 'Object': {
      const [target, current] = spec.type === 'External' ? [spec.external?.target, status?.external?.current] : [spec.object?.target, status?.object?.current];
      return target?.averageValue !== undefined ? `${current?.averageValue ?? unknown}/${target.averageValue} (avg)` : `${current?.value ?? unknown}/${target?.value ?? ''}`;
    }
    case 'Pods':
      return `${status?.pods?.current.averageValue ?? unknown}/${spec.pods?.target.averageValue ?? ''}`;
    case 'Resource':
    case 'ContainerResource': {
      const [source, current] = spec.type === 'Resource' ? [spec.resource, status?.resource?.current] : [spec.containerResource, status?.containerResource?.current];
      const percent = (value: number | undefined, otherwise: string): string => (value === undefined ? otherwise : `${value}%`);
      if (source?.target.averageValue !== undefined) return `${source.name}: ${current?.averageValue ?? unknown}/${source.target.averageValue}`;
      return `${source?.name ?? ''}: ${percent(current?.averageUtilization, unknown)}/${percent(source?.target.averageUtilization, '<auto>')}`;
    }
    default:
      return '<unknown type>';
  }
}
