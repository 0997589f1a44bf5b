/** What a pod asks for as a whole: amounts and claims on devices. Upstream: validatePodResources, validatePodResourceClaims. */
import { fieldError } from '../../errors.ts';
import type { PodResourceClaim, PodSpec } from '../../generated/core-v1.ts';
import { containerTotals } from '../../pod/resources.ts';
import { compareQuantities } from '../../quantity.ts';
import { dnsLabel, dnsSubdomain, type FieldErrors } from '../fields.ts';
import { isHugePages, requirementErrors } from '../resources.ts';

export function* podResourceErrors(path: string, spec: PodSpec): FieldErrors {
  if (!spec.resources) return;
  const at = `${path}.resources`;
  if (spec.os?.name === 'windows') {
    yield fieldError.forbidden(at, 'may not be set for a windows pod');
    return;
  }
  if (spec.resources.claims) yield fieldError.forbidden(`${at}.claims`, 'claims may not be set for Resources at pod-level');
  yield* requirementErrors(at, spec.resources, true);
  const { requests = {}, limits = {} } = spec.resources;
  for (const [name, amount] of Object.entries(containerTotals(spec, 'requests'))) {
    if (name in requests && compareQuantities(amount, requests[name]) > 0) {
      yield fieldError.invalid(`${at}.requests[${name}]`, requests[name], `must be greater than or equal to aggregate container requests of ${amount}`);
    }
  }
  for (const [name, amount] of Object.entries(containerTotals(spec, 'limits'))) {
    if (isHugePages(name) && name in limits && compareQuantities(amount, limits[name]) > 0) {
      yield fieldError.invalid(`${at}.limits[${name}]`, limits[name], `must be greater than or equal to aggregate container limits of ${amount}`);
    }
  }
  for (const [i, container] of spec.containers.entries()) {
    for (const [name, amount] of Object.entries(container.resources?.limits ?? {})) {
      if (name in limits && compareQuantities(amount, limits[name]) > 0) {
        yield fieldError.invalid(`${at}.containers[${i}][${name}].limits`, amount, `must be less than or equal to pod limits of ${limits[name]}`);
      }
    }
  }
}

export function* resourceClaimErrors(path: string, claims: readonly PodResourceClaim[]): FieldErrors {
  const names = new Set<string>();
  for (const [i, claim] of claims.entries()) {
    const at = `${path}[${i}]`;
    const { name, resourceClaimName, resourceClaimTemplateName } = claim;
    if (!name) yield fieldError.required(`${at}.name`);
    else if (names.has(name)) yield fieldError.duplicate(`${at}.name`, name);
    else yield* dnsLabel(`${at}.name`, name);
    names.add(name);
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined) {
      yield fieldError.invalid(at, claim, 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified');
    }
    if (resourceClaimName === undefined && resourceClaimTemplateName === undefined) {
      yield fieldError.invalid(at, claim, 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`');
    }
    if (resourceClaimName !== undefined) yield* dnsSubdomain(`${at}.resourceClaimName`, resourceClaimName);
    if (resourceClaimTemplateName !== undefined) yield* dnsSubdomain(`${at}.resourceClaimTemplateName`, resourceClaimTemplateName);
  }
}
