import { expect, test } from 'vitest';
import { embeddedErrors } from './embedded-objects.ts';
import type { JsonSchema } from './json-schema.ts';
import { jsonPath } from './json-path.ts';
import { listErrors } from './list-invariants.ts';
import { fillDefaults, prune } from './prune.ts';
import { validateValue } from './validate-value.ts';

test.each<[string, unknown, JsonSchema, string[]]>([
  ['type', 'x', { type: 'integer' }, ['Invalid value: "string": f in body must be of type integer: "string"']],
  ['whole numbers are numbers', 1, { type: 'number' }, []],
  ['null', null, { type: 'string' }, ['Invalid value: "null": f in body must be of type string: "null"']],
  ['nullable', null, { type: 'string', nullable: true }, []],
  ['int or string', true, { 'x-kubernetes-int-or-string': true }, ['Invalid value: "boolean": f in body must be of type integer,string: "boolean"']],
  ['enum', 'c', { type: 'string', enum: ['a', 'b'] }, ['Unsupported value: "c": supported values: "a", "b"']],
  ['too long', 'abc', { type: 'string', maxLength: 2 }, ['Too long: may not be more than 2 bytes']],
  ['too short', 'a', { type: 'string', minLength: 2 }, ['Invalid value: "a": f in body should be at least 2 chars long']],
  ['pattern', 'a', { type: 'string', pattern: '^b' }, ["Invalid value: \"a\": f in body should match '^b'"]],
  ['format', 'x', { type: 'string', format: 'date-time' }, ['Invalid value: "x": f in body must be of type date-time: "x"']],
  ['maximum', 5, { type: 'integer', maximum: 5, exclusiveMaximum: true }, ['Invalid value: 5: f in body should be less than 5']],
  ['multiple', 5, { type: 'integer', multipleOf: 2 }, ['Invalid value: 5: f in body should be a multiple of 2']],
  ['items', [1], { type: 'array', minItems: 2, items: { type: 'string' } }, ['Invalid value: 1: f in body should have at least 2 items', 'Invalid value: "integer": f[0] in body must be of type string: "integer"']],
  ['additional', { a: 1 }, { type: 'object', additionalProperties: { type: 'string' } }, ['Invalid value: "integer": f.a in body must be of type string: "integer"']],
  ['oneOf', { a: 1, b: 1 }, { type: 'object', oneOf: [{ required: ['a'] }, { required: ['b'] }] }, ['Invalid value: "": "f" must validate one and only one schema (oneOf). Found 2 valid alternatives']],
  ['anyOf', {}, { type: 'object', anyOf: [{ required: ['a'] }, { required: ['b'] }] }, ['Invalid value: "": "f" must validate at least one schema (anyOf)', 'Required value']],
  ['a value of another type is checked on', {}, { type: 'string', enum: ['a'], minLength: 2 }, ['Invalid value: "object": f in body must be of type string: "object"', 'Unsupported value: {}: supported values: "a"']],
  ['another type where a format is asked for', true, { type: 'integer', format: 'int32' }, ['Invalid value: "": f in body must be of type int32: ""']],
  ['a fraction', 1.5, { type: 'integer' }, ['Invalid value: "number": f in body must be of type integer: "number"', 'Invalid value: "": Checked value must be of type integer (default format) in f']],
  ['one fault of a text', '', { type: 'string', minLength: 1, pattern: 'a' }, ['Invalid value: "": f in body should be at least 1 chars long']],
  ['allOf', 1, { type: 'integer', allOf: [{ minimum: 2 }, { maximum: 2 }] }, ['Invalid value: 1: f in body should be greater than or equal to 2', 'Invalid value: "": "f" must validate all the schemas (allOf)']],
  ['the alternative that comes farthest', { a: 1, b: 'x' }, { type: 'object', anyOf: [{ required: ['c'] }, { required: ['c'], properties: { a: { minimum: 1 }, b: { minLength: 1 } } }] }, ['Invalid value: "": "f" must validate at least one schema (anyOf)', 'Required value']],
  ['too many', [1, 2], { type: 'array', maxItems: 1 }, ['Too many: 2: must have at most 1 item']],
  ['not', 'a', { type: 'string', not: { enum: ['a'] } }, ['Invalid value: "": "f" must not validate the schema (not)']],
])('%s', (_name, value, schema, messages) => {
  expect([...validateValue(value, schema, 'f')].map(({ message }) => message)).toEqual(messages);
});

