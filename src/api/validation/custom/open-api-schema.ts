/** Upstream: ValidateCustomResourceDefinitionOpenAPISchema, but for the CEL rules, which the code that runs them checks. */
import { fieldError } from '../../errors.ts';
import type { FieldErrors } from '../fields.ts';
import { additionalOf, itemsOf, saysNothing, type SchemaNode } from './schema-node.ts';

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];
const unsupported = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'] as const;
const metaFields = ['metadata', 'kind', 'apiVersion'];

/** Where in an object a schema stands. */
interface Place {
  readonly root?: boolean;
  /** Below a field that describes the object itself: metadata, kind, apiVersion. */
  readonly inMeta?: boolean;
  /** Why no default may be given here. */
  readonly noDefaults?: string;
}

export function* openApiSchemaErrors(path: string, schema: SchemaNode, place: Place = { root: true }): FieldErrors {
  yield* supportErrors(path, schema, place);
  const here = { ...place, root: false };
  const properties = Object.entries(schema.properties ?? {});
  const additional = additionalOf(schema);
  if (properties.length > 0 && schema.additionalProperties !== undefined && schema.additionalProperties !== true) {
    yield fieldError.forbidden(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive');
  }
  if (additional) {
    yield* openApiSchemaErrors(`${path}.additionalProperties`, additional, here.inMeta ? { ...here, noDefaults: 'inside additionalProperties applying to object metadata' } : here);
  }
  for (const [name, property] of properties) {
    const isMeta = (place.root || schema['x-kubernetes-embedded-resource']) && metaFields.includes(name);
    yield* openApiSchemaErrors(`${path}.properties[${name}]`, property, { ...here, ...(isMeta && { inMeta: true }), ...(isMeta && place.root && { noDefaults: `in top-level ${name}` }) });
  }
  for (const [inner, nested] of nestedOf(schema)) yield* openApiSchemaErrors(`${path}.${inner}`, nested, here);
  yield* mapErrors(path, schema);
  yield* listErrors(path, schema);
  for (const [i, rule] of (schema['x-kubernetes-validations'] ?? []).entries()) yield* ruleErrors(`${path}.x-kubernetes-validations[${i}]`, rule, schema);
}

function* nestedOf(schema: SchemaNode): Generator<readonly [string, SchemaNode], void, undefined> {
  if (schema.not) yield ['not', schema.not];
  for (const junctor of ['allOf', 'oneOf', 'anyOf'] as const) for (const [i, one] of (schema[junctor] ?? []).entries()) yield [`${junctor}[${i}]`, one];
  for (const [name, definition] of Object.entries(schema.definitions ?? {})) yield [`definitions[${name}]`, definition];
  const { items } = schema;
  if (Array.isArray(items)) for (const [i, item] of items.entries()) yield [`items[${i}]`, item as SchemaNode];
  else if (items) yield ['items', items as SchemaNode];
}

function* supportErrors(path: string, schema: SchemaNode, { inMeta, noDefaults }: Place): FieldErrors {
  const { type } = schema;
  if (type && !types.includes(type)) yield fieldError.notSupported(`${path}.type`, type, types);
  if (schema.default !== undefined && noDefaults) yield fieldError.forbidden(`${path}.default`, `must not be set ${noDefaults}`);
  for (const field of unsupported) if (!saysNothing(schema[field])) yield fieldError.forbidden(`${path}.${field}`, `${field} is not supported`);
  if (type === 'null') yield fieldError.forbidden(`${path}.type`, 'type cannot be set to null, use nullable as an alternative');
  if (Array.isArray(schema.items) && schema.items.length) yield fieldError.forbidden(`${path}.items`, 'items must be a schema object and not an array');
  if (inMeta && schema['x-kubernetes-embedded-resource']) yield fieldError.forbidden(`${path}.x-kubernetes-embedded-resource`, 'must not be used inside of resource meta');
  if (schema.uniqueItems) yield fieldError.forbidden(`${path}.uniqueItems`, 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic');
}

function* mustBe(path: string, given: string | undefined, detail: string): FieldErrors {
  yield given ? fieldError.invalid(path, given, detail) : fieldError.required(path, detail);
}

function* mapErrors(path: string, schema: SchemaNode): FieldErrors {
  const kept = 'x-kubernetes-preserve-unknown-fields';
  if (schema[kept] === false) yield fieldError.invalid(`${path}.${kept}`, false, 'must be true or undefined');
  const mapType = schema['x-kubernetes-map-type'];
  if (mapType === undefined) return;
  if (schema.type !== 'object') yield* mustBe(`${path}.type`, schema.type, 'must be object if x-kubernetes-map-type is specified');
  if (mapType !== 'atomic' && mapType !== 'granular') yield fieldError.notSupported(`${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']);
}

function* listErrors(path: string, schema: SchemaNode): FieldErrors {
  const listType = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const items = itemsOf(schema);
  const typePath = `${path}.x-kubernetes-list-type`;
  if (listType !== undefined && schema.type !== 'array') yield* mustBe(`${path}.type`, schema.type, 'must be array if x-kubernetes-list-type is specified');
  else if (listType === 'set' && items) yield* setErrors(`${path}.items`, items);
  if (listType !== undefined && !['atomic', 'set', 'map'].includes(listType)) yield fieldError.notSupported(typePath, listType, ['atomic', 'set', 'map']);
  if (keys.length > 0 && listType !== 'map') yield* mustBe(typePath, listType, 'must be map if x-kubernetes-list-map-keys is non-empty');
  if (listType === 'map') yield* mapListErrors(path, schema, keys);
  if (items?.nullable && (listType === 'map' || listType === 'set')) yield fieldError.forbidden(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${listType}`);
  if (listType === 'map' && items) yield* keyErrors(`${path}.items`, items, keys);
}

function* setErrors(path: string, items: SchemaNode): FieldErrors {
  const detail = 'must be atomic as item of a list with x-kubernetes-list-type=set';
  const listType = items['x-kubernetes-list-type'];
  if (items.type === 'array' && listType !== undefined && listType !== 'atomic') yield fieldError.invalid(`${path}.x-kubernetes-list-type`, listType, detail);
  if (items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic') yield fieldError.invalid(`${path}.x-kubernetes-map-type`, listType ?? null, detail);
}

function* mapListErrors(path: string, schema: SchemaNode, keys: readonly string[]): FieldErrors {
  const items = itemsOf(schema);
  const keysPath = `${path}.x-kubernetes-list-map-keys`;
  if (keys.length === 0) yield fieldError.required(keysPath, 'must not be empty if x-kubernetes-list-type is map');
  if (!schema.items) yield fieldError.required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map');
  else if (!items) yield fieldError.invalid(`${path}.items`, schema.items, 'must only have a single schema if x-kubernetes-list-type is map');
  if (!items) return;
  if (items.type !== 'object') {
    yield fieldError.invalid(`${path}.items.type`, items.type ?? '', "must be object if parent array's x-kubernetes-list-type is map");
    return;
  }
  for (const [i, key] of keys.entries()) {
    const property = items.properties?.[key];
    if (!property) yield fieldError.invalid(keysPath, keys, 'entries must all be names of item properties');
    else if (property.type === 'array' || property.type === 'object') {
      yield fieldError.invalid(`${path}.items.properties[${key}].type`, items.type, "must be a scalar type if parent array's x-kubernetes-list-type is map");
    }
    if (keys.indexOf(key) < i) yield fieldError.invalid(keysPath, keys, 'must not contain duplicate entries');
  }
}

function* keyErrors(path: string, items: SchemaNode, keys: readonly string[]): FieldErrors {
  for (const key of keys) {
    const property = items.properties?.[key];
    if (!property) continue;
    const at = `${path}.properties[${key}]`;
    if (!items.required?.includes(key) && property.default === undefined) {
      yield fieldError.required(`${at}.default`, 'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property');
    }
    if (property.nullable) yield fieldError.forbidden(`${at}.nullable`, 'this property is in x-kubernetes-list-map-keys, so it cannot be nullable');
  }
}

type Rule = NonNullable<SchemaNode['x-kubernetes-validations']>[number];

function* ruleErrors(path: string, { rule, message = '', messageExpression = '', reason, fieldPath = '' }: Rule, schema: SchemaNode): FieldErrors {
  const hasBreaks = (text: string): boolean => /[\n\r]/.test(text);
  const said = (rule ?? '').trim();
  if (!said) yield fieldError.required(`${path}.rule`, 'rule is not specified');
  else if (message && !message.trim()) yield fieldError.invalid(`${path}.message`, message, 'must be non-empty if specified');
  else if (hasBreaks(message.trim())) yield fieldError.invalid(`${path}.message`, message, 'must not contain line breaks');
  else if (hasBreaks(said) && !message) yield fieldError.required(`${path}.message`, 'message must be specified if rule contains line breaks');
  if (messageExpression && !messageExpression.trim()) yield fieldError.required(`${path}.messageExpression`, 'messageExpression must be non-empty if specified');
  if (reason !== undefined && !reasons.includes(reason)) yield fieldError.notSupported(`${path}.reason`, reason, reasons);
  if (fieldPath && !fieldPath.trim()) yield fieldError.invalid(`${path}.fieldPath`, fieldPath, 'must be non-empty if specified');
  if (hasBreaks(fieldPath)) yield fieldError.invalid(`${path}.fieldPath`, fieldPath, 'must not contain line breaks');
  else if (fieldPath.trim() && !leadsSomewhere(fieldPath, schema)) yield fieldError.invalid(`${path}.fieldPath`, fieldPath, 'must be a valid path');
}

const STEP = /\.([A-Za-z_][A-Za-z0-9_]*)|\['((?:[^'\\]|\\.)*)'\]/y;

/** Whether `.spec.a` or `.m['key']` names a field that the schema has. Upstream: apiextensions-apiserver pkg/apiserver/schema/cel ValidFieldPath. */
function leadsSomewhere(fieldPath: string, schema: SchemaNode): boolean {
  let at: SchemaNode | undefined = schema;
  let end = 0;
  while (end < fieldPath.length) {
    STEP.lastIndex = end;
    const match = STEP.exec(fieldPath);
    if (!match || !at) return false;
    const name = match[1] ?? match[2]!.replaceAll(/\\(.)/g, '$1');
    const { properties, additionalProperties }: SchemaNode = at;
    at = properties && Object.hasOwn(properties, name) ? properties[name] : typeof additionalProperties === 'object' && match[2] !== undefined ? additionalProperties : undefined;
    if (!at) return false;
    end = STEP.lastIndex;
  }
  return true;
}
