import { RE2JS } from 're2js';
import { fieldError, type FieldError } from '../../api/errors.ts';
import { deepEqual } from '../registry/deep-equal.ts';
import { additionalOf, isObject, type JsonObject, type JsonSchema } from './json-schema.ts';
import { isOfFormat } from './string-formats.ts';

/**
 * What is wrong with a value by its schema, worded as upstream's. `previous` is what stood there before an update: what did not change is not
 * held against the writer, even where the schema has become stricter.
 * Upstream: apiextensions-apiserver pkg/apiserver/validation, kube-openapi pkg/validation.
 */
export function* validateValue(value: unknown, schema: JsonSchema, path: string, previous?: unknown): Generator<FieldError, void, undefined> {
  if (previous !== undefined && deepEqual(value, previous)) return;
  if (value === null && schema.nullable) return;
  const type = typeOf(value);
  if (!fits(value, type, schema)) {
    const wanted = schema['x-kubernetes-int-or-string'] ? 'integer,string' : schema.type!;
    yield fieldError.typeInvalid(path, type, `${path} in body must be of type ${wanted}: ${JSON.stringify(type)}`);
    return;
  }
  yield* enumErrors(value, schema, path);
  if (typeof value === 'string') yield* stringErrors(value, schema, path);
  else if (typeof value === 'number') yield* numberErrors(value, schema, path);
  else if (Array.isArray(value)) yield* listErrors(value, schema, path, previous);
  else if (isObject(value)) yield* objectErrors(value, schema, path, previous);
  yield* combinationErrors(value, schema, path);
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function fits(value: unknown, type: string, schema: JsonSchema): boolean {
  if (schema['x-kubernetes-int-or-string']) return type === 'integer' || type === 'string';
  return !schema.type || schema.type === type || (schema.type === 'number' && type === 'integer') || (schema.type === 'integer' && typeof value === 'number' && Number.isInteger(value));
}

function* enumErrors(value: unknown, schema: JsonSchema, path: string): Generator<FieldError> {
  if (!schema.enum || schema.enum.some((allowed) => deepEqual(allowed, value))) return;
  yield fieldError.notSupported(path, value, schema.enum.map((allowed) => (typeof allowed === 'string' ? allowed : JSON.stringify(allowed))));
}

const invalidValue = (path: string, value: unknown, rest: string): FieldError => fieldError.invalid(path, value, `${path} in body ${rest}`);

function* stringErrors(value: string, { minLength, maxLength, pattern, format }: JsonSchema, path: string): Generator<FieldError> {
  const length = [...value].length;
  if (maxLength !== undefined && length > maxLength) yield fieldError.tooLong(path, maxLength);
  if (minLength !== undefined && length < minLength) yield invalidValue(path, value, `should be at least ${minLength} chars long`);
  if (pattern !== undefined && !compiled(pattern).matcher(value).find()) yield invalidValue(path, value, `should match '${pattern}'`);
  if (format !== undefined && !isOfFormat(value, format)) yield invalidValue(path, value, `must be of type ${format}: ${JSON.stringify(value)}`);
}

const patterns = new Map<string, RE2JS>();

/** In linear time whatever the pattern. */
function compiled(pattern: string): RE2JS {
  let expression = patterns.get(pattern);
  if (!expression) patterns.set(pattern, (expression = RE2JS.compile(pattern)));
  return expression;
}

function* numberErrors(value: number, { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, format }: JsonSchema, path: string): Generator<FieldError> {
  if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum)) yield invalidValue(path, value, `should be less than ${exclusiveMaximum ? '' : 'or equal to '}${maximum}`);
  if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum)) yield invalidValue(path, value, `should be greater than ${exclusiveMinimum ? '' : 'or equal to '}${minimum}`);
  if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) yield invalidValue(path, value, `should be a multiple of ${multipleOf}`);
  if (format === 'int32' && (value < -(2 ** 31) || value > 2 ** 31 - 1)) yield invalidValue(path, value, 'must be of type int32: "integer"');
}

