import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { toYaml } from './yaml.ts';

const long = 'The node was low on resource: ephemeral-storage. Container x was using 63672Ki, which exceeds its request of 0.';

describe('toYaml', () => {
  it.each([
    [{ b: 1, a: [], c: {}, d: null, e: true }, 'a: []\nb: 1\nc: {}\nd: null\ne: true\n'],
    [{ a: [{ x: 1, y: [1, [2, 3]] }, 'text'] }, 'a:\n- x: 1\n  "y":\n  - 1\n  - - 2\n    - 3\n- text\n'],
    [{ a: 'true', b: '1', c: '', d: 'n', e: '2026-11-23T09:17:26Z', f: '1e3', g: '12:30', h: '100m', i: '0x1f', j: '1.5', k: '10.0.0.1' }, 'a: "true"\nb: "1"\nc: ""\nd: "n"\ne: "2026-11-23T09:17:26Z"\nf: "1e3"\ng: "12:30"\nh: 100m\ni: "0x1f"\nj: "1.5"\nk: 10.0.0.1\n'],
    [{ a: '*/5 * * * *', b: 'x: y', c: '- x', d: '#x', e: 'a #b', f: "it's", g: '@x', h: 'ends ', i: '-', j: '-x', k: ':x', l: 'x:' }, "a: '*/5 * * * *'\nb: 'x: y'\nc: '- x'\nd: '#x'\ne: 'a #b'\nf: it's\ng: '@x'\nh: 'ends '\ni: '-'\nj: -x\nk: :x\nl: 'x:'\n"],
    [{ a: 'one\ntwo\n', b: 'one\ntwo', c: 'one\n\n', d: ' one\ntwo\n', e: 'a = 1\n\tb\n', f: 'tab\t' }, 'a: |\n  one\n  two\nb: |-\n  one\n  two\nc: |+\n  one\n\nd: |2\n   one\n  two\ne: "a = 1\\n\\tb\\n"\nf: "tab\\t"\n'],
    [{ list: [{ message: long }] }, 'list:\n- message: \'The node was low on resource: ephemeral-storage. Container x was using\n    63672Ki, which exceeds its request of 0.\'\n'],
    [{ a10: 1, a2: 1, 'a-b': 1, aB: 1, 'f:x': 1, '.': {} }, '.: {}\na-b: 1\na2: 1\na10: 1\naB: 1\nf:x: 1\n'],
    [{ a: '😀', b: 'ü', c: '\u0001' }, 'a: "\\U0001F600"\nb: ü\nc: "\\x01"\n'],
  ])('%j', (value, expected) => {
    expect(toYaml(value)).toBe(expected);
    expect(parse(toYaml(value), { version: '1.1', schema: 'core' })).toEqual(value);
  });
});
