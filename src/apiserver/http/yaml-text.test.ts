import { expect, test } from 'vitest';
import { YAMLParseError } from 'yaml';
import { parseYamlText } from './yaml-text.ts';

test.each([
  { text: 'a: 1\nb: {c: 2}\n', value: { a: 1, b: { c: 2 } }, fault: undefined },
  { text: '\na: 1\na: 2\n', value: { a: 2 }, fault: 'yaml: unmarshal errors:\n  line 3: key "a" already set in map' },
  { text: '{"a": {"b": "x\\": y"}, "c": [1, {"d": null}]}', value: { a: { b: 'x": y' }, c: [1, { d: null }] }, fault: undefined },
  { text: '{"a": 1,\n"a" : 2}', value: { a: 2 }, fault: 'yaml: unmarshal errors:\n  line 2: key "a" already set in map' },
  { text: '{a: 1, b: [x]}', value: { a: 1, b: ['x'] }, fault: undefined },
  { text: 'a: 0644\nb: [yes, Off, 0o17, 0x1F, 1_000, 08, -.5, 1E400]\nc: [1:30, 2020-01-01, 1.2.3, .]\n', value: { a: 420, b: [true, false, 15, 31, 1000, 8, -0.5, '1E400'], c: ['1:30', '2020-01-01', '1.2.3', '.'] }, fault: undefined },
  { text: 'x: &a {b: 1}\nc: {<<: *a, d: !!binary YQ==}\n', value: { x: { b: 1 }, c: { b: 1, d: 'a' } }, fault: undefined },
  { text: 'list:\n- {x: 1, x: 2}\n- x: 1\nlist: []\n', value: { list: [] }, fault: 'yaml: unmarshal errors:\n  line 4: key "list" already set in map\n  line 2: key "x" already set in map' },
])('$text', ({ text, value, fault }) => {
  expect(parseYamlText(text, true)).toEqual({ value, ...(fault && { fault }) });
  expect(parseYamlText(text, false)).toEqual({ value });
});

test('refuses what is no YAML', () => {
  expect(() => parseYamlText('a: [1', false)).toThrow(YAMLParseError);
});

test('refuses deep JSON at once', () => {
  expect(() => parseYamlText('{"a":'.repeat(5000), true)).toThrow('exceeded max depth');
});
