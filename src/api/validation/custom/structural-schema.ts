/** Upstream: apiextensions-apiserver pkg/apiserver/schema validation.go and complete.go. */
import { RE2JS } from 're2js';
import { fieldError, type FieldError } from '../../errors.ts';
import type { FieldErrors } from '../fields.ts';
import { isSame } from '../same.ts';
import { additionalOf, itemsOf, saysNothing, type SchemaNode } from './schema-node.ts';

type Level = 'root' | 'item' | 'field';

const eitherIntOrString: readonly SchemaNode[] = [{ type: 'integer' }, { type: 'string' }];

/**
 * What keeps a schema from being structural: each field must be specified with its type outside of allOf, anyOf, oneOf and not, which may
 * only narrow what the fields hold. Sorted by text, as upstream does.
 */
export function structuralErrors(path: string, schema: SchemaNode): readonly FieldError[] {
  const text = ({ field, message }: FieldError): string => `${field}: ${message}`;
  return [...nodeErrors(path, schema, 'root'), ...incompleteErrors(schema, schema, path, path)].sort((a, b) => (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0));
}

function* nodeErrors(path: string, schema: SchemaNode, level: Level): FieldErrors {
  const items = itemsOf(schema);
  const additional = additionalOf(schema);
  if (schema.type === 'array' && !items) yield fieldError.required(`${path}.items`, 'must be specified');
  if (items) yield* nodeErrors(`${path}.items`, items, 'item');
  for (const [name, property] of Object.entries(schema.properties ?? {})) yield* nodeErrors(`${path}.properties[${name}]`, property, 'field');
  if (schema.additionalProperties !== undefined && level === 'root') yield fieldError.forbidden(`${path}.additionalProperties`, 'must not be used at the root');
  if (additional) yield* nodeErrors(`${path}.additionalProperties`, additional, 'field');
  if (schema['x-kubernetes-int-or-string']) {
    for (const field of ['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'] as const) {
      if (schema[field]) yield fieldError.invalid(`${path}.${field}`, true, 'must be false if x-kubernetes-int-or-string is true');
    }
  }
  yield* narrowingErrors(path, schema, level, isSame(schema.anyOf, eitherIntOrString), isSame(schema.allOf?.[0]?.anyOf, eitherIntOrString));
  yield* typeErrors(path, schema, level);
  yield* metaErrors(path, schema, level);
}

function* typeErrors(path: string, schema: SchemaNode, level: Level): FieldErrors {
  const { type } = schema;
  const embedded = schema['x-kubernetes-embedded-resource'];
  const at = `${path}.type`;
  if (embedded && type !== 'object') {
    const detail = 'must be object if x-kubernetes-embedded-resource is true';
    yield type ? fieldError.invalid(at, type, detail) : fieldError.required(at, detail);
  } else if (!type && !schema['x-kubernetes-int-or-string'] && !schema['x-kubernetes-preserve-unknown-fields']) {
    const place = { root: 'at the root', item: 'for specified array items', field: 'for specified object fields' }[level];
    yield fieldError.required(at, `must not be empty ${place}`);
  }
  if (embedded && schema.additionalProperties !== undefined) {
    yield fieldError.forbidden(`${path}.additionalProperties`, 'must not be used if x-kubernetes-embedded-resource is set');
  }
  if (level === 'root' && type && type !== 'object') yield fieldError.invalid(at, type, 'must be object at the root');
}

/** What every object has whatever its schema says. */
function* metaErrors(path: string, schema: SchemaNode, level: Level): FieldErrors {
  const embedded = schema['x-kubernetes-embedded-resource'];
  const isObject = level === 'root' || embedded;
  const { kind, apiVersion, metadata } = schema.properties ?? {};
  for (const [name, property] of Object.entries({ kind, apiVersion })) {
    if (isObject && property && property.type !== 'string') yield fieldError.invalid(`${path}.properties[${name}].type`, property.type ?? '', 'must be string');
  }
  if (metadata) {
    const at = `${path}.properties[metadata]`;
    if (isObject && metadata.type !== 'object') yield fieldError.invalid(`${at}.type`, metadata.type ?? '', 'must be object');
    if (level === 'root' && !restrictsNamesOnly(metadata)) {
      yield fieldError.forbidden(at, 'must not specify anything other than name and generateName, but metadata is implicitly specified');
    }
  }
  if (embedded && !schema['x-kubernetes-preserve-unknown-fields'] && saysNothing(schema.properties)) {
    yield fieldError.required(`${path}.properties`, 'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields');
  }
}

