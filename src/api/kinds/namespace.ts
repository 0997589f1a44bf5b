/** Upstream: pkg/registry/core/namespace/strategy.go. */
import type { KindDefinition } from '../kind.ts';
import type { Namespace } from '../generated/core-v1.ts';
import { fieldError } from '../errors.ts';
import { namespaces } from '../generated/resources.ts';
import type { FieldErrors } from '../validation/fields.ts';
import { finalizerNameErrors } from '../validation/object-meta.ts';
import { ageColumn, nameColumn, text } from './table-columns.ts';

const nameLabel = 'kubernetes.io/metadata.name';
const ownFinalizer = 'kubernetes';

export const namespace: KindDefinition<Namespace> = {
  returnsDeleted: true,
  resource: namespaces,
  defaults: (object) => withNameLabel(object.status && !object.status.phase ? { ...object, status: { ...object.status, phase: 'Active' } } : object),
  prepareForCreate(object) {
    const named = withNameLabel(object);
    const finalizers = named.spec?.finalizers ?? [];
    return { ...named, spec: { ...named.spec, finalizers: finalizers.includes(ownFinalizer) ? finalizers : [...finalizers, ownFinalizer] }, status: { phase: 'Active' } };
  },
  // Finalizers of the spec change through the finalize subresource only.
  prepareForUpdate: (next, previous) => withNameLabel({ ...next, spec: previous.spec }),
  validate: (object) => [...finalizerErrors(object)],
  heldFromDeletion: (object) => (object.spec?.finalizers?.length ?? 0) > 0,
  prepareForDelete: (object) => ({ ...object, status: { ...object.status, phase: 'Terminating' } }),
  validateStatusUpdate: (next) => [...phaseErrors(next)],
  generation: false,
  nameRule: 'label',
  selectableFields: (object) => ({ 'status.phase': object.status?.phase ?? '' }),
  columns: [nameColumn, text('Status', 'Whether the namespace is in use or being deleted.', (object) => object.status?.phase ?? ''), ageColumn],
};

/** Every namespace carries its name as a label, so that selectors can pick it. */
function withNameLabel(object: Namespace): Namespace {
  const { name, labels } = object.metadata;
  return !name || labels?.[nameLabel] === name ? object : { ...object, metadata: { ...object.metadata, labels: { ...labels, [nameLabel]: name } } };
}

function* finalizerErrors(object: Namespace): FieldErrors {
  for (const finalizer of object.spec?.finalizers ?? []) yield* finalizerNameErrors('spec.finalizers', finalizer);
}

function* phaseErrors({ metadata, status }: Namespace): FieldErrors {
  const expected = metadata.deletionTimestamp === undefined ? 'Active' : 'Terminating';
  if (status?.phase === expected) return;
  const when = expected === 'Active' ? 'empty' : 'not empty';
  yield fieldError.invalid('status.Phase', status?.phase ?? '', `may only be '${expected}' if \`deletionTimestamp\` is ${when}`);
}
