/** Upstream: pkg/apis/core/validation ValidateService and ValidateServiceUpdate. */
import { isIP, isIPv4, isIPv6 } from '../../base/ip-family.ts';
import { fieldError } from '../errors.ts';
import type { LoadBalancerStatus, Service, ServicePort, ServiceSpec } from '../generated/core-v1.ts';
import { isDns1123Subdomain, isPortNumber } from '../names.ts';
import { dnsLabel, dnsSubdomain, formatErrors, labels, oneOf, oneOfIfAny, portNumberOrName, qualifiedName, type FieldErrors } from './fields.ts';
import { cidrFaults, endpointIpFaults, ipFaults } from './formats.ts';
import { isExternallyAccessible, isHeadless, needsHealthCheckPort } from './service-traits.ts';

export const portProtocols = ['SCTP', 'TCP', 'UDP'] as const;
const maxAffinitySeconds = 86400;
const hintsAnnotation = 'service.kubernetes.io/topology-aware-hints';
const modeAnnotation = 'service.kubernetes.io/topology-mode';

export function* serviceErrors({ metadata, spec }: Service): FieldErrors {
  const { [hintsAnnotation]: hints, [modeAnnotation]: mode } = metadata.annotations ?? {};
  if (hints !== undefined && mode !== undefined && hints !== mode) {
    yield fieldError.invalid(`metadata.annotations[${modeAnnotation}]`, mode, `must match annotations[${hintsAnnotation}] when both are specified`);
  }
  yield* typeErrors(spec);
  yield* portErrors(spec);
  yield* labels('spec.selector', spec.selector);
  yield* affinityErrors(spec);
  if (spec.type !== 'ExternalName') yield* clusterIpErrors(spec);
  for (const [i, address] of (spec.externalIPs ?? []).entries()) {
    const faults = ipFaults(address);
    yield* formatErrors(`spec.externalIPs[${i}]`, address, faults.length ? faults : endpointIpFaults(address));
  }
  yield* oneOf('spec.type', spec.type, ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']);
  yield* portUniqueness(spec);
  yield* balancerErrors(spec);
  yield* policyErrors(spec);
}

function* typeErrors(spec: ServiceSpec): FieldErrors {
  if (!spec.ports?.length && !isHeadless(spec) && spec.type !== 'ExternalName') yield fieldError.required('spec.ports');
  if ((spec.type === 'LoadBalancer' || spec.type === 'NodePort') && isHeadless(spec)) {
    yield fieldError.invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`);
  }
  if (spec.type !== 'ExternalName') return;
  for (const field of ['clusterIPs', 'ipFamilies'] as const) if (spec[field]?.length) yield fieldError.forbidden(`spec.${field}`, 'may not be set for ExternalName services');
  if (spec.ipFamilyPolicy !== undefined) yield fieldError.forbidden('spec.ipFamilyPolicy', 'may not be set for ExternalName services');
  const name = (spec.externalName ?? '').replace(/\.$/, '');
  if (name) yield* dnsSubdomain('spec.externalName', name);
  else yield fieldError.required('spec.externalName');
}

function* portErrors(spec: ServiceSpec): FieldErrors {
  const ports = spec.ports ?? [];
  const names = new Set<string>();
  for (const [i, port] of ports.entries()) {
    const path = `spec.ports[${i}]`;
    yield* portName(path, port.name, ports.length > 1, names);
    yield* formatErrors(`${path}.port`, port.port, isPortNumber(port.port));
    yield* oneOf(`${path}.protocol`, port.protocol, portProtocols);
    yield* portNumberOrName(`${path}.targetPort`, port.targetPort);
    if (port.appProtocol !== undefined) yield* qualifiedName(`${path}.appProtocol`, port.appProtocol);
  }
}

function* portName(path: string, name: string | undefined, required: boolean, names: Set<string>): FieldErrors {
  if (!name) {
    if (required) yield fieldError.required(`${path}.name`);
    return;
  }
  yield* dnsLabel(`${path}.name`, name);
  if (names.has(name)) yield fieldError.duplicate(`${path}.name`, name);
  names.add(name);
}

function* portUniqueness(spec: ServiceSpec): FieldErrors {
  const ports = spec.ports ?? [];
  if (spec.type === 'ClusterIP') {
    for (const [i, port] of ports.entries()) if (port.nodePort) yield fieldError.forbidden(`spec.ports[${i}].nodePort`, "may not be used when `type` is 'ClusterIP'");
  }
  const seen = new Set<string>();
  const isNew = (key: string): boolean => seen.size !== seen.add(key).size;
  for (const [i, port] of ports.entries()) {
    if (port.nodePort && !isNew(`node ${port.protocol} ${port.nodePort}`)) yield fieldError.duplicate(`spec.ports[${i}].nodePort`, port.nodePort);
  }
  for (const [i, { protocol, port }] of ports.entries()) if (!isNew(`${protocol} ${port}`)) yield fieldError.duplicate(`spec.ports[${i}]`, shownPort({ protocol, port } as ServicePort));
}

/** A repeated port as the message shows it, with the unset members of upstream's struct. */
const shownPort = ({ protocol, port }: ServicePort): unknown => ({ Name: '', Protocol: protocol, AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 });

function* affinityErrors(spec: ServiceSpec): FieldErrors {
  yield* oneOf('spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None']);
  if (spec.sessionAffinity === 'None' && spec.sessionAffinityConfig) yield fieldError.forbidden('spec.sessionAffinityConfig', 'must not be set when session affinity is None');
  if (spec.sessionAffinity !== 'ClientIP') return;
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (seconds === undefined) yield fieldError.required('spec.sessionAffinityConfig', 'when session affinity type is ClientIP');
  else if (seconds <= 0 || seconds > maxAffinitySeconds) {
    yield fieldError.invalid('spec.sessionAffinityConfig.clientIP.timeoutSeconds', seconds, `must be greater than 0 and less than ${maxAffinitySeconds}`);
  }
}

function* clusterIpErrors(spec: ServiceSpec): FieldErrors {
  const addresses = spec.clusterIPs ?? [];
  if (spec.clusterIP) {
    if (addresses.length === 0) yield fieldError.required('spec.clusterIPs');
    else if (addresses[0] !== spec.clusterIP) yield fieldError.invalid('spec.clusterIPs', addresses, 'first value must match `clusterIP`');
  } else if (addresses.length) {
    yield fieldError.invalid('spec.clusterIPs', addresses, 'must be empty when `clusterIP` is not specified');
  }
  for (const [i, family] of (spec.ipFamilies ?? []).entries()) {
    yield* oneOfIfAny(`spec.ipFamilies[${i}]`, family, ['IPv4', 'IPv6']);
    if (spec.ipFamilies!.indexOf(family) < i) yield fieldError.duplicate(`spec.ipFamilies[${i}]`, family);
  }
  yield* oneOfIfAny('spec.ipFamilyPolicy', spec.ipFamilyPolicy, ['PreferDualStack', 'RequireDualStack', 'SingleStack']);

  let faulty = false;
  for (const [i, address] of addresses.entries()) {
    if (i === 0 && address === 'None') {
      if (addresses.length === 1) continue;
      faulty = true;
      yield fieldError.invalid('spec.clusterIPs', addresses, "'None' must be the first and only value");
      continue;
    }
    const faults = ipFaults(address);
    faulty ||= faults.length > 0;
    yield* formatErrors(`spec.clusterIPs[${i}]`, address, faults);
  }
  if (addresses.length > 2) yield fieldError.invalid('spec.clusterIPs', addresses, 'may only hold up to 2 values');
  if (faulty) return;
  if (addresses.length > 1 && !(addresses.some(isIPv4) && addresses.some(isIPv6))) {
    yield fieldError.invalid('spec.clusterIPs', addresses, 'may specify no more than one IP for each IP family');
  }
  if (isHeadless(spec)) return;
  for (const [i, address] of addresses.entries()) {
    const family = spec.ipFamilies?.[i];
    if (family && isIP(address) && family !== `IPv${isIP(address)}`) {
      yield fieldError.invalid(`spec.clusterIPs[${i}]`, address, `expected an ${family} value as indicated by \`ipFamilies[${i}]\``);
    }
  }
}