function restrictsNamesOnly({ type: _type, default: _default, properties = {}, ...rest }: SchemaNode): boolean {
  return Object.keys(properties).every((name) => name === 'name' || name === 'generateName') && Object.values(rest).every(saysNothing);
}

/** Of allOf, anyOf, oneOf and not. The two ways to say "integer or string" may name types there. */
function* narrowingErrors(path: string, schema: SchemaNode, level: Level, skipAnyOf: boolean, skipFirstAnyOf: boolean): FieldErrors {
  if (!skipAnyOf) for (const [i, one] of (schema.anyOf ?? []).entries()) yield* nestedErrors(`${path}.anyOf[${i}]`, one, level);
  for (const [i, one] of (schema.allOf ?? []).entries()) yield* nestedErrors(`${path}.allOf[${i}]`, one, level, skipFirstAnyOf && i === 0);
  for (const [i, one] of (schema.oneOf ?? []).entries()) yield* nestedErrors(`${path}.oneOf[${i}]`, one, level);
  if (schema.not) yield* nestedErrors(`${path}.not`, schema.not, level);
  const fault = schema.pattern && patternFault(schema.pattern);
  if (fault) yield fieldError.invalid(`${path}.pattern`, schema.pattern, `must be a valid regular expression, but isn't: ${fault}`);
}

function patternFault(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const forbiddenNested = {
  type: 'empty', additionalProperties: 'undefined', default: 'undefined', title: 'empty', description: 'empty', nullable: 'false', 'x-kubernetes-preserve-unknown-fields': 'false',
  'x-kubernetes-embedded-resource': 'false', 'x-kubernetes-int-or-string': 'false', 'x-kubernetes-list-map-keys': 'empty', 'x-kubernetes-list-type': 'undefined',
  'x-kubernetes-map-type': 'undefined', 'x-kubernetes-validations': 'empty',
} as const;

function* nestedErrors(path: string, schema: SchemaNode, level: Level, skipAnyOf = false): FieldErrors {
  yield* narrowingErrors(path, schema, level, skipAnyOf, false);
  const items = itemsOf(schema);
  if (items) yield* nestedErrors(`${path}.items`, items, level);
  for (const [name, property] of Object.entries(schema.properties ?? {})) yield* nestedErrors(`${path}.properties[${name}]`, property, 'field');
  for (const [field, state] of Object.entries(forbiddenNested) as [keyof typeof forbiddenNested, string][]) {
    const isSet = state === 'undefined' ? schema[field] !== undefined : !saysNothing(schema[field]);
    if (isSet) yield fieldError.forbidden(`${path}.${field}`, `must be ${state} to be structural`);
  }
  if (schema.properties?.['metadata']) yield fieldError.forbidden(`${path}.properties[metadata]`, 'must not be specified in a nested context');
}

/** Fields that are spoken of under a junctor only. */
function* incompleteErrors(narrowing: SchemaNode, schema: SchemaNode | undefined, at: string, from: string): FieldErrors {
  if (!schema) {
    yield fieldError.required(at, `because it is defined in ${from}`);
    return;
  }
  if (narrowing.not) yield* incompleteNestedErrors(narrowing.not, schema, at, `${from}.not`);
  for (const junctor of ['allOf', 'anyOf', 'oneOf'] as const) {
    for (const [i, one] of (narrowing[junctor] ?? []).entries()) yield* incompleteNestedErrors(one, schema, at, `${from}.${junctor}[${i}]`);
  }
}

function* incompleteNestedErrors(narrowing: SchemaNode, schema: SchemaNode | undefined, at: string, from: string): FieldErrors {
  yield* incompleteErrors(narrowing, schema, at, from);
  if (!schema) return;
  const items = itemsOf(narrowing);
  if (items) yield* incompleteNestedErrors(items, itemsOf(schema), `${at}.items`, `${from}.items`);
  for (const [name, property] of Object.entries(narrowing.properties ?? {})) {
    const key = `properties[${name}]`;
    yield* incompleteNestedErrors(property, schema.properties?.[name], `${at}.${key}`, `${from}.${key}`);
  }
}
