import type { EndpointSlice } from '../../api/generated/discovery-v1.ts';
import type { DescribeContext } from './describe-context.ts';

/** Upstream: describe.go, describeEndpointSliceV1. */
export function describeEndpointSlice({ metadata, addressType, ports, endpoints }: EndpointSlice, { out }: DescribeContext): void {
  const unset = '<unset>';
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace!);
  out.map(0, 'Labels', metadata.labels);
  out.annotations(0, 'Annotations', metadata.annotations);
  out.field(0, 'AddressType', addressType);
  out.line(0, ports?.length ? 'Ports:' : 'Ports: <unset>');
  if (ports?.length) {
    out.line(1, 'Name\tPort\tProtocol');
    out.line(1, '----\t----\t--------');
    for (const { name, port, protocol } of ports) out.line(1, `${name || unset}\t${port ?? unset}\t${protocol ?? ''}`);
  }
  out.line(0, endpoints?.length ? 'Endpoints:' : 'Endpoints: <none>');
  for (const { addresses, conditions, hostname, targetRef, nodeName, zone } of endpoints ?? []) {
    out.field(1, '- Addresses', addresses.join(', ') || '<none>');
    out.line(2, 'Conditions:');
    out.field(3, 'Ready', conditions?.ready ?? unset);
    out.optional(2, 'Hostname', hostname, unset);
    if (targetRef) out.field(2, 'TargetRef', `${targetRef.kind}/${targetRef.name}`);
    out.optional(2, 'NodeName', nodeName, unset);
    out.optional(2, 'Zone', zone, unset);
  }
}
