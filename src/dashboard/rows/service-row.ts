import type { Service } from '../../api/generated/core-v1.ts';
import type { EndpointSlice } from '../../api/generated/discovery-v1.ts';
import { baseRow } from './base-row.ts';
import type { EndpointRow, ServiceRow } from './row.ts';

export function serviceRow(service: Service): ServiceRow {
  const { spec, status } = service;
  const given = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip ?? hostname ?? []);
  const external = [
    ...new Set([...given, ...(spec.externalIPs ?? []), ...(spec.type === 'ExternalName' && spec.externalName ? [spec.externalName] : [])]),
  ];
  return {
    ...baseRow(service),
    type: spec.type ?? 'ClusterIP',
    clusterIp: spec.clusterIP ?? '',
    external,
    pending: spec.type === 'LoadBalancer' && given.length === 0,
    ports: (spec.ports ?? []).map(({ port, nodePort, protocol = 'TCP' }) => `${port}${nodePort ? `:${nodePort}` : ''}/${protocol}`),
    selector: spec.selector ?? {},
  };
}

export function endpointRow(slice: EndpointSlice): EndpointRow {
  const points = (slice.endpoints ?? []).map(({ addresses, conditions, targetRef }) => ({
    ready: conditions?.ready !== false,
    point: { ip: addresses[0] ?? '', ...(targetRef?.kind === 'Pod' && targetRef.name && { pod: targetRef.name }) },
  }));
  return {
    ...baseRow(slice),
    service: slice.metadata.labels?.['kubernetes.io/service-name'] ?? '',
    ready: points.filter(({ ready }) => ready).map(({ point }) => point),
    notReady: points.filter(({ ready }) => !ready).map(({ point }) => point),
  };
}
