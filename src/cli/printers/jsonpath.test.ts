import { expect, test } from 'vitest';
import { compileJsonPath, JsonPathError, relaxedJsonPath } from './jsonpath.ts';

const data = {
  kind: 'List',
  items: [
    { metadata: { name: 'a', labels: { 'app.kubernetes.io/name': 'x' } }, status: { ready: true, addresses: [{ type: 'InternalIP', address: '10.0.0.1' }, { type: 'Hostname', address: 'a' }] }, n: 1 },
    { metadata: { name: 'b' }, status: { ready: false, addresses: [{ type: 'InternalIP', address: '10.0.0.2' }] }, n: 2 },
  ],
};

test.each([
  ['{.kind}', 'List'],
  ['{.items[*].metadata.name}', 'a b'],
  ['{.items[0].metadata.name} and {.items[-1].metadata.name}', 'a and b'],
  ['{range .items[*]}{.metadata.name}{"\\t"}{.n}{"\\n"}{end}', 'a\t1\nb\t2\n'],
  ['{.items[*].status.addresses[?(@.type=="InternalIP")].address}', '10.0.0.1 10.0.0.2'],
  ['{.items[?(@.n>1)].metadata.name}', 'b'],
  ['{.items[?(@.status.ready==true)].metadata.name}', 'a'],
  ['{.items[0:1].metadata.name}', 'a'],
  ["{.items[0]['metadata.name','n']}", 'a 1'],
  ['{.items[0].metadata.labels.app\\.kubernetes\\.io/name}', 'x'],
  ["{.items[0].metadata.labels['app\\.kubernetes\\.io/name']}", 'x'],
  ['{..address}', '10.0.0.1 a 10.0.0.2'],
  ['{.items[0].status.addresses[1]}', '{"address":"a","type":"Hostname"}'],
  ['{$.kind}', 'List'],
  ['{.nothing}', ''],
  ['plain', 'plain'],
  ['{range .items[*]}[{range .status.addresses[*]}{.type},{end}]{end}', '[InternalIP,Hostname,][InternalIP,]'],
])('%s', (template, expected) => {
  expect(compileJsonPath(template)(data, { allowMissingKeys: true })).toBe(expected);
});

test('faults are told', () => {
  expect(() => compileJsonPath('{.items')).toThrow(JsonPathError);
  expect(() => compileJsonPath('{nosuch}')(data, { allowMissingKeys: true })).toThrow('unrecognized identifier nosuch');
  expect(() => compileJsonPath('{.items[a]}')).toThrow('invalid array index a');
  expect(() => compileJsonPath('{end}')(data, { allowMissingKeys: true })).toThrow('not in range');
  expect(() => compileJsonPath('{.items[5].n}')(data, { allowMissingKeys: true })).toThrow('array index out of bounds: index 5, length 2');
  expect(() => compileJsonPath('{.nothing}')(data, { allowMissingKeys: false })).toThrow('nothing is not found');
});

test.each([['metadata.name', '{.metadata.name}'], ['.metadata.name', '{.metadata.name}'], ['{.a}', '{.a}'], ['{a}', '{.a}']])('relaxed %s', (given, expected) => {
  expect(relaxedJsonPath(given)).toBe(expected);
});