test('prunes what no schema names', () => {
  const schema: JsonSchema = { type: 'object', properties: { a: { type: 'object', additionalProperties: { type: 'object', properties: { x: {} } } }, open: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { b: { type: 'object' } } } } };
  const unknown: string[] = [];
  expect(prune({ a: { k: { x: 1, y: 2 } }, open: { z: 1, b: { c: 1 } }, q: 1 }, schema, unknown)).toEqual({ a: { k: { x: 1 } }, open: { z: 1, b: {} } });
  expect(unknown).toEqual(['a.k.y', 'open.b.c', 'q']);
});

test('keeps what an embedded object is known by, and prunes its metadata', () => {
  const schema: JsonSchema = { type: 'object', properties: { e: { type: 'object', 'x-kubernetes-embedded-resource': true, properties: { spec: { type: 'object' } } } } };
  const unknown: string[] = [];
  const value = { e: { apiVersion: 'v1', kind: 'X', metadata: { name: 'n', odd: 1 }, spec: {}, other: 1 } };
  expect(prune(value, schema, unknown)).toEqual({ e: { apiVersion: 'v1', kind: 'X', metadata: { name: 'n' }, spec: {} } });
  expect(unknown).toEqual(['e.metadata.odd', 'e.other']);
});

test('fills defaults in, also where null stands and may not', () => {
  const schema: JsonSchema = { type: 'object', properties: { a: { type: 'integer', default: 1 }, b: { type: 'object', default: {}, properties: { c: { type: 'string', default: 'd' } } }, n: { type: 'string', nullable: true, default: 'x' }, gone: { type: 'string' } } };
  expect(fillDefaults({ a: null, n: null, gone: null }, schema)).toEqual({ a: 1, b: { c: 'd' }, n: null });
  const whole = { a: 2, b: { c: 'e' }, n: 'y' };
  expect(fillDefaults(whole, schema)).toBe(whole);
});

test.each<[string, readonly unknown[]]>([
  ['.spec.replicas', [3]], ['.status.conditions[?(@.type=="Ready")].status', ['True']], ['.spec.ports[0].port', [80]], ['.spec.ports[*].port', [80, 443]],
  ['.metadata.annotations.example\\.com/a', ['b']], [".metadata.annotations['example.com/a']", ['b']], ['.spec.none.x', []], ['nonsense', []],
])('JSON path %s', (path, expected) => {
  const object = { metadata: { annotations: { 'example.com/a': 'b' } }, spec: { replicas: 3, ports: [{ port: 80 }, { port: 443 }] }, status: { conditions: [{ type: 'Ready', status: 'True' }] } };
  expect(jsonPath(path)(object)).toEqual(expected);
});

test('lists that hold each item once', () => {
  const map: JsonSchema = { type: 'object', properties: { l: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'], items: { type: 'object' } } } };
  const faults = (value: unknown, schema: JsonSchema): readonly string[] => listErrors(value, schema, '').map(({ field, message }) => `${field}: ${message}`);
  expect(faults({ l: [{ k: 1 }, { k: 1, x: 2 }, { k: 1 }, {}, {}] }, map)).toEqual(['l[1]: Duplicate value: {"k":1}', 'l[4]: Duplicate value: {}']);
  expect(faults({ l: [{ k: 1 }, 'x'] }, map)).toEqual(['l[1]: Invalid value: "x": must be an object for an array of list-type map']);
  expect(faults([1, 'a', 1, 1], { type: 'array', 'x-kubernetes-list-type': 'set' })).toEqual(['[2]: Duplicate value: 1']);
});

test('objects within objects', () => {
  const schema: JsonSchema = { type: 'object', properties: { e: { type: 'object', 'x-kubernetes-embedded-resource': true } } };
  const faults = (e: object): readonly string[] => embeddedErrors({ e }, schema, '').map(({ field, message }) => `${field}: ${message}`);
  expect(faults({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', labels: { b: 'c' } } })).toEqual([]);
  expect(faults({ kind: 5, metadata: { labels: { 'a b': 'c' } } })).toEqual(['e.apiVersion: Required value', 'e.kind: Invalid value: 5: must be a string', expect.stringContaining('e.metadata.labels: Invalid value: "a b"')]);
  expect(faults({ apiVersion: 'a/b/c', kind: '' })).toEqual(['e.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c', 'e.kind: Invalid value: "": must not be empty']);
});
