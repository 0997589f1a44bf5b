import type { HorizontalPodAutoscaler, HPAScalingRules, MetricSpec, MetricStatus, MetricTarget, MetricValueStatus } from '../../api/generated/autoscaling-v2.ts';
import { isReason } from '../../api/errors.ts';
import type { DescribeContext } from './describe-context.ts';
import { rfc1123 } from './times.ts';
import type { DescribeWriter } from './writer.ts';

const UNKNOWN = '<unknown>';

/** Whatever version it was read in, the description is that of autoscaling/v2. Upstream: describe.go, describeHorizontalPodAutoscalerV2. */
export async function describeHorizontalPodAutoscaler(object: HorizontalPodAutoscaler, { session, out }: DescribeContext): Promise<void> {
  const { metadata } = object;
  let autoscaler = object;
  if (object.apiVersion !== 'autoscaling/v2') {
    try {
      autoscaler = await session.json<HorizontalPodAutoscaler>(`/apis/autoscaling/v2/namespaces/${metadata.namespace}/horizontalpodautoscalers/${metadata.name}`);
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error; // gone meanwhile: what was read is shown
    }
  }
  const { spec, status } = autoscaler;
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace!);
  out.map(0, 'Labels', metadata.labels);
  out.annotations(0, 'Annotations', metadata.annotations);
  out.field(0, 'CreationTimestamp', rfc1123(metadata.creationTimestamp));
  out.field(0, 'Reference', `${spec?.scaleTargetRef.kind}/${spec?.scaleTargetRef.name}`);
  out.field(0, 'Metrics', '( current / target )');
  spec?.metrics?.forEach((metric, i) => describeMetric(out, metric, status?.currentMetrics?.[i]));
  out.optional(0, 'Min replicas', spec?.minReplicas, '<unset>');
  out.field(0, 'Max replicas', spec?.maxReplicas ?? 0);
  if (spec?.behavior) {
    out.line(0, 'Behavior:');
    describeRules(out, 'Scale Up', spec.behavior.scaleUp);
    describeRules(out, 'Scale Down', spec.behavior.scaleDown);
  }
  out.field(0, `${spec?.scaleTargetRef.kind} pods`, `${status?.currentReplicas ?? 0} current / ${status?.desiredReplicas ?? 0} desired`);
  if (!status?.conditions?.length) return;
  out.line(0, 'Conditions:');
  out.line(1, 'Type\tStatus\tReason\tMessage');
  out.line(1, '----\t------\t------\t-------');
  for (const c of status.conditions) out.line(1, `${c.type}\t${c.status}\t${c.reason ?? ''}\t${c.message ?? ''}`);
}

function describeMetric(out: DescribeWriter, metric: MetricSpec, status: MetricStatus | undefined): void {
  const average = (target: MetricTarget, current: MetricValueStatus | undefined): string => `${current?.averageValue ?? UNKNOWN} / ${target.averageValue}`;
  const value = (target: MetricTarget, current: MetricValueStatus | undefined): string => `${current?.value ?? UNKNOWN} / ${target.value}`;
  const resource = (head: string, target: MetricTarget, current: MetricValueStatus | undefined): void => {
    if (target.averageValue !== undefined) return out.line(1, `${head}:\t${average(target, current)}`);
    const now = current?.averageUtilization === undefined ? UNKNOWN : `${current.averageUtilization}% (${current.averageValue})`;
    out.line(1, `${head}  (as a percentage of request):\t${now} / ${target.averageUtilization === undefined ? '<auto>' : `${target.averageUtilization}%`}`);
  };
  if (metric.external) {
    const { target, metric: { name } } = metric.external;
    const isAverage = target.averageValue !== undefined;
    out.line(1, `${JSON.stringify(name)} (target ${isAverage ? 'average ' : ''}value):\t${isAverage ? average(target, status?.external?.current) : value(target, status?.external?.current)}`);
  } else if (metric.pods) {
    out.line(1, `${JSON.stringify(metric.pods.metric.name)} on pods:\t${average(metric.pods.target, status?.pods?.current)}`);
  } else if (metric.object) {
    const { target, metric: { name }, describedObject } = metric.object;
    const isAverage = target.type === 'AverageValue';
    out.line(1, `"${name}" on ${describedObject.kind}/${describedObject.name} (target ${isAverage ? 'average ' : ''}value):\t${isAverage ? average(target, status?.object?.current) : value(target, status?.object?.current)}`);
  } else if (metric.resource) {
    resource(`resource ${metric.resource.name} on pods`, metric.resource.target, status?.resource?.current);
  } else if (metric.containerResource) {
    const { name, container, target } = metric.containerResource;
    resource(`resource ${name} of container "${container}" on pods`, target, status?.containerResource?.current);
  } else {
    out.line(1, `<unknown metric type ${JSON.stringify(metric.type)}>`);
  }
}

function describeRules(out: DescribeWriter, direction: string, rules: HPAScalingRules | undefined): void {
  if (!rules) return;
  out.line(1, `${direction}:`);
  if (rules.stabilizationWindowSeconds !== undefined) out.line(2, `Stabilization Window: ${rules.stabilizationWindowSeconds} seconds`);
  if (!rules.policies?.length) return;
  out.line(2, `Select Policy: ${rules.selectPolicy ?? 'Max'}`);
  out.line(2, 'Policies:');
  for (const { type, value, periodSeconds } of rules.policies) out.line(3, `- Type: ${type}\tValue: ${value}\tPeriod: ${periodSeconds} seconds`);
}
