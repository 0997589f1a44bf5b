import type { ServiceCIDR } from '../../api/generated/networking-v1.ts';
import type { DescribeContext } from './describe-context.ts';
import { rfc1123 } from './times.ts';

/** Upstream: describe.go, describeServiceCIDRV1. */
export function describeServiceCidr({ metadata, spec, status }: ServiceCIDR, { out }: DescribeContext): void {
  out.field(0, 'Name', metadata.name);
  out.map(0, 'Labels', metadata.labels);
  out.annotations(0, 'Annotations', metadata.annotations);
  out.field(0, 'CIDRs', spec?.cidrs?.join(', ') ?? '');
  if (!status?.conditions?.length) return;
  out.line(0, 'Status:');
  out.line(0, 'Conditions:');
  out.line(1, 'Type\tStatus\tLastTransitionTime\tReason\tMessage');
  out.line(1, '----\t------\t------------------\t------\t-------');
  for (const c of status.conditions) out.line(1, `${c.type}\t${c.status}\t${rfc1123(c.lastTransitionTime)}\t${c.reason}\t${c.message}`);
}
