/** Upstream: pkg/registry/core/service/strategy.go and storage/storage.go; the allocation of addresses and ports is not here. */
import type { KindDefinition } from '../kind.ts';
import type { Service, ServicePort, ServiceSpec } from '../generated/core-v1.ts';
import { services } from '../generated/resources.ts';
import { loadBalancerStatusErrors, serviceErrors, serviceUpdateErrors } from '../validation/service.ts';
import { ipFaults, ipWarnings } from '../validation/formats.ts';
import { isSame } from '../validation/same.ts';
import { isExternallyAccessible, isHeadless, needsClusterIp, needsHealthCheckPort, needsNodePort } from '../validation/service-traits.ts';
import { formatLabels } from '../selector.ts';
import { fill, fillAbsent, mapItems, mapMember, without } from './fill.ts';
import { ageColumn, nameColumn, text, wide } from './table-columns.ts';

export const service: KindDefinition<Service> = {
  returnsDeleted: true,
  resource: services,
  defaults(object) {
    const next = mapMember(object, 'spec', defaultSpec);
    if (next.spec?.type !== 'LoadBalancer') return next;
    return mapMember(next, 'status', (status) => mapMember(status, 'loadBalancer', (balancer) => mapMember(balancer, 'ingress', (ingress) =>
      mapItems(ingress, (point) => (point.ip ? fill(point, { ipMode: 'VIP' }) : point)))));
  },
  prepareForCreate: (object) => ({ ...object, spec: withClusterIps(object.spec), status: { loadBalancer: {} } }),
  prepareForUpdate(next, previous) {
    const spec = keepAllocated(withoutUnused(followClusterIp(next.spec, previous.spec), previous.spec), previous.spec);
    return { ...next, spec, ...(spec.type !== 'LoadBalancer' && { status: { ...next.status, loadBalancer: {} } }) };
  },
  validate: (object) => [...serviceErrors(object)],
  validateUpdate: (next, previous) => [...serviceUpdateErrors(next, previous)],
  validateStatusUpdate: (next) => [...loadBalancerStatusErrors('status.loadBalancer', next.status?.loadBalancer, next.spec.type === 'LoadBalancer')],
  warnings: serviceWarnings,
  generation: false,
  createOnUpdate: true,
  nameRule: 'label',
  selectableFields: ({ spec }) => ({ 'spec.clusterIP': spec.clusterIP ?? '', 'spec.type': spec.type ?? '' }),
  columns: [
    nameColumn,
    text('Type', 'How the service is exposed.', ({ spec }) => spec.type ?? ''),
    text('Cluster-IP', 'The address of the service inside the cluster.', ({ spec }) => spec.clusterIPs?.[0] ?? '<none>'),
    text('External-IP', 'The addresses that traffic from outside comes to.', externalIp),
    text('Port(s)', 'The ports of the service, with their node ports.', ({ spec }) => (spec.ports ?? []).map(portText).join(',') || '<none>'),
    ageColumn,
    wide(text('Selector', 'The labels of its pods.', ({ spec }) => formatLabels(spec.selector))),
  ],
};

