import { CelError, celCompiler, type CelProgram } from '../../api/cel/cel.ts';
import { CelMeter } from '../../api/cel/cel-meter.ts';
import { celOptional } from '../../api/cel/cel-scalar.ts';
import { fieldError, type FieldError } from '../../api/errors.ts';
import { deepEqual } from '../registry/deep-equal.ts';
import { additionalOf, isObject, type JsonSchema, type ValidationRule } from './json-schema.ts';
import { schemaValue } from './schema-value.ts';

let compiler: ((source: string) => CelProgram) | undefined;
let optionalCompiler: typeof compiler;

/** The program of a rule or of its message. Throws a CelError where it does not compile. */
export function compileRule(source: string, { optionalOldSelf }: Pick<ValidationRule, 'optionalOldSelf'>): CelProgram {
  if (!optionalOldSelf) return (compiler ??= celCompiler({ variables: ['self', 'oldSelf'], metered: true }))(source);
  optionalCompiler ??= celCompiler({ variables: ['self'], metered: true, extend: (environment) => environment.registerVariable('oldSelf', 'optional<dyn>') });
  return optionalCompiler(source);
}

/** Whether a rule compares with the value before. */
export const isTransition = (rule: string): boolean => /\boldSelf\b/.test(rule);

/** The most that one expression may cost, and all rules of an object together. Upstream: apiserver pkg/apis/cel. */
const CALL_LIMIT = 1_000_000;
const BUDGET = 10_000_000;
/** No message that an expression makes is longer, in bytes. */
const LONGEST_MESSAGE = 5 * 1024;

/** What of an object's budget is left; negative when no further rule is asked. */
export interface RuleBudget {
  left: number;
}

export const ruleBudget = (): RuleBudget => ({ left: BUDGET });

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
export function* ruleErrors(value: unknown, schema: JsonSchema, path: string, previous: unknown, budget = ruleBudget(), within = false): Generator<FieldError, void, undefined> {
  if (value === undefined || value === null || budget.left < 0 || !hasRules(schema)) return;
  // Items of lists without keys have no counterpart: they are as they were if their list is.
  const unchanged = within || (previous !== undefined && deepEqual(value, previous));
  for (const rule of schema['x-kubernetes-validations'] ?? []) yield* oneRule(rule, value, schema, path, previous, unchanged, budget);
  if (Array.isArray(value)) {
    const { items } = schema;
    if (!items) return;
    const keys = schema['x-kubernetes-list-type'] === 'map' ? schema['x-kubernetes-list-map-keys'] : undefined;
    for (const [i, item] of value.entries()) {
      const before = keys && Array.isArray(previous) && isObject(item) ? previous.find((other) => isObject(other) && keys.every((key) => deepEqual(other[key], item[key]))) : undefined;
      yield* ruleErrors(item, items, `${path}[${i}]`, before, budget, unchanged);
    }
  } else if (isObject(value)) {
    const before = isObject(previous) ? previous : undefined;
    const additional = additionalOf(schema);
    for (const [key, member] of Object.entries(value)) {
      const named = schema.properties && Object.hasOwn(schema.properties, key) ? schema.properties[key] : undefined;
      const inner = named ?? additional;
      if (inner) yield* ruleErrors(member, inner, named ? (path ? `${path}.${key}` : key) : `${path}[${key}]`, before?.[key], budget, unchanged);
    }
  }
}

function* oneRule(rule: ValidationRule, value: unknown, schema: JsonSchema, path: string, previous: unknown, unchanged: boolean, budget: RuleBudget): Generator<FieldError> {
  if (budget.left < 0) return;
  const transition = isTransition(rule.rule);
  if (transition && previous === undefined && !rule.optionalOldSelf) return;
  // An object that was stored before its CRD got the rule can still be updated elsewhere.
  if (!transition && unchanged) return;
  const type = schema.type ?? 'object';
  if (budget.left === 0) return yield exhausted(path, type, budget);
  const before = previous === undefined ? undefined : schemaValue(previous, schema);
  const variables = { self: schemaValue(value, schema), ...((transition || rule.messageExpression) && { oldSelf: rule.optionalOldSelf ? celOptional(before) : before }) };
  const { result, fault, cost } = evaluate(rule.rule, rule, variables);
  if (cost > budget.left) return yield exhausted(path, type, budget);
  budget.left -= cost;
  const named = (rule.message || rule.rule).trim();
  if (fault) {
    if (fault.message.startsWith(EXCEEDED)) budget.left = -1;
    const detail = fault.message.startsWith('compilation failed') ? `rule compile error: ${fault.message}`
      : fault.message.startsWith('no such overload') ? `'${fault.message}': call arguments did not match a supported operator, function or macro signature for rule: ${named}`
        : budget.left < 0 ? `'${fault.message}': no further validation rules will be run due to call cost exceeds limit for rule: ${named}` : `${fault.message} evaluating rule: ${named}`;
    return yield fieldError.invalid(path, type, detail);
  }
  if (result === true) return;
  const at = rule.fieldPath ? `${path}${rule.fieldPath}` : path;
  const made = rule.messageExpression ? messageOf(rule, variables, budget) : undefined;
  if (budget.left < 0) return yield fieldError.invalid(at, type, made!);
  const detail = made ?? (rule.message ? rule.message.trim() : `failed rule: ${rule.rule.trim()}`);
  const omitted = type === 'object' || type === 'array';
  switch (rule.reason) {
    case 'FieldValueForbidden': return yield fieldError.forbidden(at, detail);
    case 'FieldValueRequired': return yield fieldError.required(at, detail);
    case 'FieldValueDuplicate': return yield fieldError.duplicate(at, omitted ? type : value);
    default: yield omitted ? fieldError.invalidOmitted(at, detail) : fieldError.invalid(at, value, detail);
  }
}

const EXCEEDED = 'operation cancelled: actual cost limit exceeded';

function exhausted(path: string, type: string, budget: RuleBudget): FieldError {
  budget.left = -1;
  return fieldError.invalid(path, type, 'validation failed due to running out of cost budget, no further validation rules will be run');
}

interface Evaluated {
  readonly result?: unknown;
  readonly fault?: CelError;
  readonly cost: number;
}

function evaluate(source: string, rule: ValidationRule, variables: Readonly<Record<string, unknown>>): Evaluated {
  const meter = new CelMeter(CALL_LIMIT);
  try {
    const program = compileRule(source, rule);
    return { result: meter.run(() => program.evaluateCel(variables)), cost: meter.spent };
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    return { fault: error, cost: meter.spent };
  }
}

/**
 * The message that the rule's expression makes; undefined where it makes none, which is no fault of the object. Where it costs too much the budget
 * is over, and the answer says so. Upstream: evalMessageExpression.
 */
function messageOf(rule: ValidationRule, variables: Readonly<Record<string, unknown>>, budget: RuleBudget): string | undefined {
  const { result, fault, cost } = evaluate(rule.messageExpression!, rule, variables);
  const left = budget.left - cost;
  budget.left = -1;
  if (left < 0) return 'messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run';
  if (fault?.message.startsWith(EXCEEDED)) return `no further validation rules will be run due to call cost exceeds limit for messageExpression: ${JSON.stringify(rule.messageExpression)}`;
  budget.left = left;
  const made = typeof result === 'string' ? result.trim() : '';
  return made !== '' && Buffer.byteLength(made) <= LONGEST_MESSAGE && !/[\n\r]/.test(made) ? made : undefined;
}