function* listErrors(value: readonly unknown[], schema: JsonSchema, path: string, previous: unknown): Generator<FieldError> {
  const { minItems, maxItems, uniqueItems, items } = schema;
  if (maxItems !== undefined && value.length > maxItems) yield fieldError.tooMany(path, value.length, maxItems);
  if (minItems !== undefined && value.length < minItems) yield invalidValue(path, value.length, `should have at least ${minItems} items`);
  if (uniqueItems && value.some((item, i) => value.slice(0, i).some((other) => deepEqual(item, other)))) yield invalidValue(path, value, "shouldn't contain duplicates");
  yield* duplicateErrors(value, schema, path);
  if (!items) return;
  const before = Array.isArray(previous) ? correlated(previous, schema) : undefined;
  for (const [i, item] of value.entries()) yield* validateValue(item, items, `${path}[${i}]`, before?.(item));
}

/** Finds what an item of a list was before: by its keys in a list of type map. Items of other lists are compared as a whole list only. */
function correlated(previous: readonly unknown[], schema: JsonSchema): ((item: unknown) => unknown) | undefined {
  const keys = schema['x-kubernetes-list-map-keys'];
  if (schema['x-kubernetes-list-type'] !== 'map' || !keys) return undefined;
  return (item) => (isObject(item) ? previous.find((other) => isObject(other) && keys.every((key) => deepEqual(other[key], item[key]))) : undefined);
}

/** Lists that are sets or maps hold an item once. Upstream: pkg/apiserver/schema/listtype. */
function* duplicateErrors(value: readonly unknown[], schema: JsonSchema, path: string): Generator<FieldError> {
  const type = schema['x-kubernetes-list-type'];
  if (type !== 'set' && type !== 'map') return;
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const identity = (item: unknown): unknown => (type === 'set' || !isObject(item) ? item : Object.fromEntries(keys.map((key) => [key, item[key]])));
  const seen = new Set<string>();
  for (const [i, item] of value.entries()) {
    const id = JSON.stringify(identity(item));
    if (seen.has(id)) yield fieldError.duplicate(`${path}[${i}]`, identity(item));
    seen.add(id);
  }
}

function* objectErrors(value: JsonObject, schema: JsonSchema, path: string, previous: unknown): Generator<FieldError> {
  const { required = [], minProperties, maxProperties, properties = {} } = schema;
  const count = Object.keys(value).length;
  if (maxProperties !== undefined && count > maxProperties) yield fieldError.tooMany(path, count, maxProperties);
  if (minProperties !== undefined && count < minProperties) yield invalidValue(path, count, `should have at least ${minProperties} properties`);
  for (const name of required) if (value[name] === undefined) yield fieldError.required(join(path, name));
  const before = isObject(previous) ? previous : undefined;
  const additional = additionalOf(schema);
  for (const [key, member] of Object.entries(value)) {
    const inner = Object.hasOwn(properties, key) ? properties[key] : additional;
    if (inner) yield* validateValue(member, inner, join(path, key), before?.[key]);
  }
}

const join = (path: string, name: string): string => (path ? `${path}.${name}` : name);

function* combinationErrors(value: unknown, { allOf, anyOf, oneOf, not }: JsonSchema, path: string): Generator<FieldError> {
  const passes = (schema: JsonSchema): boolean => validateValue(value, schema, path).next().done === true;
  const combined = (text: string): FieldError => fieldError.invalid(path, '', `${JSON.stringify(path)} ${text}`);
  for (const schema of allOf ?? []) yield* validateValue(value, schema, path);
  if (anyOf?.length && !anyOf.some(passes)) {
    yield combined('must validate at least one schema (anyOf)');
    yield* validateValue(value, anyOf[0]!, path);
  }
  if (oneOf?.length) {
    const matching = oneOf.filter(passes).length;
    if (matching !== 1) yield combined(`must validate one and only one schema (oneOf). ${matching === 0 ? 'Found none valid' : `Found ${matching} valid alternatives`}`);
    if (matching === 0) yield* validateValue(value, oneOf[0]!, path);
  }
  if (not && passes(not)) yield combined('must not validate the schema (not)');
}
