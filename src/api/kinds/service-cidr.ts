/** Upstream: pkg/registry/networking/servicecidr/strategy.go. */
import type { KindDefinition } from '../kind.ts';
import type { ServiceCIDR } from '../generated/networking-v1.ts';
import { serviceCIDRs } from '../generated/resources.ts';
import { fieldError } from '../errors.ts';
import { formatErrors, immutableMessage, type FieldErrors } from '../validation/fields.ts';
import { canonicalCidrFaults } from '../validation/formats.ts';
import { ageColumn, nameColumn, text } from './table-columns.ts';

const path = 'spec.cidrs';

export const serviceCidr: KindDefinition<ServiceCIDR> = {
  resource: serviceCIDRs,
  validateCreate: (object) => [...rangeErrors(object.spec?.cidrs ?? [])],
  validateUpdate: (next, previous) => [...updateErrors(next.spec?.cidrs ?? [], previous.spec?.cidrs ?? [])],
  generation: false,
  columns: [nameColumn, text('CIDRs', 'The ranges that services take addresses from.', (object) => (object.spec?.cidrs ?? []).join(',')), ageColumn],
};

function* rangeErrors(ranges: readonly string[]): FieldErrors {
  if (ranges.length === 0) {
    yield fieldError.required(path, 'at least one CIDR required');
    return;
  }
  if (ranges.length > 2) {
    yield fieldError.invalid(path, { CIDRs: ranges }, 'may only hold up to 2 values');
    return;
  }
  for (const [i, range] of ranges.entries()) yield* formatErrors(`${path}[${i}]`, range, canonicalCidrFaults(range));
  if (ranges.length === 2 && ranges[0]!.includes(':') === ranges[1]!.includes(':')) {
    yield fieldError.invalid(path, ranges, 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64');
  }
}

/** Ranges stay; a second family may be added. */
function* updateErrors(next: readonly string[], previous: readonly string[]): FieldErrors {
  if (next.length === previous.length || (previous.length === 1 && next.length === 2)) {
    for (const [i, range] of previous.entries()) if (range !== next[i]) yield fieldError.invalid(`${path}[${i}]`, next[i], immutableMessage);
    if (next.length > previous.length) yield* rangeErrors(next);
  } else {
    yield fieldError.invalid(path, next, immutableMessage);
  }
}
