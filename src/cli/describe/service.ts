import type { EndpointSlice } from '../../api/generated/discovery-v1.ts';
import type { Service } from '../../api/generated/core-v1.ts';
import type { ObjectList } from '../../api/object.ts';
import { formatLabels } from '../../api/selector.ts';
import type { DescribeContext } from './describers.ts';

/** Upstream: kubectl pkg/describe/describe.go, describeService. */
export async function describeService(service: Service, { session, out }: DescribeContext): Promise<void> {
  const { metadata, spec, status } = service;
  const slices = await session.json<ObjectList<EndpointSlice>>(`/apis/discovery.k8s.io/v1/namespaces/${metadata.namespace}/endpointslices`, { query: { labelSelector: `kubernetes.io/service-name=${metadata.name}` } });
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace);
  out.map(0, 'Labels', metadata.labels);
  out.map(0, 'Annotations', metadata.annotations, ': ');
  out.field(0, 'Selector', formatLabels(spec.selector) || '<none>');
  out.field(0, 'Type', spec.type ?? 'ClusterIP');
  if (spec.ipFamilyPolicy) out.field(0, 'IP Family Policy', spec.ipFamilyPolicy);
  out.field(0, 'IP Families', spec.ipFamilies?.join(',') || '<none>');
  out.field(0, 'IP', spec.clusterIP ?? '');
  out.field(0, 'IPs', spec.clusterIPs?.join(',') || '<none>');
  if (spec.externalIPs?.length) out.field(0, 'External IPs', spec.externalIPs.join(','));
  if (spec.loadBalancerIP) out.field(0, 'Desired LoadBalancer IP', spec.loadBalancerIP);
  if (spec.externalName) out.field(0, 'External Name', spec.externalName);
  const ingress = status?.loadBalancer?.ingress ?? [];
  if (ingress.length > 0) out.field(0, 'LoadBalancer Ingress', ingress.map(({ ip, hostname, ipMode }) => `${ip ?? hostname}${ipMode ? ` (${ipMode})` : ''}`).join(', '));
  for (const port of spec.ports ?? []) {
    const name = port.name || '<unset>';
    out.field(0, 'Port', `${name}\t${port.port}/${port.protocol}`);
    out.field(0, 'TargetPort', `${port.targetPort ?? port.port}/${port.protocol}`);
    if (port.nodePort) out.field(0, 'NodePort', `${name}\t${port.nodePort}/${port.protocol}`);
    const addresses = slices.items.flatMap((slice) => {
      const found = slice.ports?.find((p) => (p.name ?? '') === (port.name ?? ''));
      return found ? (slice.endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false).flatMap(({ addresses: list }) => list.map((address) => `${address}:${found.port}`)) : [];
    });
    out.field(0, 'Endpoints', addresses.length > 3 ? `${addresses.slice(0, 3).join(',')} + ${addresses.length - 3} more...` : addresses.join(',') || '<none>');
  }
  out.field(0, 'Session Affinity', spec.sessionAffinity ?? 'None');
  if (spec.externalTrafficPolicy) out.field(0, 'External Traffic Policy', spec.externalTrafficPolicy);
  if (spec.healthCheckNodePort) out.field(0, 'HealthCheck NodePort', String(spec.healthCheckNodePort));
  if (spec.internalTrafficPolicy) out.field(0, 'Internal Traffic Policy', spec.internalTrafficPolicy);
  if (spec.loadBalancerSourceRanges?.length) out.field(0, 'LoadBalancer Source Ranges', spec.loadBalancerSourceRanges.join(','));
}
