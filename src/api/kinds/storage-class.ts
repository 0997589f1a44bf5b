/** Upstream: pkg/registry/storage/storageclass/strategy.go. */
import type { KindDefinition } from '../kind.ts';
import type { TopologySelectorTerm } from '../generated/core-v1.ts';
import type { StorageClass } from '../generated/storage-v1.ts';
import { storageClasses } from '../generated/resources.ts';
import { fieldError } from '../errors.ts';
import { immutable, oneOf, oneOfIfAny, qualifiedName, type FieldErrors } from '../validation/fields.ts';
import { parameterErrors } from '../validation/storage-parameters.ts';
import { fillAbsent } from './fill.ts';
import { ageColumn, boolean, nameColumn, text } from './table-columns.ts';

/** Claims without a class are of the class with this annotation. */
export const defaultStorageClassAnnotation = 'storageclass.kubernetes.io/is-default-class';
const betaAnnotation = 'storageclass.beta.kubernetes.io/is-default-class';

export const isDefaultStorageClass = ({ metadata }: StorageClass): boolean =>
  metadata.annotations?.[defaultStorageClassAnnotation] === 'true' || metadata.annotations?.[betaAnnotation] === 'true';

export const storageClass: KindDefinition<StorageClass> = {
  returnsDeleted: true,
  resource: storageClasses,
  defaults: (object) => fillAbsent(object, { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' }),
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
  yield* topologyErrors('allowedTopologies', object.allowedTopologies ?? []);
}

/** Where volumes may be made: labels, each once a term, with values, each once. Upstream: validateAllowedTopologies. */
function* topologyErrors(path: string, terms: readonly TopologySelectorTerm[]): FieldErrors {
  // An empty term counts as one that was there before.
  const seen = new Set(['[]']);
  for (const [i, { matchLabelExpressions = [] }] of terms.entries()) {
    const keys = new Set<string>();
    for (const [j, { key = '', values = [] }] of matchLabelExpressions.entries()) {
      const at = `${path}[${i}].matchLabelExpressions[${j}]`;
      if (values.length === 0) yield fieldError.required(`${at}.values`);
      for (const [k, value] of values.entries()) if (values.indexOf(value) < k) yield fieldError.duplicate(`${at}.values[${k}]`, value);
      yield* qualifiedName(`${at}.key`, key);
      if (keys.has(key)) yield fieldError.duplicate(`${at}.key`, key);
      keys.add(key);
    }
    const term = JSON.stringify([...new Map(matchLabelExpressions.map(({ key = '', values = [] }) => [key, values.toSorted()]))].toSorted());
    if (seen.has(term)) yield fieldError.duplicate(`${path}[${i}].matchLabelExpressions`, '');
    seen.add(term);
  }
}
