/** Upstream: pkg/apis/autoscaling/validation. */
import { fieldError } from '../errors.ts';
import type {
  CrossVersionObjectReference, HPAScalingRules, HorizontalPodAutoscalerSpec, HorizontalPodAutoscalerStatus, MetricIdentifier, MetricSpec, MetricTarget,
} from '../generated/autoscaling-v2.ts';
import { isPathSegmentName } from '../names.ts';
import { quantitySign } from '../quantity.ts';
import { dnsLabel, formatErrors, nonNegative, oneOfIfAny, type FieldErrors } from './fields.ts';
import { containerResourceName } from './resources.ts';
import { isSame } from './same.ts';

const maxWindowSeconds = 3600;
const maxPeriodSeconds = 1800;

interface Range {
  readonly minReplicas?: number;
  readonly maxReplicas: number;
  readonly scaleTargetRef: CrossVersionObjectReference;
}

/** What both versions share. */
export function* replicaRangeErrors(path: string, { minReplicas, maxReplicas = 0, scaleTargetRef }: Range): FieldErrors {
  const lowest = 1;
  if (minReplicas !== undefined && minReplicas < lowest) yield fieldError.invalid(`${path}.minReplicas`, minReplicas, `must be greater than or equal to ${lowest}`);
  if (maxReplicas === 0) yield fieldError.required(`${path}.maxReplicas`, 'must be set and greater than 0');
  else if (maxReplicas < 0) yield fieldError.invalid(`${path}.maxReplicas`, maxReplicas, 'must be greater than or equal to 1');
  if (minReplicas !== undefined && maxReplicas < minReplicas) yield fieldError.invalid(`${path}.maxReplicas`, maxReplicas, 'must be greater than or equal to `minReplicas`');
  yield* referenceErrors(`${path}.scaleTargetRef`, scaleTargetRef ?? { kind: '', name: '' });
}

export function* autoscalerErrors(path: string, spec: HorizontalPodAutoscalerSpec): FieldErrors {
  yield* replicaRangeErrors(path, spec);
  for (const [i, metric] of (spec.metrics ?? []).entries()) yield* metricErrors(`${path}.metrics[${i}]`, metric);
  yield* rulesErrors(`${path}.behavior.scaleUp`, spec.behavior?.scaleUp);
  yield* rulesErrors(`${path}.behavior.scaleDown`, spec.behavior?.scaleDown);
}

/** What is to be scaled is named with its group, but for the one kind of the core group that has a scale. What was stored before this was asked for stays as it is. */
export function* targetGroupErrors(next: Partial<Range>, previous?: Partial<Range>): FieldErrors {
  const target = (spec: Partial<Range>): readonly [string, string] => [spec.scaleTargetRef?.kind ?? '', spec.scaleTargetRef?.apiVersion ?? ''];
  const [kind, apiVersion] = target(next);
  if (kind === 'ReplicationController' || apiVersion.includes('/') || (previous && isSame(target(next), target(previous)))) return;
  yield fieldError.invalid('spec.scaleTargetRef.apiVersion', apiVersion, 'apiVersion must specify API group');
}

function* referenceErrors(path: string, reference: CrossVersionObjectReference): FieldErrors {
  for (const field of ['kind', 'name'] as const) {
    if (!reference[field]) yield fieldError.required(`${path}.${field}`);
    else yield* formatErrors(`${path}.${field}`, reference[field], isPathSegmentName(reference[field]));
  }
  const version = reference.apiVersion ?? '';
  if (version.split('/').length > 2) yield fieldError.invalid(`${path}.apiVersion`, version, `unexpected GroupVersion string: ${version}`);
}

const sources = { Object: 'object', Pods: 'pods', Resource: 'resource', External: 'external', ContainerResource: 'containerResource' } as const;
const types = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource'];

function* metricErrors(path: string, metric: MetricSpec): FieldErrors {
  if (!metric.type) yield fieldError.required(`${path}.type`, 'must specify a metric source type');
  if (!types.includes(metric.type)) yield fieldError.notSupported(`${path}.type`, metric.type ?? '', types);
  const present = Object.values(sources).filter((source) => metric[source] !== undefined);
  if (present[0]) yield* sourceErrors(`${path}.${present[0]}`, metric, present[0]);
  const expected = sources[metric.type as keyof typeof sources];
  if (expected === undefined) yield fieldError.notSupported(`${path}.type`, metric.type ?? '', types);
  else if (metric[expected] === undefined) yield fieldError.required(`${path}.${expected}`, 'must populate information for the given metric source');
  if (present.length === 1) return;
  for (const source of present) if (source !== expected) yield fieldError.forbidden(`${path}.${source}`, 'must populate the given metric source only');
}

