import { CelError } from '../../api/cel/cel.ts';
import { optionalOf, type CelType } from '../../api/cel/cel-type.ts';
import { fieldError, type FieldError } from '../../api/errors.ts';
import { declaredType, LONGEST_REQUEST } from './declared-type.ts';
import { additionalOf, type JsonSchema, type ValidationRule } from './json-schema.ts';
import { compileRule, hasRules, isTransition } from './validation-rules.ts';

/** What a rule may cost at the most, times how often it may be asked of one object, and what all rules of a schema may together. */
const RULE_LIMIT = 10_000_000;
const SCHEMA_LIMIT = 100_000_000;
/** Only rules that cost a hundredth of that are named as the ones to look at, and no more than these. */
const MOST_NAMED = 4;

/** Where in the schema a rule stands. */
interface Place {
  readonly root: boolean;
  /** How often a value can be there in one object; Infinity where no list or map above has a bound. */
  readonly times: number;
  /** The schema above from which on the values of two states of an object cannot be told apart. */
  readonly uncorrelatable?: string;
}

/**
 * The faults of the rules of a definition's schema: rules that do not compile or name fields that there are none of, and rules that could cost
 * too much. Upstream: apiextensions validation, ValidateCustomResourceDefinitionOpenAPISchema and cel_validation.go.
 */
export function ruleDefinitionErrors(schema: JsonSchema, path: string): readonly FieldError[] {
  const costs: RuleCost[] = [];
  const errors = [...schemaErrors(schema, path, { root: true, times: 1 }, costs)];
  const total = costs.reduce((sum, { cost }) => sum + cost, 0);
  if (total <= SCHEMA_LIMIT) return errors;
  const expensive = costs.filter(({ cost }) => cost >= SCHEMA_LIMIT / 100).sort((a, b) => b.cost - a.cost).slice(0, MOST_NAMED);
  return [
    ...errors, ...expensive.map((rule) => fieldError.forbidden(rule.path, 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema')),
    fieldError.forbidden(path, tooExpensive('x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema', total, SCHEMA_LIMIT)),
  ];
}

interface RuleCost {
  readonly path: string;
  readonly cost: number;
}

function* schemaErrors(schema: JsonSchema, path: string, place: Place, costs: RuleCost[]): Generator<FieldError, void, undefined> {
  if (!hasRules(schema)) return;
  const { properties = {}, items } = schema;
  const additional = additionalOf(schema);
  const times = product(place.times, mostElements(schema));
  const below = (at: string, inner: JsonSchema, correlatable: boolean): Generator<FieldError, void, undefined> => {
    const uncorrelatable = place.uncorrelatable ?? (correlatable ? undefined : path);
    return schemaErrors(inner, at, { root: inner['x-kubernetes-embedded-resource'] ?? false, times, ...(uncorrelatable !== undefined && { uncorrelatable }) }, costs);
  };
  if (additional) yield* below(`${path}.additionalProperties`, additional, schema['x-kubernetes-map-type'] !== 'atomic');
  for (const [name, property] of Object.entries(properties)) yield* below(`${path}.properties[${name}]`, property, schema['x-kubernetes-map-type'] !== 'atomic');
  if (items) yield* below(`${path}.items`, items, schema['x-kubernetes-list-type'] === 'map');
  const rules = schema['x-kubernetes-validations'] ?? [];
  if (rules.length === 0) return;
  const type = declaredType(schema, place.root);
  if (!type) return; // no such schema is structural, which has been said
  for (const [i, rule] of rules.entries()) if (rule.rule.trim()) yield* ruleFaults(rule, `${path}.x-kubernetes-validations[${i}]`, type, place, costs);
}

function* ruleFaults(rule: ValidationRule, path: string, type: CelType, { times, uncorrelatable }: Place, costs: RuleCost[]): Generator<FieldError, void, undefined> {
  const variables = { self: type, oldSelf: rule.optionalOldSelf ? optionalOf(type) : type };
  const estimated = estimateOf(rule.rule, rule, variables, type);
  if ('fault' in estimated) {
    yield fieldError.invalid(`${path}.rule`, asUpstream(rule), estimated.fault);
  } else {
    const cost = product(estimated.cost, times === Infinity ? Math.floor(LONGEST_REQUEST / (type.minBytes + 1)) : times);
    if (cost > RULE_LIMIT) yield fieldError.forbidden(`${path}.rule`, tooExpensive('estimated rule cost', cost, RULE_LIMIT));
    costs.push({ path: `${path}.rule`, cost });
    const { kind } = estimated.type;
    if (kind !== 'bool' && kind !== 'dyn') yield fieldError.invalid(`${path}.rule`, asUpstream(rule), 'cel expression must evaluate to a bool');
    else if (rule.messageExpression) yield* messageFaults(rule, path, variables, type, costs);
  }
  if (isTransition(rule.rule)) {
    if (uncorrelatable !== undefined) yield fieldError.invalid(`${path}.rule`, rule.rule, `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatable}`);
  } else if (rule.optionalOldSelf !== undefined) {
    yield fieldError.invalid(`${path}.optionalOldSelf`, rule.optionalOldSelf, 'may not be set if oldSelf is not used in rule');
  }
}

function* messageFaults(rule: ValidationRule, path: string, variables: Readonly<Record<string, CelType>>, type: CelType, costs: RuleCost[]): Generator<FieldError, void, undefined> {
  const at = `${path}.messageExpression`;
  const estimated = estimateOf(rule.messageExpression!, rule, variables, type);
  if ('fault' in estimated) return yield fieldError.invalid(at, asUpstream(rule), `messageExpression ${estimated.fault}`);
  const { cost, type: { kind } } = estimated;
  if (kind !== 'string' && kind !== 'dyn') return yield fieldError.invalid(at, asUpstream(rule), 'messageExpression must evaluate to a string');
  if (cost > RULE_LIMIT) yield fieldError.forbidden(at, tooExpensive('estimated messageExpression cost', cost, RULE_LIMIT));
  costs.push({ path: at, cost });
}

function estimateOf(source: string, rule: ValidationRule, variables: Readonly<Record<string, CelType>>, self: CelType): { readonly cost: number; readonly type: CelType } | { readonly fault: string } {
  try {
    return compileRule(source, rule).estimate(variables, self);
  } catch (error) {
    if (error instanceof CelError) return { fault: error.message };
    throw error;
  }
}

/** How many values a schema lets its inner schemas have, for each of its own. */
function mostElements({ type, additionalProperties, maxProperties, maxItems }: JsonSchema): number {
  if (type === 'array') return Math.max(0, maxItems ?? Infinity);
  return type === 'object' && additionalProperties !== undefined ? Math.max(0, maxProperties ?? Infinity) : 1;
}

const product = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : a * b);

/** The rule with the names that the fields have in Go, as upstream shows it. */
function asUpstream({ rule, message, messageExpression, reason, fieldPath, optionalOldSelf }: ValidationRule): object {
  return { Rule: rule, Message: message ?? '', MessageExpression: messageExpression ?? '', Reason: reason ?? null, FieldPath: fieldPath ?? '', OptionalOldSelf: optionalOldSelf ?? null };
}

function tooExpensive(what: string, cost: number, limit: number): string {
  const times = cost / limit;
  const factor = times > 100 ? 'more than 100x' : times < 1.5 ? `${times.toFixed(6)}x` : `${times.toFixed(1)}x`;
  return `${what} exceeds budget by factor of ${factor} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}
