import type { DescribeWriter } from './writer.ts';

/** Type, status and reason of the conditions of a workload, where it has any. */
export function describeWorkloadConditions(out: DescribeWriter, conditions: readonly { readonly type: string; readonly status: string; readonly reason?: string }[] = []): void {
  if (conditions.length === 0) return;
  out.line(0, 'Conditions:');
  out.line(1, 'Type\tStatus\tReason');
  out.line(1, '----\t------\t------');
  for (const { type, status, reason = '' } of conditions) out.line(1, `${type} \t${status}\t${reason}`);
}
