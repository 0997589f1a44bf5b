import { RE2JS } from 're2js';
import { fieldError, type FieldError } from '../../api/errors.ts';
import { deepEqual } from '../registry/deep-equal.ts';
import { additionalOf, isObject, type JsonObject, type JsonSchema } from './json-schema.ts';
import { isOfFormat } from './string-formats.ts';

/**
 * What is wrong with a value by its schema, worded as upstream's. `previous` is what stood there before an update: what did not change is not
 * held against the writer, even where the schema has become stricter. A value of the wrong type is checked on by what it is.
 * Upstream: apiextensions-apiserver pkg/apiserver/validation, kube-openapi pkg/validation.
 */
export function validateValue(value: unknown, schema: JsonSchema, path: string, previous?: unknown): readonly FieldError[] {
  return check(value, schema, path, previous).errors;
}

/** `matches` counts the checks that were made: of alternatives that all fail, the errors of the one with the most are told. */
interface Outcome {
  readonly errors: readonly FieldError[];
  readonly matches: number;
}

const nothing: Outcome = { errors: [], matches: 0 };
const failed = (error: FieldError): Outcome => ({ errors: [error], matches: 0 });

function check(value: unknown, schema: JsonSchema, path: string, previous?: unknown): Outcome {
  if (previous !== undefined && deepEqual(value, previous)) return nothing;
  const typed = typeOutcome(value, schema, path);
  const listed = enumOutcome(value, schema, path);
  if (value === null) return together([typed, listed], 0);
  const outcomes = [...(typesOf(schema) || schema.format ? [typed] : []), combinations(value, schema, path), listed];
  if (typeof value === 'string') outcomes.push(stringOutcome(value, schema, path));
  else if (typeof value === 'number') outcomes.push(numberOutcome(value, schema, path));
  else if (Array.isArray(value)) outcomes.push(listOutcome(value, schema, path, previous));
  else if (isObject(value)) outcomes.push(objectOutcome(value, schema, path, previous));
  return together(outcomes, outcomes.length + 1);
}

function together(outcomes: readonly Outcome[], matches: number): Outcome {
  return { errors: outcomes.flatMap(({ errors }) => errors), matches: outcomes.reduce((sum, outcome) => sum + outcome.matches, matches) };
}

function typesOf(schema: JsonSchema): readonly string[] | undefined {
  return schema['x-kubernetes-int-or-string'] ? ['integer', 'string'] : schema.type ? [schema.type] : undefined;
}

/** What a value is, and of what format upstream takes it to be. */
function typeOf(value: unknown): readonly [type: string, format: string] {
  if (value === null) return ['null', ''];
  if (Array.isArray(value)) return ['array', ''];
  if (typeof value === 'number') return Number.isInteger(value) ? ['integer', 'int64'] : ['number', 'float64'];
  return [typeof value, ''];
}

function typeOutcome(value: unknown, schema: JsonSchema, path: string): Outcome {
  const { format = '', nullable = false } = schema;
  const types = typesOf(schema) ?? (format ? [] : undefined);
  const [type, itsFormat] = typeOf(value);
  const wrong = (wanted: string, is: string): Outcome => failed(fieldError.typeInvalid(path, is, `${path} in body must be of type ${wanted}: ${JSON.stringify(is)}`));
  if (!types || (value === null && nullable)) return { errors: [], matches: 1 };
  if (value === null) return types.length > 0 ? wrong(types.join(','), type) : { errors: [], matches: 1 };
  const fits = types.includes(type) || (type === 'integer' && types.includes('number'));
  const hasLength = typeof value === 'string' || Array.isArray(value);
  if (!hasLength && format && !fits && itsFormat !== format) return wrong(format, itsFormat);
  // A format of texts says nothing of lists: those pass, as upstream.
  const ofNumbers = types.includes('number') || types.includes('integer');
  if (!fits && (ofNumbers || !format || !hasLength)) return wrong(types.join(','), type);
  return { errors: [], matches: 1 };
}

function enumOutcome(value: unknown, schema: JsonSchema, path: string): Outcome {
  if (!schema.enum || schema.enum.some((allowed) => allowed !== null && deepEqual(allowed, value))) return nothing;
  return failed(fieldError.notSupported(path, value, schema.enum.map((allowed) => (typeof allowed === 'string' ? allowed : JSON.stringify(allowed)))));
}

const invalidValue = (path: string, value: unknown, rest: string): FieldError => fieldError.invalid(path, value, `${path} in body ${rest}`);
/** Of faults that upstream tells without a field. */
const anywhere = (text: string): FieldError => fieldError.invalid('', '', text);

function stringOutcome(value: string, { minLength, maxLength, pattern, format }: JsonSchema, path: string): Outcome {
  const errors: FieldError[] = [];
  const length = [...value].length;
  if (maxLength !== undefined && length > maxLength) errors.push(fieldError.tooLong(path, maxLength));
  else if (minLength !== undefined && length < minLength) errors.push(invalidValue(path, value, `should be at least ${minLength} chars long`));
  else if (pattern && !compiled(pattern).matcher(value).find()) errors.push(invalidValue(path, value, `should match '${pattern}'`));
  if (format && !isOfFormat(value, format)) errors.push(fieldError.typeInvalid(path, value, `${path} in body must be of type ${format}: ${JSON.stringify(value)}`));
  return { errors, matches: 0 };
}

const patterns = new Map<string, RE2JS>();

