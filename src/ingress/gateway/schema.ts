import type { JSONSchemaProps } from '../../api/generated/apiextensions-v1.ts';

/** Short words for schemas of custom resources. */
export type Schema = JSONSchemaProps;
/** An expression in CEL, and what is told when it is false. */
export type Check = readonly [rule: string, message: string];

interface TextLimits {
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly default?: string;
  readonly enum?: readonly string[];
}

export function text({ min, max, pattern, default: otherwise, enum: allowed }: TextLimits = {}, ...checks: Check[]): Schema {
  return {
    type: 'string', ...(min !== undefined && { minLength: min }), ...(max !== undefined && { maxLength: max }), ...(pattern && { pattern }), ...(otherwise !== undefined && { default: otherwise }),
    ...(allowed && { enum: allowed }), ...checked(checks),
  } as Schema;
}

export function whole(min: number, max?: number, more: object = {}): Schema {
  return { type: 'integer', format: 'int32', minimum: min, ...(max !== undefined && { maximum: max }), ...more } as Schema;
}

/** A `!` after a name: it must be there. */
export function object(fields: Readonly<Record<string, Schema>>, ...checks: Check[]): Schema {
  const required = Object.keys(fields).filter((name) => name.endsWith('!')).map((name) => name.slice(0, -1));
  return {
    type: 'object', properties: Object.fromEntries(Object.entries(fields).map(([name, schema]) => [name.replace(/!$/, ''), schema])), ...(required.length > 0 && { required: required.toSorted() }), ...checked(checks),
  } as Schema;
}

export function mapOf(values: Schema, max: number, ...checks: Check[]): Schema {
  return { type: 'object', additionalProperties: values, maxProperties: max, ...checked(checks) } as Schema;
}

interface ListLimits {
  readonly min?: number;
  readonly max?: number;
  /** Field by which items are told apart; else the list is one value, or a set. */
  readonly key?: string;
  readonly set?: boolean;
}

export function list(items: Schema, { min, max, key, set }: ListLimits, ...checks: Check[]): Schema {
  return {
    type: 'array', items, ...(min !== undefined && { minItems: min }), ...(max !== undefined && { maxItems: max }),
    'x-kubernetes-list-type': key ? 'map' : set ? 'set' : 'atomic', ...(key && { 'x-kubernetes-list-map-keys': [key] }), ...checked(checks),
  } as Schema;
}

export function withDefault(schema: Schema, value: unknown): Schema {
  return { ...schema, default: value } as Schema;
}

function checked(checks: readonly Check[]): object {
  return checks.length > 0 ? { 'x-kubernetes-validations': checks.map(([rule, message]) => ({ rule, message })) } : {};
}
