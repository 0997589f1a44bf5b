import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { toKyaml } from './kyaml.ts';

const object = {
  kind: 'ConfigMap', data: { multi: 'line one\nline two\n  indented\n', multi2: 'a\nb', one: 'x\n', empty: '', tab: 'a\tb"c\\d', lead: '\n x\n', uni: 'é😀\u0001' }, metadata: { labels: { yes: 'no', 'a.b/c': '1' }, name: 'on' },
  list: [[1, 2], [], {}, { a: 1 }, 'x', null, 1.5, true], objs: [{ a: 1 }, { b: [1] }],
};

test('is what kubectl prints, and reads back as it was', () => {
  expect(toKyaml(object)).toBe(`---
{
  data: {
    empty: "",
    lead: "\\
       \\n\\
      \\ x\\n\\
      ",
    multi: "\\
       line one\\n\\
       line two\\n\\
      \\  indented\\n\\
      ",
    multi2: "\\
       a\\n\\
       b\\
      ",
    one: "\\
       x\\n\\
      ",
    tab: "a	b\\"c\\\\d",
    uni: "é😀\\x01",
  },
  kind: "ConfigMap",
  list: [
    [
      1,
      2,
    ],
    [],
    {},
    {
      a: 1,
    },
    "x",
    null,
    1.5,
    true,
  ],
  metadata: {
    labels: {
      a.b/c: "1",
      "yes": "no",
    },
    name: "on",
  },
  objs: [{
    a: 1,
  }, {
    b: [
      1,
    ],
  }],
}
`);
  expect(parse(toKyaml(object), { version: '1.1' })).toEqual(object);
});
