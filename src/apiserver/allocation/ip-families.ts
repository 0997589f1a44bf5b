import { fieldError, invalid, type FieldError } from '../../api/errors.ts';
import type { Service, ServiceSpec } from '../../api/generated/core-v1.ts';

/**
 * Which families of addresses a service has, on a cluster that has IPv4 alone. Throws 422 where it asks for what there is not.
 * Upstream: initIPFamilyFields of pkg/registry/core/service/storage/alloc.go.
 */
export function ownFamilies(service: Service, spec: ServiceSpec, previous: ServiceSpec | undefined): ServiceSpec {
  if (spec.type === 'ExternalName') return spec;
  const headless = spec.clusterIP === 'None' && Object.keys(spec.selector ?? {}).length === 0;
  const policy = spec.ipFamilyPolicy ?? previous?.ipFamilyPolicy ?? (headless ? 'RequireDualStack' : 'SingleStack');
  const asked = spec.ipFamilies ?? [];
  const errors: FieldError[] = [];
  if (policy === 'SingleStack') {
    if ((spec.clusterIPs?.length ?? 0) === 2) errors.push(fieldError.invalid('spec.ipFamilyPolicy', policy, "must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified"));
    if (asked.length === 2) errors.push(fieldError.invalid('spec.ipFamilyPolicy', policy, "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified"));
  }
  if (headless) {
    if (errors.length) throw invalid({ group: '', kind: 'Service' }, service.metadata.name, errors);
    // Nobody gives out an address here: its endpoints may be of any family.
    const first = asked[0] ?? 'IPv4';
    const families = asked.length === 2 ? asked : policy === 'SingleStack' ? [first] : [first, first === 'IPv4' ? 'IPv6' : 'IPv4'];
    return withFamilies(spec, policy, families);
  }
  if (policy === 'RequireDualStack') errors.push(fieldError.invalid('spec.ipFamilyPolicy', policy, 'this cluster is not configured for dual-stack services'));
  asked.forEach((family, i) => {
    if (family === 'IPv6') errors.push(fieldError.invalid(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster'));
  });
  if (errors.length) throw invalid({ group: '', kind: 'Service' }, service.metadata.name, errors);
  return withFamilies(spec, policy, asked.length ? asked : ['IPv4']);
}

function withFamilies(spec: ServiceSpec, ipFamilyPolicy: string, ipFamilies: readonly string[]): ServiceSpec {
  const same = spec.ipFamilyPolicy === ipFamilyPolicy && spec.ipFamilies?.join() === ipFamilies.join();
  return same ? spec : { ...spec, ipFamilyPolicy, ipFamilies };
}
