/** Upstream: pkg/registry/coordination/lease/strategy.go. */
import type { KindDefinition } from '../kind.ts';
import type { Lease } from '../generated/coordination-v1.ts';
import { leases } from '../generated/resources.ts';
import { fieldError } from '../errors.ts';
import { nonNegative, type FieldErrors } from '../validation/fields.ts';
import { ageColumn, nameColumn, text } from './table-columns.ts';

export const lease: KindDefinition<Lease> = {
  resource: leases,
  validate: (object) => [...specErrors(object.spec ?? {})],
  createOnUpdate: true,
  unconditionalUpdate: false,
  columns: [nameColumn, text('Holder', 'Who holds the lease.', (object) => object.spec?.holderIdentity ?? ''), ageColumn],
};

function* specErrors(spec: Lease['spec']): FieldErrors {
  if (spec.leaseDurationSeconds !== undefined && spec.leaseDurationSeconds <= 0) {
    yield fieldError.invalid('spec.leaseDurationSeconds', spec.leaseDurationSeconds, 'must be greater than 0');
  }
  yield* nonNegative('spec.leaseTransitions', spec.leaseTransitions);
  if (spec.preferredHolder && !spec.strategy) yield fieldError.forbidden('spec.preferredHolder', 'may only be specified if `strategy` is defined');
}
