import { isIPv6 } from '../../base/ip-family.ts';
import { fieldError, invalid, type FieldError } from '../../api/errors.ts';
import type { Service, ServiceSpec } from '../../api/generated/core-v1.ts';

export type IpFamily = 'IPv4' | 'IPv6';

/**
 * Which families of addresses a service has, on a cluster that has `available` ones. Throws 422 where it asks for what there is not.
 * Upstream: initIPFamilyFields of pkg/registry/core/service/storage/alloc.go.
 */
export function ownFamilies(service: Service, given: ServiceSpec, previous: ServiceSpec | undefined, available: readonly IpFamily[] = ['IPv4']): ServiceSpec {
  if (given.type === 'ExternalName') return given;
  const spec = released(given, previous);
  const headless = spec.clusterIP === 'None' && Object.keys(spec.selector ?? {}).length === 0;
  const policy = spec.ipFamilyPolicy ?? previous?.ipFamilyPolicy ?? (headless ? 'RequireDualStack' : 'SingleStack');
  const asked = spec.ipFamilies ?? [];
  const errors: FieldError[] = [];
  if (policy === 'SingleStack') {
    if ((spec.clusterIPs?.length ?? 0) === 2) errors.push(fieldError.invalid('spec.ipFamilyPolicy', policy, "must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified"));
    if (asked.length === 2) errors.push(fieldError.invalid('spec.ipFamilyPolicy', policy, "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified"));
  }
  /** What addresses were asked for say of their families. */
  const told = asked.length > 0 ? asked : (spec.clusterIPs ?? []).filter((address) => address && address !== 'None').map((address) => (isIPv6(address) ? 'IPv6' : 'IPv4'));
  if (headless) {
    if (errors.length) throw invalid({ group: '', kind: 'Service' }, service.metadata.name, errors);
    // Nobody gives out an address here: its endpoints may be of any family.
    return withFamilies(spec, policy, policy === 'SingleStack' ? [asked[0] ?? 'IPv4'] : bothFrom(asked));
  }
  if (policy === 'RequireDualStack' && available.length < 2) errors.push(fieldError.invalid('spec.ipFamilyPolicy', policy, 'this cluster is not configured for dual-stack services'));
  asked.forEach((family, i) => {
    if (!(available as readonly string[]).includes(family)) errors.push(fieldError.invalid(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster'));
  });
  if (errors.length) throw invalid({ group: '', kind: 'Service' }, service.metadata.name, errors);
  const possible = told.filter((family) => (available as readonly string[]).includes(family));
  const families = policy === 'SingleStack' || available.length < 2 ? (possible.length > 0 ? possible : ['IPv4']) : bothFrom(possible);
  return withFamilies(spec, policy, families);
}

/** Who goes from two families to one by the policy alone gives up the second. Upstream: trimFieldsForDualStackDowngrade. */
function released(spec: ServiceSpec, previous: ServiceSpec | undefined): ServiceSpec {
  const goesBack = spec.ipFamilyPolicy === 'SingleStack' && previous?.ipFamilyPolicy !== undefined && previous.ipFamilyPolicy !== 'SingleStack';
  if (!goesBack) return spec;
  const first = (now: readonly string[] | undefined, before: readonly string[] | undefined): readonly string[] | undefined => (now?.length === 2 && now.join() === before?.join() ? now.slice(0, 1) : now);
  const [clusterIPs, ipFamilies] = [first(spec.clusterIPs, previous.clusterIPs), first(spec.ipFamilies, previous.ipFamilies)];
  return { ...spec, ...(clusterIPs && { clusterIPs }), ...(ipFamilies && { ipFamilies }) };
}

function bothFrom(asked: readonly string[]): readonly string[] {
  if (asked.length === 2) return asked;
  const first = asked[0] ?? 'IPv4';
  return [first, first === 'IPv4' ? 'IPv6' : 'IPv4'];
}

function withFamilies(spec: ServiceSpec, ipFamilyPolicy: string, ipFamilies: readonly string[]): ServiceSpec {
  const same = spec.ipFamilyPolicy === ipFamilyPolicy && spec.ipFamilies?.join() === ipFamilies.join();
  return same ? spec : { ...spec, ipFamilyPolicy, ipFamilies };
}