function* balancerErrors(spec: ServiceSpec): FieldErrors {
  const isBalancer = spec.type === 'LoadBalancer';
  if (spec.loadBalancerSourceRanges?.length) {
    // The capital letter is upstream's.
    const path = 'spec.LoadBalancerSourceRanges';
    if (!isBalancer) yield fieldError.forbidden(path, "may only be used when `type` is 'LoadBalancer'");
    for (const [i, range] of spec.loadBalancerSourceRanges.entries()) yield* formatErrors(`${path}[${i}]`, range.trim(), cidrFaults(range.trim()));
  }
  if (spec.allocateLoadBalancerNodePorts !== undefined && !isBalancer) yield fieldError.forbidden('spec.allocateLoadBalancerNodePorts', "may only be used when `type` is 'LoadBalancer'");
  if (spec.allocateLoadBalancerNodePorts === undefined && isBalancer) yield fieldError.required('allocateLoadBalancerNodePorts');
  if (spec.loadBalancerClass === undefined) return;
  if (isBalancer) yield* qualifiedName('spec.loadBalancerClass', spec.loadBalancerClass);
  else yield fieldError.forbidden('spec.loadBalancerClass', "may only be used when `type` is 'LoadBalancer'");
}

function* policyErrors(spec: ServiceSpec): FieldErrors {
  if (isExternallyAccessible(spec)) yield* oneOf('spec.externalTrafficPolicy', spec.externalTrafficPolicy, ['Cluster', 'Local']);
  else if (spec.externalTrafficPolicy) {
    yield fieldError.invalid('spec.externalTrafficPolicy', spec.externalTrafficPolicy, 'may only be set for externally-accessible services');
  }
  if (!needsHealthCheckPort(spec)) {
    if (spec.healthCheckNodePort) {
      yield fieldError.invalid('spec.healthCheckNodePort', spec.healthCheckNodePort, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'");
    }
  } else if (spec.healthCheckNodePort) {
    yield* formatErrors('spec.healthCheckNodePort', spec.healthCheckNodePort, isPortNumber(spec.healthCheckNodePort));
  }
  yield* oneOfIfAny('spec.internalTrafficPolicy', spec.internalTrafficPolicy, ['Cluster', 'Local']);
  yield* oneOfIfAny('spec.trafficDistribution', spec.trafficDistribution, ['PreferClose', 'PreferSameZone', 'PreferSameNode']);
}

/** What an update may not do, besides `serviceErrors` of the new service. */
export function* serviceUpdateErrors({ spec: next }: Service, { spec: previous }: Service): FieldErrors {
  if (next.type !== 'ExternalName' && previous.type !== 'ExternalName') {
    yield* clusterIpChange(next, previous);
    yield* familyChange(next, previous);
  }
  if (next.type === 'LoadBalancer' && previous.type === 'LoadBalancer' && next.loadBalancerClass !== previous.loadBalancerClass) {
    yield fieldError.invalid('spec.loadBalancerClass', next.loadBalancerClass ?? null, 'may not change once set');
  }
  if (needsHealthCheckPort(previous) && needsHealthCheckPort(next) && next.healthCheckNodePort !== previous.healthCheckNodePort) {
    yield fieldError.forbidden('spec.healthCheckNodePort', 'field is immutable');
  }
}

function* clusterIpChange(next: ServiceSpec, previous: ServiceSpec): FieldErrors {
  if (isHeadless(next) && isHeadless(previous)) return;
  const after = next.clusterIPs ?? [];
  const before = previous.clusterIPs ?? [];
  if (after.length === before.length) {
    for (const [i, address] of before.entries()) if (address !== after[i]) yield fieldError.invalid(`spec.clusterIPs[${i}]`, after, 'may not change once set');
    return;
  }
  if (before.length > 0 && after.length > 0 && before[0] !== after[0]) yield fieldError.invalid('spec.clusterIPs[0]', after, 'may not change once set');
  if (before.length < after.length) return;
  if (after.length === 0) yield fieldError.invalid('spec.clusterIPs[0]', after, 'primary clusterIP can not be unset');
  else if (next.ipFamilyPolicy !== 'SingleStack') {
    yield fieldError.invalid('spec.ipFamilyPolicy', next.ipFamilyPolicy ?? null, "must be set to 'SingleStack' when releasing the secondary clusterIP");
  }
}

function* familyChange(next: ServiceSpec, previous: ServiceSpec): FieldErrors {
  if (isHeadless(next) && isHeadless(previous)) return;
  const after = next.ipFamilies ?? [];
  const before = previous.ipFamilies ?? [];
  if (before.length > 0 && after.length === 0) yield fieldError.invalid('spec.ipFamilies[0]', after, 'primary ipFamily can not be unset');
  else if (before.length > 0 && before[0] !== after[0]) yield fieldError.invalid('spec.ipFamilies[0]', after, 'may not change once set');
}

/** The points where a load balancer takes traffic. Upstream: ValidateLoadBalancerStatus. */
export function* loadBalancerStatusErrors(path: string, status: LoadBalancerStatus | undefined, isBalancer: boolean): FieldErrors {
  const ingress = status?.ingress ?? [];
  if (!isBalancer && ingress.length) {
    yield fieldError.forbidden(`${path}.ingress`, "may only be used when `spec.type` is 'LoadBalancer'");
    return;
  }
  for (const [i, point] of ingress.entries()) {
    const at = `${path}.ingress[${i}]`;
    if (point.ip) yield* formatErrors(`${at}.ip`, point.ip, ipFaults(point.ip));
    if (point.ipMode === undefined) {
      if (point.ip) yield fieldError.required(`${at}.ipMode`, 'must be specified when `ip` is set');
    } else if (!point.ip) {
      yield fieldError.forbidden(`${at}.ipMode`, 'may not be specified when `ip` is not set');
    } else {
      yield* oneOfIfAny(`${at}.ipMode`, point.ipMode, ['Proxy', 'VIP']);
    }
    if (!point.hostname) continue;
    yield* formatErrors(`${at}.hostname`, point.hostname, isDns1123Subdomain(point.hostname));
    if (isIP(point.hostname)) yield fieldError.invalid(`${at}.hostname`, point.hostname, 'must be a DNS name, not an IP address');
  }
}
