import type { PriorityClass } from '../../api/generated/scheduling-v1.ts';
import { formatLabels } from '../../api/selector.ts';
import type { DescribeContext } from './describe-context.ts';

/** Upstream: describe.go, describePriorityClass. */
export function describePriorityClass({ metadata, value = 0, globalDefault = false, preemptionPolicy = 'PreemptLowerPriority', description = '' }: PriorityClass, { out }: DescribeContext): void {
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Value', value);
  out.field(0, 'GlobalDefault', globalDefault);
  out.field(0, 'PreemptionPolicy', preemptionPolicy);
  out.field(0, 'Description', description);
  out.field(0, 'Annotations', formatLabels(metadata.annotations));
}
