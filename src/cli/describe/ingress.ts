import { isReason } from '../../api/errors.ts';
import type { Service } from '../../api/generated/core-v1.ts';
import type { Ingress, IngressBackend } from '../../api/generated/networking-v1.ts';
import type { Session } from '../command/session.ts';
import type { DescribeContext } from './describe-context.ts';
import { sliceAddresses, slicesOf } from './slice-addresses.ts';

/** Upstream: describe.go, describeIngressV1. */
export async function describeIngress({ metadata, spec = {}, status }: Ingress, { session, out }: DescribeContext): Promise<void> {
  const namespace = metadata.namespace!;
  const addresses = [...new Set((status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || '').filter(Boolean))].toSorted();
  const fallback = spec.defaultBackend ? await backendText(session, namespace, spec.defaultBackend) : '<default>';
  out.field(0, 'Name', metadata.name);
  out.map(0, 'Labels', metadata.labels);
  out.field(0, 'Namespace', namespace);
  out.field(0, 'Address', addresses.join(','));
  out.optional(0, 'Ingress Class', spec.ingressClassName);
  out.field(0, 'Default backend', fallback);
  if (spec.tls?.length) {
    out.line(0, 'TLS:');
    for (const { secretName, hosts = [] } of spec.tls) out.line(1, secretName ? `${secretName} terminates ${hosts.join(',')}` : `SNI routes ${hosts.join(',')}`);
  }
  out.line(0, 'Rules:');
  out.line(1, 'Host\tPath\tBackends');
  out.line(1, '----\t----\t--------');
  const rules = (spec.rules ?? []).filter(({ http }) => http);
  for (const { host, http } of rules) {
    out.line(1, `${host || '*'}\t`);
    for (const { path = '', backend } of http!.paths) out.line(2, `\t${path} \t${await backendText(session, namespace, backend)}`);
  }
  if (rules.length === 0) out.line(1, `*\t*\t${fallback}`);
  out.annotations(0, 'Annotations', metadata.annotations);
}

async function backendText(session: Session, namespace: string, { service, resource }: IngressBackend): Promise<string> {
  if (resource) return `APIGroup: ${resource.apiGroup ?? '<none>'}, Kind: ${resource.kind}, Name: ${resource.name}`;
  if (!service) return '';
  const text = `${service.name}:${service.port?.number || service.port?.name || ''}`;
  try {
    const slices = await slicesOf(session, namespace, service.name);
    const { spec } = await session.json<Service>(`/api/v1/namespaces/${namespace}/services/${service.name}`);
    const port = spec.ports?.find(({ name, port: number }) => (service.port?.number ? service.port.number === number : service.port?.name === name));
    return `${text} (${sliceAddresses(slices, port?.name ?? '')})`;
  } catch (error) {
    if (!isReason(error, 'NotFound', 'Forbidden')) throw error;
    return `${text} (<error: ${error.message}>)`;
  }
}
