/** Upstream: pkg/registry/storage/storageclass/strategy.go. */
import type { KindDefinition } from '../kind.ts';
import type { StorageClass } from '../generated/storage-v1.ts';
import { storageClasses } from '../generated/resources.ts';
import { fieldError } from '../errors.ts';
import { immutable, oneOf, oneOfIfAny, qualifiedName, type FieldErrors } from '../validation/fields.ts';
import { parameterErrors } from '../validation/storage-parameters.ts';
import { fill } from './fill.ts';
import { ageColumn, boolean, nameColumn, text } from './table-columns.ts';

/** Claims without a class are of the class with this annotation. */
export const defaultStorageClassAnnotation = 'storageclass.kubernetes.io/is-default-class';
const betaAnnotation = 'storageclass.beta.kubernetes.io/is-default-class';

export const isDefaultStorageClass = ({ metadata }: StorageClass): boolean =>
  metadata.annotations?.[defaultStorageClassAnnotation] === 'true' || metadata.annotations?.[betaAnnotation] === 'true';

export const storageClass: KindDefinition<StorageClass> = {
  returnsDeleted: true,
  resource: storageClasses,
  defaults: (object) => fill(object, { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' }),
  validate: (object) => [...classErrors(object)],
  validateUpdate: (next, previous) => (['parameters', 'provisioner', 'reclaimPolicy', 'volumeBindingMode'] as const).flatMap((field) => [...immutable(field, next[field], previous[field])]),
  columns: [
    { ...nameColumn, value: (object) => (isDefaultStorageClass(object as StorageClass) ? `${object.metadata.name} (default)` : object.metadata.name) },
    text('Provisioner', 'Who makes the volumes.', (object) => object.provisioner),
    text('ReclaimPolicy', 'What becomes of a volume when its claim is gone.', (object) => object.reclaimPolicy ?? 'Delete'),
    text('VolumeBindingMode', 'When a claim gets its volume.', (object) => object.volumeBindingMode ?? 'Immediate'),
    { ...boolean<StorageClass>('AllowVolumeExpansion', 'Whether volumes can grow.', (object) => object.allowVolumeExpansion ?? false), type: 'string' },
    ageColumn,
  ],
};

function* classErrors(object: StorageClass): FieldErrors {
  if (!object.provisioner) yield fieldError.required('provisioner');
  else yield* qualifiedName('provisioner', object.provisioner.toLowerCase());
  yield* parameterErrors('parameters', object.parameters ?? {});
  yield* oneOfIfAny('reclaimPolicy', object.reclaimPolicy, ['Delete', 'Retain']);
  yield* oneOf('volumeBindingMode', object.volumeBindingMode, ['Immediate', 'WaitForFirstConsumer']);
}
