/** Upstream: pkg/registry/storage/volumeattributesclass/strategy.go. */
import type { KindDefinition } from '../kind.ts';
import type { VolumeAttributesClass } from '../generated/storage-v1.ts';
import { volumeAttributesClasses } from '../generated/resources.ts';
import { fieldError } from '../errors.ts';
import { qualifiedName, type FieldErrors } from '../validation/fields.ts';
import { isSame } from '../validation/same.ts';
import { parameterErrors } from '../validation/storage-parameters.ts';
import { ageColumn, nameColumn, text } from './table-columns.ts';

export const volumeAttributesClass: KindDefinition<VolumeAttributesClass> = {
  returnsDeleted: true,
  resource: volumeAttributesClasses,
  validate: (object) => [...classErrors(object)],
  validateUpdate: (next, previous) =>
    (['driverName', 'parameters'] as const).flatMap((field) => (isSame(next[field], previous[field]) ? [] : [fieldError.forbidden(field, `updates to ${field} are forbidden.`)])),
  columns: [nameColumn, text('DriverName', 'The CSI driver of the class.', (object) => object.driverName), ageColumn],
};

function* classErrors({ driverName, parameters = {} }: VolumeAttributesClass): FieldErrors {
  if (!driverName) yield fieldError.required('driverName');
  else yield* qualifiedName('driverName', driverName.toLowerCase());
  yield* parameterErrors('parameters', parameters);
  if (Object.keys(parameters).length === 0) yield fieldError.required('parameters', 'must contain at least one key/value pair');
}
