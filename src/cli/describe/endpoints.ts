import type { Endpoints } from '../../api/generated/core-v1.ts';
import type { DescribeContext } from './describe-context.ts';

/** Upstream: describe.go, describeEndpoints. */
export function describeEndpoints({ metadata, subsets = [] }: Endpoints, { out }: DescribeContext): void {
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace!);
  out.map(0, 'Labels', metadata.labels);
  out.annotations(0, 'Annotations', metadata.annotations);
  out.line(0, 'Subsets:');
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of subsets) {
    out.field(1, 'Addresses', addresses.map(({ ip }) => ip).join(',') || '<none>');
    out.field(1, 'NotReadyAddresses', notReadyAddresses.map(({ ip }) => ip).join(',') || '<none>');
    if (ports.length > 0) {
      out.line(1, 'Ports:');
      out.line(2, 'Name\tPort\tProtocol');
      out.line(2, '----\t----\t--------');
      for (const { name, port, protocol } of ports) out.line(2, `${name || '<unset>'}\t${port}\t${protocol ?? ''}`);
    }
    out.line(0, '');
  }
}
