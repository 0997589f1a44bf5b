import { expect, test } from 'vitest';
import type { JsonSchema, ValidationRule } from './json-schema.ts';
import { ruleErrors } from './validation-rules.ts';

const schema = (inner: JsonSchema, rule: string | ValidationRule): JsonSchema => ({ ...inner, 'x-kubernetes-validations': [typeof rule === 'string' ? { rule, message: 'refused' } : { message: 'refused', ...rule }] });
const refused = (value: unknown, inner: JsonSchema, rule: string | ValidationRule, previous?: unknown): readonly string[] =>
  [...ruleErrors(value, schema(inner, rule), 'spec', previous)].map(({ message }) => (message.includes('error') ? message : 'refused'));

const object = (properties: Record<string, JsonSchema>): JsonSchema => ({ type: 'object', properties });

test.each<[string, unknown, JsonSchema]>([
  ['has(self.__namespace__) && self.__namespace__ == "a"', { namespace: 'a' }, object({ namespace: { type: 'string' } })],
  ['self.max__dash__age == 1 && self.a__underscores__b == 2', { 'max-age': 1, a__b: 2 }, object({ 'max-age': { type: 'integer' }, a__b: { type: 'integer' } })],
  ['"a.b/c-d" in self', { 'a.b/c-d': 'x' }, { type: 'object', additionalProperties: { type: 'string' } }],
  ['self.ratio / 2.0 == 2.5', { ratio: 5 }, object({ ratio: { type: 'number' } })],
  ['self.end - self.start == self.took && self.took < duration("2h")', { start: '2026-01-01T00:00:00Z', end: '2026-01-01T01:30:00Z', took: '1h30m' }, object({ start: { type: 'string', format: 'date-time' }, end: { type: 'string', format: 'date-time' }, took: { type: 'string', format: 'duration' } })],
  ['self.data == b"abc"', { data: 'YWJj' }, object({ data: { type: 'string', format: 'byte' } })],
  ['type(self.port) == int ? self.port == 80 : self.port == "http"', { port: 80 }, object({ port: { 'x-kubernetes-int-or-string': true } })],
  ['self.size() > 1 && has(self[0].a) && !has(self[1].a)', [{ a: 1 }, {}], { type: 'array', items: object({ a: { type: 'integer' } }) }],
])('%s', (rule, value, inner) => {
  expect(refused(value, inner, rule)).toEqual([]);
  expect(refused(value, inner, `!(${rule})`)).toEqual(['refused']);
});

test('a rule with an optional old value is asked of new ones too', () => {
  const rule = { rule: 'oldSelf.hasValue() ? self >= oldSelf.value() : self > 0', optionalOldSelf: true };
  expect(refused(1, { type: 'integer' }, rule)).toEqual([]);
  expect(refused(0, { type: 'integer' }, rule)).toEqual(['refused']);
  expect(refused(2, { type: 'integer' }, rule, 3)).toEqual(['refused']);
});

test('what did not change since an update before the rule came is let pass', () => {
  expect(refused({ a: 1 }, object({ a: { type: 'integer' } }), 'self.a > 1', { a: 1 })).toEqual([]);
  expect(refused({ a: 0 }, object({ a: { type: 'integer' } }), 'self.a > 1', { a: 1 })).toEqual(['refused']);
  const list: JsonSchema = { type: 'array', items: { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self > 1' }] } };
  expect([...ruleErrors([1], list, 'spec', [1])]).toEqual([]);
  expect([...ruleErrors([1, 2], list, 'spec', [1])]).toHaveLength(1);
});

test('an expression, and all rules together, may cost so much and no more', () => {
  const list = { type: 'array', items: { type: 'integer' } };
  const numbers = Array.from({ length: 725 }, () => 20);
  const messages = (value: unknown, given: JsonSchema): readonly string[] => [...ruleErrors(value, given, 'spec', undefined)].map(({ message }) => message);
  expect(messages(numbers, { ...list, 'x-kubernetes-validations': [{ rule: 'self.all(x, self.all(y, y == x))' }, { rule: 'false' }] })).toEqual([
    "Invalid value: \"array\": 'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit for rule: self.all(x, self.all(y, y == x))",
  ]);
  const often = { type: 'array', items: { ...list, 'x-kubernetes-validations': [{ rule: 'self.all(x, x == 20)' }] } };
  expect(messages(Array.from({ length: 3000 }, () => numbers), often)).toEqual(['Invalid value: "array": validation failed due to running out of cost budget, no further validation rules will be run']);
  expect(messages(Array.from({ length: 300 }, () => numbers), often)).toEqual([]);
});

test('a message that an expression makes', () => {
  const made = (messageExpression: string) => [...ruleErrors('x', { type: 'string', 'x-kubernetes-validations': [{ rule: 'self == "y"', message: 'fixed', messageExpression }] }, 'spec', undefined)].map(({ message }) => message);
  expect(made('self + " is not y"')).toEqual(['Invalid value: "x": x is not y']);
  expect(made('" "')).toEqual(['Invalid value: "x": fixed']);
  expect(made('"a\\nb"')).toEqual(['Invalid value: "x": fixed']);
  expect(made('[self][1]')).toEqual(['Invalid value: "x": fixed']);
});
