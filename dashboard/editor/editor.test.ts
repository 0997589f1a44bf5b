import { expect, test } from 'vitest';
import { hunksOf, lineDiff } from './line-diff.ts';
import type { KindSchema } from './schema.ts';
import { schemaAt, typeInWords } from './schema.ts';
import { faultsIn } from './yaml-faults.ts';
import { placeIn } from './yaml-place.ts';

const TEXT = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: hello
spec:
  replicas: 1
  template:
    spec:
      containers:
      - name: a
        image: nginx
        ports:
          - containerPort: 80
      - name: b
        `.split('\n');

test.each([
  ['the top', 0, 3, { path: [], typed: 'api' }],
  ['a field of a mapping', 5, 5, { path: ['spec'], typed: 'rep' }],
  ['a value', 5, 13, { path: ['spec'], key: 'replicas', typed: '1' }],
  ['a list as far left as its key', 9, 12, { path: ['spec', 'template', 'spec', 'containers', 0], typed: 'name' }],
  ['the second line of an item', 10, 13, { path: ['spec', 'template', 'spec', 'containers', 0], typed: 'image' }],
  ['a list in a list', 12, 15, { path: ['spec', 'template', 'spec', 'containers', 0, 'ports', 0], typed: 'con' }],
  ['an empty line', 14, 8, { path: ['spec', 'template', 'spec', 'containers', 0], typed: '' }],
])('where one types is told from the lines above: %s', (_name, row, column, expected) => {
  expect(placeIn(TEXT, row, column)).toMatchObject({ apiVersion: 'apps/v1', kind: 'Deployment', ...expected });
});

test('what is there already is not offered again', () => {
  expect(placeIn(TEXT, 10, 8)!.present).toEqual(['name', 'ports']);
  expect(placeIn(TEXT, 14, 8)!.present).toEqual(['name']);
  expect(placeIn(['# kind: x'], 0, 5)).toBeUndefined();
});

const schema: KindSchema = {
  root: {
    type: 'object',
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      spec: { allOf: [{ $ref: '#/components/schemas/Spec' }], description: 'wished' },
    },
  },
  definitions: {
    Spec: {
      type: 'object',
      properties: {
        replicas: { type: 'integer' },
        paused: { type: 'boolean' },
        ports: { type: 'array', items: { type: 'object', properties: { port: { 'x-kubernetes-int-or-string': true } } } },
        labels: { type: 'object', additionalProperties: { type: 'string' } },
      },
    },
  },
};

test('a schema is followed through references', () => {
  expect(Object.keys(schemaAt(schema, ['spec'])!.properties!)).toEqual(['replicas', 'paused', 'ports', 'labels']);
  expect(typeInWords(schemaAt(schema, ['spec', 'ports']), schema.definitions)).toBe('[]object');
  expect(typeInWords(schemaAt(schema, ['spec', 'ports', 0, 'port']), schema.definitions)).toBe('int or string');
  expect(schemaAt(schema, ['spec', 'none'])).toBeUndefined();
});

test.each([
  ['spec: {replicas: 3, ports: [{port: http}, {port: 80}], labels: {a: b}}', []],
  ['spec: {replicas: "3"}', ['a number is expected here']],
  ['spec: {labels: {a: 1}}', ['a text is expected here: put it in quotes']],
  ['spec: {paused: maybe, repliques: 1}', ['true or false is expected here', 'there is no field repliques here']],
  ['spec: {ports: {port: 1}}', ['a list is expected here']],
  ['spec: [', ['Flow sequence in block collection must be sufficiently indented and end with a ]']],
])('faults in %s', async (text, expected) => {
  const found = await faultsIn(`apiVersion: v1\nkind: Thing\n${text}\n`, async () => schema);
  expect(found.map(({ message }) => message.replace(/ at line.*/, ''))).toEqual(expected);
});

test('the difference of two texts, and only what is near it', () => {
  const before = 'a\nb\nc\nd\ne\nf\ng\nh\n';
  const after = 'a\nb\nc\nD\ne\nf\ng\nh\ni\n';
  expect(lineDiff(before, after).filter(({ sign }) => sign !== ' ')).toEqual([
    { sign: '-', text: 'd', before: 4 },
    { sign: '+', text: 'D', after: 4 },
    { sign: '+', text: 'i', after: 9 },
  ]);
  expect(hunksOf(lineDiff(before, after), 1).map((line) => line && line.sign + line.text)).toEqual([
    ' c',
    '-d',
    '+D',
    ' e',
    null,
    ' h',
    '+i',
  ]);
  expect(lineDiff('', 'x\n')).toEqual([{ sign: '+', text: 'x', after: 1 }]);
});
