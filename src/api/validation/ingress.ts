/** Upstream: pkg/apis/networking/validation, of ingresses. */
import { isIP } from '../../base/ip-family.ts';
import { fieldError } from '../errors.ts';
import type { HTTPIngressPath, IngressBackend, IngressLoadBalancerIngress, IngressSpec } from '../generated/networking-v1.ts';
import { isDns1123Label, isDns1123Subdomain, isPathSegmentName, isPortName, isPortNumber, isWildcardDns1123Subdomain } from '../names.ts';
import { dnsSubdomain, formatErrors, type FieldErrors } from './fields.ts';
import { ipFaults } from './formats.ts';

export function* ingressErrors(path: string, spec: IngressSpec): FieldErrors {
  if (!spec.rules?.length && !spec.defaultBackend) yield fieldError.invalid(path, spec.rules ?? null, 'either `defaultBackend` or `rules` must be specified');
  if (spec.defaultBackend) yield* backendErrors(`${path}.defaultBackend`, spec.defaultBackend);
  for (const [i, rule] of (spec.rules ?? []).entries()) {
    const at = `${path}.rules[${i}]`;
    if (rule.host) yield* hostErrors(`${at}.host`, rule.host);
    if (!rule.http) continue;
    if (!rule.http.paths?.length) yield fieldError.required(`${at}.http.paths`);
    for (const [j, one] of (rule.http.paths ?? []).entries()) yield* pathErrors(`${at}.http.paths[${j}]`, one);
  }
  for (const [i, { hosts = [], secretName }] of (spec.tls ?? []).entries()) {
    for (const [j, host] of hosts.entries()) yield* formatErrors(`${path}.tls[${i}].hosts[${j}]`, host, hostFaults(host));
    if (secretName) yield* dnsSubdomain(`${path}.tls[${i}].secretName`, secretName);
  }
  if (spec.ingressClassName !== undefined) yield* dnsSubdomain(`${path}.ingressClassName`, spec.ingressClassName);
}

const hostFaults = (host: string): readonly string[] => (host.includes('*') ? isWildcardDns1123Subdomain(host) : isDns1123Subdomain(host));

function* hostErrors(path: string, host: string): FieldErrors {
  if (isIP(host)) yield fieldError.invalid(path, host, 'must be a DNS name, not an IP address');
  yield* formatErrors(path, host, hostFaults(host));
}

const badSequences = ['//', '/./', '/../', '%2f', '%2F'];
const badSuffixes = ['/..', '/.'];

function* pathErrors(at: string, { path = '', pathType, backend }: HTTPIngressPath): FieldErrors {
  if (pathType === undefined) {
    yield fieldError.required(`${at}.pathType`, 'pathType must be specified');
    return;
  }
  const relative = fieldError.invalid(`${at}.path`, path, 'must be an absolute path');
  if (pathType === 'Exact' || pathType === 'Prefix') {
    if (!path.startsWith('/')) yield relative;
    for (const sequence of badSequences) if (path.includes(sequence)) yield fieldError.invalid(`${at}.path`, path, `must not contain '${sequence}'`);
    for (const suffix of badSuffixes) if (path.endsWith(suffix)) yield fieldError.invalid(`${at}.path`, path, `cannot end with '${suffix}'`);
  } else if (pathType === 'ImplementationSpecific') {
    if (path && !path.startsWith('/')) yield relative;
  } else {
    yield fieldError.notSupported(`${at}.pathType`, pathType, ['Exact', 'ImplementationSpecific', 'Prefix']);
  }
  yield* backendErrors(`${at}.backend`, backend ?? {});
}

function* backendErrors(path: string, { resource, service }: IngressBackend): FieldErrors {
  if (resource && service) {
    yield fieldError.invalid(path, '', 'cannot set both resource and service backends');
  } else if (resource) {
    if (resource.apiGroup !== undefined) yield* dnsSubdomain(`${path}.resource.apiGroup`, resource.apiGroup);
    for (const field of ['kind', 'name'] as const) {
      if (!resource[field]) yield fieldError.required(`${path}.resource.${field}`);
      else yield* formatErrors(`${path}.resource.${field}`, resource[field], isPathSegmentName(resource[field]));
    }
  } else if (service) {
    if (!service.name) yield fieldError.required(`${path}.service.name`);
    else yield* formatErrors(`${path}.service.name`, service.name, isDns1123Label(service.name));
    const { name, number } = service.port ?? {};
    if (name && number) yield fieldError.invalid(path, '', 'cannot set both port name & port number');
    else if (name) yield* formatErrors(`${path}.service.port.name`, name, isPortName(name));
    else if (number) yield* formatErrors(`${path}.service.port.number`, number, isPortNumber(number));
    else yield fieldError.required(path, 'port name or number is required');
  } else {
    yield fieldError.invalid(path, '', 'resource or service backend is required');
  }
}

export function* loadBalancerIngressErrors(path: string, points: readonly IngressLoadBalancerIngress[]): FieldErrors {
  for (const [i, { ip, hostname }] of points.entries()) {
    if (ip) yield* formatErrors(`${path}[${i}].ip`, ip, ipFaults(ip));
    if (!hostname) continue;
    yield* dnsSubdomain(`${path}[${i}].hostname`, hostname);
    if (isIP(hostname)) yield fieldError.invalid(`${path}[${i}].hostname`, hostname, 'must be a DNS name, not an IP address');
  }
}