function* sourceErrors(path: string, metric: MetricSpec, source: (typeof sources)[keyof typeof sources]): FieldErrors {
  const at = `${path}.target`;
  switch (source) {
    case 'object': {
      const { describedObject, metric: identifier, target } = metric.object!;
      yield* referenceErrors(`${path}.describedObject`, describedObject);
      yield* identifierErrors(`${path}.metric`, identifier);
      yield* targetErrors(at, target);
      if (target.value === undefined && target.averageValue === undefined) yield fieldError.required(`${at}.averageValue`, 'must set either a target value or averageValue');
      return;
    }
    case 'external': {
      const { metric: identifier, target } = metric.external!;
      yield* identifierErrors(`${path}.metric`, identifier);
      yield* targetErrors(at, target);
      if (target.value === undefined && target.averageValue === undefined) yield fieldError.required(`${at}.averageValue`, 'must set either a target value for metric or a per-pod target');
      if (target.value !== undefined && target.averageValue !== undefined) yield fieldError.forbidden(`${at}.value`, 'may not set both a target value for metric and a per-pod target');
      return;
    }
    case 'pods': {
      const { metric: identifier, target } = metric.pods!;
      yield* identifierErrors(`${path}.metric`, identifier);
      yield* targetErrors(at, target);
      if (target.averageValue === undefined) yield fieldError.required(`${at}.averageValue`, 'must specify a positive target averageValue');
      return;
    }
    case 'resource':
    case 'containerResource': {
      const { name, target } = (metric.resource ?? metric.containerResource)!;
      if (!name) yield fieldError.required(`${path}.name`, 'must specify a resource name');
      if (source === 'containerResource') {
        if (name) yield* containerResourceName(`${path}.name`, name);
        const { container } = metric.containerResource!;
        if (!container) yield fieldError.required(`${path}.container`, 'must specify a container');
        else yield* dnsLabel(`${path}.container`, container);
      }
      yield* targetErrors(at, target);
      if (target.averageUtilization === undefined && target.averageValue === undefined) {
        yield fieldError.required(`${at}.averageUtilization`, 'must set either a target raw value or a target utilization');
      }
      if (target.averageUtilization !== undefined && target.averageValue !== undefined) {
        yield fieldError.forbidden(`${at}.averageValue`, 'may not set both a target raw value and a target utilization');
      }
    }
  }
}

function* identifierErrors(path: string, { name }: MetricIdentifier): FieldErrors {
  if (!name) yield fieldError.required(`${path}.name`, 'must specify a metric name');
  else yield* formatErrors(`${path}.name`, name, isPathSegmentName(name));
}

function* targetErrors(path: string, target: MetricTarget): FieldErrors {
  if (!target.type) yield fieldError.required(`${path}.type`, 'must specify a metric target type');
  if (!['Utilization', 'Value', 'AverageValue'].includes(target.type)) yield fieldError.invalid(`${path}.type`, target.type ?? '', 'must be either Utilization, Value, or AverageValue');
  for (const field of ['value', 'averageValue'] as const) {
    if (target[field] !== undefined && quantitySign(target[field]) <= 0) yield fieldError.invalid(`${path}.${field}`, target[field], 'must be positive');
  }
  if (target.averageUtilization !== undefined && target.averageUtilization < 1) yield fieldError.invalid(`${path}.averageUtilization`, target.averageUtilization, 'must be greater than 0');
}

function* rulesErrors(path: string, rules: HPAScalingRules | undefined): FieldErrors {
  if (!rules) return;
  const window = rules.stabilizationWindowSeconds ?? 0;
  if (window < 0) yield fieldError.invalid(`${path}.stabilizationWindowSeconds`, window, 'must be greater than or equal to zero');
  if (window > maxWindowSeconds) yield fieldError.invalid(`${path}.stabilizationWindowSeconds`, window, `must be less than or equal to ${maxWindowSeconds}`);
  yield* oneOfIfAny(`${path}.selectPolicy`, rules.selectPolicy, ['Disabled', 'Max', 'Min']);
  if (!rules.policies?.length) yield fieldError.required(`${path}.policies`, 'must specify at least one Policy');
  for (const [i, { type, value, periodSeconds }] of (rules.policies ?? []).entries()) {
    const at = `${path}.policies[${i}]`;
    yield* oneOfIfAny(`${at}.type`, type, ['Percent', 'Pods']);
    if (value <= 0) yield fieldError.invalid(`${at}.value`, value, 'must be greater than zero');
    if (periodSeconds <= 0) yield fieldError.invalid(`${at}.periodSeconds`, periodSeconds, 'must be greater than zero');
    if (periodSeconds > maxPeriodSeconds) yield fieldError.invalid(`${at}.periodSeconds`, periodSeconds, `must be less than or equal to ${maxPeriodSeconds}`);
  }
  if (rules.tolerance !== undefined && quantitySign(rules.tolerance) < 0) yield fieldError.invalid(`${path}.tolerance`, rules.tolerance, 'must be greater than or equal to 0');
}

export function* autoscalerStatusErrors(status: HorizontalPodAutoscalerStatus | undefined): FieldErrors {
  yield* nonNegative('status.currentReplicas', status?.currentReplicas);
  yield* nonNegative('status.desiredReplicas', status?.desiredReplicas);
}
