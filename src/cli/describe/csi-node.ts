import type { CSINode } from '../../api/generated/storage-v1.ts';
import type { DescribeContext } from './describe-context.ts';
import { rfc1123 } from './times.ts';

/** Upstream: describe.go, describeCSINode. */
export function describeCsiNode({ metadata, spec }: CSINode, { out }: DescribeContext): void {
  out.field(0, 'Name', metadata.name);
  out.map(0, 'Labels', metadata.labels);
  out.annotations(0, 'Annotations', metadata.annotations);
  out.field(0, 'CreationTimestamp', rfc1123(metadata.creationTimestamp));
  out.line(0, 'Spec:');
  if (!spec.drivers) return;
  out.line(1, 'Drivers:');
  for (const { name, nodeID, allocatable, topologyKeys } of spec.drivers) {
    out.line(2, `${name}:`);
    out.field(3, 'Node ID', nodeID);
    if (allocatable?.count !== undefined) {
      out.line(3, 'Allocatables:');
      out.field(4, 'Count', allocatable.count);
    }
    if (topologyKeys) out.field(3, 'Topology Keys', `[${topologyKeys.join(' ')}]`);
  }
}
