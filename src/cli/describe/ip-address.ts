import type { IPAddress } from '../../api/generated/networking-v1.ts';
import type { DescribeContext } from './describe-context.ts';

/** Upstream: describe.go, describeIPAddressV1. */
export function describeIpAddress({ metadata, spec }: IPAddress, { out }: DescribeContext): void {
  out.field(0, 'Name', metadata.name);
  out.map(0, 'Labels', metadata.labels);
  out.annotations(0, 'Annotations', metadata.annotations);
  const parent = spec?.parentRef;
  if (!parent) return;
  out.line(0, 'Parent Reference:');
  out.field(1, 'Group', parent.group ?? '');
  out.field(1, 'Resource', parent.resource ?? '');
  out.field(1, 'Namespace', parent.namespace ?? '');
  out.field(1, 'Name', parent.name ?? '');
}