/** In linear time whatever the pattern. */
function compiled(pattern: string): RE2JS {
  let expression = patterns.get(pattern);
  if (!expression) patterns.set(pattern, (expression = RE2JS.compile(pattern)));
  return expression;
}

function numberOutcome(value: number, schema: JsonSchema, path: string): Outcome {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, format } = schema;
  const errors: FieldError[] = [];
  const outOfRange = !Number.isInteger(value) || (format === 'int32' && (value < -(2 ** 31) || value > 2 ** 31 - 1)) || Math.abs(value) >= 2 ** 63;
  if (schema.type === 'integer' && outOfRange) errors.push(anywhere(`Checked value must be of type integer ${format ? `with format ${format}` : '(default format)'} in ${path}`));
  if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum)) errors.push(invalidValue(path, value, `should be less than ${exclusiveMaximum ? '' : 'or equal to '}${maximum}`));
  if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum)) errors.push(invalidValue(path, value, `should be greater than ${exclusiveMinimum ? '' : 'or equal to '}${minimum}`));
  if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) errors.push(invalidValue(path, value, `should be a multiple of ${multipleOf}`));
  return { errors, matches: 1 };
}

function listOutcome(value: readonly unknown[], schema: JsonSchema, path: string, previous: unknown): Outcome {
  const { minItems, maxItems, uniqueItems, items } = schema;
  const errors: FieldError[] = [];
  if (maxItems !== undefined && value.length > maxItems) errors.push(fieldError.tooMany(path, value.length, maxItems));
  if (minItems !== undefined && value.length < minItems) errors.push(invalidValue(path, value.length, `should have at least ${minItems} items`));
  if (uniqueItems && value.some((item, i) => value.slice(0, i).some((other) => deepEqual(item, other)))) errors.push(invalidValue(path, value, "shouldn't contain duplicates"));
  const before = Array.isArray(previous) ? correlated(previous, schema) : undefined;
  const inner = items ? value.map((item, i) => check(item, items, `${path}[${i}]`, before?.(item))) : [];
  return together([{ errors, matches: 1 }, ...inner], 0);
}

/** Finds what an item of a list was before: by its keys in a list of type map. Items of other lists are compared as a whole list only. */
function correlated(previous: readonly unknown[], schema: JsonSchema): ((item: unknown) => unknown) | undefined {
  const keys = schema['x-kubernetes-list-map-keys'];
  if (schema['x-kubernetes-list-type'] !== 'map' || !keys) return undefined;
  return (item) => (isObject(item) ? previous.find((other) => isObject(other) && keys.every((key) => deepEqual(other[key], item[key]))) : undefined);
}

function objectOutcome(value: JsonObject, schema: JsonSchema, path: string, previous: unknown): Outcome {
  const { required = [], minProperties, maxProperties, properties = {} } = schema;
  const errors: FieldError[] = [];
  const count = Object.keys(value).length;
  if (maxProperties !== undefined && count > maxProperties) errors.push(fieldError.tooMany(path, count, maxProperties));
  if (minProperties !== undefined && count < minProperties) errors.push(invalidValue(path, count, `should have at least ${minProperties} properties`));
  for (const name of required) if (value[name] === undefined) errors.push(fieldError.required(join(path, name)));
  const before = isObject(previous) ? previous : undefined;
  const additional = additionalOf(schema);
  const inner = Object.entries(value).flatMap(([key, member]) => {
    const of = Object.hasOwn(properties, key) ? properties[key] : additional;
    return of ? [check(member, of, join(path, key), before?.[key])] : [];
  });
  return together([{ errors, matches: 0 }, ...inner], 0);
}

const join = (path: string, name: string): string => (path ? `${path}.${name}` : name);

function combinations(value: unknown, { allOf = [], anyOf = [], oneOf = [], not }: JsonSchema, path: string): Outcome {
  const shown = JSON.stringify(path);
  const outcomes: Outcome[] = [{ errors: [], matches: 1 }];
  const say = (text: string): void => void outcomes.push(failed(anywhere(`${shown} ${text}`)));
  if (anyOf.length > 0) {
    const { passed, best } = tried(value, anyOf, path);
    if (passed.length === 0) say('must validate at least one schema (anyOf)');
    outcomes.push(passed[0] ?? best!);
  }
  if (oneOf.length > 0) {
    const { passed, best } = tried(value, oneOf, path);
    if (passed.length !== 1) say(`must validate one and only one schema (oneOf). ${passed.length === 0 ? 'Found none valid' : `Found ${passed.length} valid alternatives`}`);
    if (passed.length <= 1) outcomes.push(passed[0] ?? best!);
  }
  if (allOf.length > 0) {
    const all = allOf.map((schema) => check(value, schema, path));
    outcomes.push(...all);
    const good = all.filter(({ errors }) => errors.length === 0).length;
    if (good !== all.length) say(`must validate all the schemas (allOf)${good === 0 ? '. None validated' : ''}`);
  }
  if (not && check(value, not, path).errors.length === 0) say('must not validate the schema (not)');
  return together(outcomes, 0);
}

/** The alternatives that a value passes, and of those it does not the one where it came farthest. */
function tried(value: unknown, schemas: readonly JsonSchema[], path: string): { readonly passed: readonly Outcome[]; readonly best: Outcome | undefined } {
  const outcomes = schemas.map((schema) => check(value, schema, path));
  const best = outcomes.reduce<Outcome | undefined>((most, outcome) => (outcome.errors.length > 0 && (!most || outcome.matches > most.matches) ? outcome : most), undefined);
  return { passed: outcomes.filter(({ errors }) => errors.length === 0), best };
}
