import { CelError, celCompiler, type CelProgram } from '../../api/cel/cel.ts';
import { celOptional } from '../../api/cel/cel-scalar.ts';
import { fieldError, type FieldError } from '../../api/errors.ts';
import { deepEqual } from '../registry/deep-equal.ts';
import { additionalOf, isObject, type JsonSchema, type ValidationRule } from './json-schema.ts';
import { schemaValue } from './schema-value.ts';

let compiler: ((source: string) => CelProgram) | undefined;
let optionalCompiler: typeof compiler;

/** The program of a rule or of its message. Throws a CelError where it does not compile. */
function compile(source: string, { optionalOldSelf }: Pick<ValidationRule, 'optionalOldSelf'>): CelProgram {
  if (!optionalOldSelf) return (compiler ??= celCompiler({ variables: ['self', 'oldSelf'] }))(source);
  optionalCompiler ??= celCompiler({ variables: ['self'], extend: (environment) => environment.registerVariable('oldSelf', 'optional<dyn>') });
  return optionalCompiler(source);
}

/** Whether a schema has rules anywhere: most have none, and then their objects need not be walked. */
export function hasRules(schema: JsonSchema | undefined): boolean {
  if (!schema) return false;
  const additional = additionalOf(schema);
  return (schema['x-kubernetes-validations']?.length ?? 0) > 0 || Object.values(schema.properties ?? {}).some(hasRules) || hasRules(schema.items) || hasRules(additional);
}

/**
 * What the CEL rules of a schema (`x-kubernetes-validations`) say against a value. Rules that name `oldSelf` are asked on updates only, where there
 * was a value before. Upstream: apiextensions-apiserver pkg/apiserver/schema/cel.
 */
export function* ruleErrors(value: unknown, schema: JsonSchema, path: string, previous: unknown, within = false): Generator<FieldError, void, undefined> {
  if (value === undefined || value === null || !hasRules(schema)) return;
  // Items of lists without keys have no counterpart: they are as they were if their list is.
  const unchanged = within || (previous !== undefined && deepEqual(value, previous));
  for (const rule of schema['x-kubernetes-validations'] ?? []) yield* oneRule(rule, value, schema, path, previous, unchanged);
  if (Array.isArray(value)) {
    const { items } = schema;
    if (!items) return;
    const keys = schema['x-kubernetes-list-type'] === 'map' ? schema['x-kubernetes-list-map-keys'] : undefined;
    for (const [i, item] of value.entries()) {
      const before = keys && Array.isArray(previous) && isObject(item) ? previous.find((other) => isObject(other) && keys.every((key) => deepEqual(other[key], item[key]))) : undefined;
      yield* ruleErrors(item, items, `${path}[${i}]`, before, unchanged);
    }
  } else if (isObject(value)) {
    const before = isObject(previous) ? previous : undefined;
    const additional = additionalOf(schema);
    for (const [key, member] of Object.entries(value)) {
      const named = schema.properties && Object.hasOwn(schema.properties, key) ? schema.properties[key] : undefined;
      const inner = named ?? additional;
      if (inner) yield* ruleErrors(member, inner, named ? (path ? `${path}.${key}` : key) : `${path}[${key}]`, before?.[key], unchanged);
    }
  }
}

function* oneRule(rule: ValidationRule, value: unknown, schema: JsonSchema, path: string, previous: unknown, unchanged: boolean): Generator<FieldError> {
  const transition = /\boldSelf\b/.test(rule.rule);
  if (transition && previous === undefined && !rule.optionalOldSelf) return;
  // An object that was stored before its CRD got the rule can still be updated elsewhere.
  if (!transition && unchanged) return;
  const before = previous === undefined ? undefined : schemaValue(previous, schema);
  const variables = { self: schemaValue(value, schema), ...(transition && { oldSelf: rule.optionalOldSelf ? celOptional(before) : before }) };
  const type = schema.type ?? 'object';
  const shown = type === 'object' || type === 'array' ? type : value;
  const at = rule.fieldPath ? `${path}${rule.fieldPath}` : path;
  try {
    if (compile(rule.rule, rule).evaluateCel(variables) === true) return;
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    const named = rule.message ? rule.message.trim() : rule.rule.trim();
    yield fieldError.invalid(at, shown, `rule ${error.message.startsWith('compilation failed') ? 'compile' : 'evaluation'} error: ${named}: ${error.message}`);
    return;
  }
  const detail = messageOf(rule, variables);
  switch (rule.reason) {
    case 'FieldValueForbidden': return yield fieldError.forbidden(at, detail);
    case 'FieldValueRequired': return yield fieldError.required(at, detail);
    case 'FieldValueDuplicate': return yield fieldError.duplicate(at, shown);
    default: yield fieldError.invalid(at, shown, detail);
  }
}

/** The message that the rule's expression makes, else its fixed one, else the rule itself. */
function messageOf({ rule, message, messageExpression, optionalOldSelf }: ValidationRule, variables: Readonly<Record<string, unknown>>): string {
  const fixed = message ? message.trim() : `failed rule: ${rule.trim()}`;
  if (!messageExpression) return fixed;
  try {
    const made = compile(messageExpression, { optionalOldSelf }).evaluateCel(variables);
    return typeof made === 'string' && made.trim() !== '' && !made.includes('\n') ? made.trim() : fixed;
  } catch (error) {
    if (error instanceof CelError) return fixed; // as upstream: a message that cannot be made is no fault of the object
    throw error;
  }
}

/** The rules of a schema that do not compile, as faults of the CRD. */
export function* ruleCompileErrors(schema: JsonSchema, path: string): Generator<FieldError> {
  for (const [i, { rule, optionalOldSelf }] of (schema['x-kubernetes-validations'] ?? []).entries()) {
    try {
      compile(rule, { optionalOldSelf });
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      yield fieldError.invalid(`${path}.x-kubernetes-validations[${i}].rule`, rule, error.message);
    }
  }
  for (const [key, inner] of Object.entries(schema.properties ?? {})) yield* ruleCompileErrors(inner, `${path}.properties[${key}]`);
  if (schema.items) yield* ruleCompileErrors(schema.items, `${path}.items`);
  const additional = additionalOf(schema);
  if (additional) yield* ruleCompileErrors(additional, `${path}.additionalProperties`);
}
