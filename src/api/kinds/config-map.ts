/** Upstream: pkg/registry/core/configmap/strategy.go. */
import type { KindDefinition } from '../kind.ts';
import type { ConfigMap } from '../generated/core-v1.ts';
import { configMaps } from '../generated/resources.ts';
import { fieldError } from '../errors.ts';
import { isConfigMapKey } from '../names.ts';
import { base64Length, maxDataBytes } from '../validation/data-size.ts';
import { formatErrors, type FieldErrors } from '../validation/fields.ts';
import { isSame } from '../validation/same.ts';
import { ageColumn, count, nameColumn } from './table-columns.ts';

export const configMap: KindDefinition<ConfigMap> = {
  resource: configMaps,
  validate: (object) => [...dataErrors(object)],
  validateUpdate: (next, previous) => [...immutableErrors(next, previous)],
  columns: [
    nameColumn,
    count('Data', 'How many entries it has.', (object) => Object.keys(object.data ?? {}).length + Object.keys(object.binaryData ?? {}).length),
    ageColumn,
  ],
};

function* dataErrors({ data = {}, binaryData = {} }: ConfigMap): FieldErrors {
  let size = 0;
  for (const [key, value] of Object.entries(data)) {
    yield* formatErrors(`data[${key}]`, key, isConfigMapKey(key));
    if (key in binaryData) yield fieldError.invalid(`data[${key}]`, key, 'duplicate of key present in binaryData');
    size += Buffer.byteLength(value);
  }
  for (const [key, value] of Object.entries(binaryData)) {
    yield* formatErrors(`binaryData[${key}]`, key, isConfigMapKey(key));
    size += base64Length(value);
  }
  // The empty path says that the fault is of the object as a whole.
  if (size > maxDataBytes) yield fieldError.tooLong('', maxDataBytes);
}

function* immutableErrors(next: ConfigMap, previous: ConfigMap): FieldErrors {
  if (!previous.immutable) return;
  if (!next.immutable) yield fieldError.forbidden('immutable', 'field is immutable when `immutable` is set');
  for (const field of ['data', 'binaryData'] as const) {
    if (!isSame(next[field], previous[field])) yield fieldError.forbidden(field, 'field is immutable when `immutable` is set');
  }
}
