import { expect, test } from 'vitest';
import type { JsonSchema } from './json-schema.ts';
import { defaultErrors } from './schema-defaults.ts';

test.each<[string, JsonSchema, readonly string[]]>([
  ['a right one', { type: 'object', default: {}, properties: { a: { type: 'integer', default: 1 } } }, []],
  ['one of another type', { type: 'integer', default: 'x' }, ['s.properties[a].default: Invalid value: "string":  in body must be of type integer: "string"']],
  ['one out of bounds', { type: 'integer', minimum: 1, default: 0 }, ['s.properties[a].default: Invalid value: 0:  in body should be greater than or equal to 1']],
  ['one with unknown fields', { type: 'object', properties: {}, default: { b: 1 } }, ['s.properties[a].default: Invalid value: {"b":1}: must not have unknown fields']],
  ['one that breaks a rule', { type: 'integer', default: 1, 'x-kubernetes-validations': [{ rule: 'self > 1', message: 'more!' }] }, ['s.properties[a].default: Invalid value: 1: more!']],
])('a default: %s', (_, schema, expected) => {
  expect([...defaultErrors({ type: 'object', properties: { a: schema } }, 's')].map((error) => `${error.field}: ${error.message}`)).toEqual(expected);
});