const portText = ({ port, nodePort, protocol }: ServicePort): string => (nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`);

function externalIp({ spec, status }: Service): string {
  const external = spec.externalIPs ?? [];
  switch (spec.type) {
    case 'ClusterIP':
    case 'NodePort':
      return external.join(',') || '<none>';
    case 'LoadBalancer': {
      const points = (status?.loadBalancer?.ingress ?? []).map((point) => point.ip || point.hostname).filter((point) => point !== undefined && point !== '');
      return [...[...new Set(points)].sort(), ...external].join(',') || '<pending>';
    }
    case 'ExternalName':
      return spec.externalName ?? '';
    default:
      return '<unknown>';
  }
}

function defaultSpec(spec: ServiceSpec): ServiceSpec {
  let next = fill(spec, { sessionAffinity: 'None', type: 'ClusterIP' });
  if (next.sessionAffinity === 'None') next = without(next, 'sessionAffinityConfig');
  if (next.sessionAffinity === 'ClientIP' && next.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined) {
    next = { ...next, sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } } };
  }
  next = mapMember(next, 'ports', (ports) => mapItems(ports, (port) => fill(port, { protocol: 'TCP', targetPort: port.targetPort || port.port })));
  next = mapMember(next, 'ports', (ports) => mapItems(ports, (port) => (port.targetPort === 0 ? { ...port, targetPort: port.port } : port)));
  if (isExternallyAccessible(next)) next = fill(next, { externalTrafficPolicy: 'Cluster' });
  if (next.type !== 'ExternalName') next = fillAbsent(next, { internalTrafficPolicy: 'Cluster' });
  return next.type === 'LoadBalancer' ? fill(next, { allocateLoadBalancerNodePorts: true }) : next;
}

/** Who gives `clusterIP` alone, as clients of old do, means `clusterIPs` too. */
function withClusterIps(spec: ServiceSpec): ServiceSpec {
  return spec.clusterIP && !spec.clusterIPs?.length ? { ...spec, clusterIPs: [spec.clusterIP] } : spec;
}

/** Upstream: normalizeClusterIPs of an update. */
function followClusterIp(next: ServiceSpec, previous: ServiceSpec): ServiceSpec {
  const before = previous.clusterIP ?? '';
  const after = next.clusterIP ?? '';
  if (before === after) return previous.clusterIPs?.length && !next.clusterIPs?.length ? { ...next, clusterIPs: previous.clusterIPs } : next;
  // A change of the one, with the other left as it was, changes both.
  if (next.clusterIPs?.length && !isSame(previous.clusterIPs, next.clusterIPs)) return next;
  return after ? { ...next, clusterIPs: [after] } : without(next, 'clusterIPs');
}

/** A change of type drops what the new type has no use for, unless the writer gave it a new value. Upstream: dropTypeDependentFields. */
function withoutUnused(next: ServiceSpec, previous: ServiceSpec): ServiceSpec {
  let spec = next;
  const same = (...fields: readonly (keyof ServiceSpec)[]): boolean => fields.every((field) => isSame(next[field], previous[field]));
  if (needsClusterIp(previous) && !needsClusterIp(next)) {
    if (same('clusterIP', 'clusterIPs')) spec = without(spec, 'clusterIP', 'clusterIPs');
    if (same('ipFamilies')) spec = without(spec, 'ipFamilies');
    if (same('ipFamilyPolicy')) spec = without(spec, 'ipFamilyPolicy');
  }
  if (needsNodePort(previous) && !needsNodePort(next)) {
    const before = nodePorts(previous);
    if ([...nodePorts(next)].every((port) => before.has(port))) spec = mapMember(spec, 'ports', (ports) => mapItems(ports, (port) => without(port, 'nodePort')));
  }
  if (needsHealthCheckPort(previous) && !needsHealthCheckPort(next) && same('healthCheckNodePort')) spec = without(spec, 'healthCheckNodePort');
  if (previous.type === 'LoadBalancer' && next.type !== 'LoadBalancer') {
    if (next.allocateLoadBalancerNodePorts !== undefined && same('allocateLoadBalancerNodePorts')) spec = without(spec, 'allocateLoadBalancerNodePorts');
    if (same('loadBalancerClass')) spec = without(spec, 'loadBalancerClass');
  }
  if (isExternallyAccessible(previous) && !isExternallyAccessible(next) && same('externalTrafficPolicy')) spec = without(spec, 'externalTrafficPolicy');
  return spec;
}

const nodePorts = (spec: ServiceSpec): Set<number> => new Set((spec.ports ?? []).map((port) => port.nodePort ?? 0).filter((port) => port !== 0));

/** Who writes a service again without the values that were allocated for it keeps them. Upstream: patchAllocatedValues. */
function keepAllocated(next: ServiceSpec, previous: ServiceSpec): ServiceSpec {
  let spec = next;
  if (needsClusterIp(previous) && needsClusterIp(spec)) {
    spec = fill(spec, { ...(previous.clusterIP && { clusterIP: previous.clusterIP }) });
    if (!spec.clusterIPs?.length && previous.clusterIPs?.length && spec.clusterIP === previous.clusterIP) spec = { ...spec, clusterIPs: previous.clusterIPs };
  }
  if (needsNodePort(previous) && needsNodePort(spec)) {
    const after = nodePorts(spec);
    const kept = new Map((previous.ports ?? []).map((port) => [port.name ?? '', port.nodePort ?? 0]));
    spec = mapMember(spec, 'ports', (ports) => mapItems(ports, (port) => {
      const nodePort = kept.get(port.name ?? '') ?? 0;
      return port.nodePort || nodePort === 0 || after.has(nodePort) ? port : { ...port, nodePort };
    }));
  }
  if (needsHealthCheckPort(previous) && needsHealthCheckPort(spec) && !spec.healthCheckNodePort && previous.healthCheckNodePort) {
    spec = { ...spec, healthCheckNodePort: previous.healthCheckNodePort };
  }
  return spec;
}

function serviceWarnings({ metadata, spec }: Service): readonly string[] {
  const warnings: string[] = [];
  if (metadata.annotations?.['service.kubernetes.io/topology-aware-hints'] !== undefined) {
    warnings.push('annotation service.kubernetes.io/topology-aware-hints is deprecated, please use service.kubernetes.io/topology-mode instead');
  }
  const addresses = (path: string, values: readonly string[]): void => values.forEach((value, i) => warnings.push(...ipWarnings(`${path}[${i}]`, value)));
  if (spec.clusterIP && spec.clusterIP !== 'None') addresses('spec.clusterIPs', spec.clusterIPs ?? []);
  if (isHeadless(spec)) {
    if (spec.loadBalancerIP) warnings.push('spec.loadBalancerIP is ignored for headless services');
    if (spec.externalIPs?.length) warnings.push('spec.externalIPs is ignored for headless services');
    if (spec.sessionAffinity !== 'None') warnings.push('spec.SessionAffinity is ignored for headless services');
  }
  addresses('spec.externalIPs', spec.externalIPs ?? []);
  if (spec.externalIPs?.length && !isHeadless(spec) && spec.type !== 'ExternalName') {
    warnings.push('spec.externalIPs is deprecated and may no longer be implemented in some clusters');
  }
  if (spec.loadBalancerIP && ipFaults(spec.loadBalancerIP).length === 0) warnings.push(...ipWarnings('spec.loadBalancerIP', spec.loadBalancerIP));
  if (spec.type === 'ExternalName' && spec.externalIPs?.length) warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  if (spec.type !== 'ExternalName' && spec.externalName) warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  if (spec.trafficDistribution === 'PreferClose') warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"');
  return warnings;
}
