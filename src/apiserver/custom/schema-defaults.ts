import { fieldError, type FieldError } from '../../api/errors.ts';
import { EMBEDDED_FIELDS, type JsonSchema } from './json-schema.ts';
import { listErrors } from './list-invariants.ts';
import { prune } from './prune.ts';
import { validateValue } from './validate-value.ts';
import { ruleErrors } from './validation-rules.ts';

/**
 * The defaults in a schema that the schema itself would refuse. Those within additionalProperties are never used.
 * Upstream: apiextensions-apiserver pkg/apiserver/schema/defaulting.ValidateDefaults.
 */
export function* defaultErrors(schema: JsonSchema, path: string): Generator<FieldError, void, undefined> {
  const { default: value, items, properties = {} } = schema;
  if (value !== undefined && value !== null) {
    const at = `${path}.default`;
    const unknown: string[] = [];
    prune(value, schema, unknown, '', schema['x-kubernetes-embedded-resource'] ? EMBEDDED_FIELDS : []);
    if (unknown.length > 0) yield fieldError.invalid(at, value, 'must not have unknown fields');
    const errors = [...validateValue(value, schema, ''), ...listErrors(value, schema, '')].map((error) => ({ ...error, field: error.field ? `${at}.${error.field}` : at }));
    yield* errors.length > 0 ? errors : ruleErrors(value, schema, at, undefined);
  }
  if (items) yield* defaultErrors(items, `${path}.items`);
  for (const [name, property] of Object.entries(properties)) yield* defaultErrors(property, `${path}.properties[${name}]`);
}
