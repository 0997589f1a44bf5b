import type { PodDisruptionBudget } from '../../api/generated/policy-v1.ts';
import { formatLabelSelector } from '../../api/selector.ts';
import type { DescribeContext } from './describe-context.ts';

/** Upstream: describe.go, describePodDisruptionBudgetV1. */
export function describePodDisruptionBudget({ metadata, spec, status }: PodDisruptionBudget, { out }: DescribeContext): void {
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace!);
  if (spec?.minAvailable !== undefined) out.field(0, 'Min available', spec.minAvailable);
  else if (spec?.maxUnavailable !== undefined) out.field(0, 'Max unavailable', spec.maxUnavailable);
  out.field(0, 'Selector', spec?.selector ? formatLabelSelector(spec.selector) : '<unset>');
  out.line(0, 'Status:');
  out.field(2, 'Allowed disruptions', status?.disruptionsAllowed ?? 0);
  out.field(2, 'Current', status?.currentHealthy ?? 0);
  out.field(2, 'Desired', status?.desiredHealthy ?? 0);
  out.field(2, 'Total', status?.expectedPods ?? 0);
}
