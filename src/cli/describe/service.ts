import type { Service } from '../../api/generated/core-v1.ts';
import { formatLabels } from '../../api/selector.ts';
import type { DescribeContext } from './describe-context.ts';
import { sliceAddresses, slicesOf } from './slice-addresses.ts';

/** Upstream: kubectl pkg/describe/describe.go, describeService. */
export async function describeService({ metadata, spec, status }: Service, { session, out }: DescribeContext): Promise<void> {
  const slices = await slicesOf(session, metadata.namespace!, metadata.name);
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace!);
  out.map(0, 'Labels', metadata.labels);
  out.annotations(0, 'Annotations', metadata.annotations);
  out.field(0, 'Selector', formatLabels(spec.selector));
  out.field(0, 'Type', spec.type ?? '');
  out.present(0, 'IP Family Policy', spec.ipFamilyPolicy);
  out.field(0, 'IP Families', spec.ipFamilies?.join(',') || '<none>');
  out.field(0, 'IP', spec.clusterIP ?? '');
  out.field(0, 'IPs', spec.clusterIPs?.join(',') || '<none>');
  out.present(0, 'External IPs', spec.externalIPs?.join(','));
  out.present(0, 'Desired LoadBalancer IP', spec.loadBalancerIP);
  out.present(0, 'External Name', spec.externalName);
  const ingress = status?.loadBalancer?.ingress ?? [];
  if (ingress.length > 0) out.field(0, 'LoadBalancer Ingress', ingress.map(({ ip, hostname, ipMode }) => (ip ? `${ip}${ipMode ? ` (${ipMode})` : ''}` : (hostname ?? ''))).join(', '));
  for (const port of spec.ports ?? []) {
    const name = port.name || '<unset>';
    out.field(0, 'Port', `${name}\t${port.port}/${port.protocol}`);
    out.field(0, 'TargetPort', `${port.targetPort ?? 0}/${port.protocol}`);
    out.present(0, 'AppProtocol', port.appProtocol);
    if (port.nodePort) out.field(0, 'NodePort', `${name}\t${port.nodePort}/${port.protocol}`);
    out.field(0, 'Endpoints', sliceAddresses(slices, port.name ?? ''));
  }
  out.field(0, 'Session Affinity', spec.sessionAffinity ?? '');
  out.present(0, 'External Traffic Policy', spec.externalTrafficPolicy);
  out.present(0, 'Internal Traffic Policy', spec.internalTrafficPolicy);
  if (spec.healthCheckNodePort) out.field(0, 'HealthCheck NodePort', spec.healthCheckNodePort);
  out.present(0, 'LoadBalancer Source Ranges', spec.loadBalancerSourceRanges?.join(','));
  out.present(0, 'Traffic Distribution', spec.trafficDistribution);
}
