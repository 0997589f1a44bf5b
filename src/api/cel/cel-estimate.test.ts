import { expect, test } from 'vitest';
import { celCompiler } from './cel.ts';
import { BOOL, DOUBLE, DYN, INT, STRING, type CelType } from './cel-type.ts';

const LONGEST = 3 * 1024 * 1024;
const text = (max = LONGEST - 2): CelType => ({ ...STRING, max });
const list = (of: CelType, max = Math.floor((LONGEST - 2) / (of.minBytes + 1))): CelType => ({ kind: 'list', of, max, minBytes: 2 });
const object = (fields: Record<string, CelType>, minBytes = 2): CelType => ({ kind: 'object', fields: new Map(Object.entries(fields)), max: 0, minBytes });

const self = object({
  s: text(), t: text(80), i: INT, d: DOUBLE, b: BOOL, l: list(text()), l2: list(text(20), 10), lo: list(object({ name: text(), n: INT }, 12), 50), li: list(INT), ll: list(list(text())),
  m: { kind: 'map', of: text(), max: Math.floor((LONGEST - 2) / 8), minBytes: 2 }, o: object({ x: INT, y: object({ z: text() }) }), ios: { ...DYN, max: LONGEST - 2, minBytes: 1 }, max: INT, e: text(3), lim: list(text(36), 7),
  dur: { ...STRING, kind: 'duration', max: 32, minBytes: 3 }, ts: { ...STRING, kind: 'timestamp', max: 32, minBytes: 21 }, by: { ...STRING, kind: 'bytes', max: LONGEST - 2 },
});
const compile = celCompiler({ variables: ['self', 'oldSelf'] });
const estimate = (rule: string) => compile(rule).estimate({ self, oldSelf: self }, self);

// The numbers are those of upstream's estimator: which rules a definition may have depends on them.
test.each<[string, number]>([
  [`self.s == 'abc'`, 3],
  [`self.i > 3 && self.i + 1 < 5`, 7],
  [`size(self.s) < 10`, 4],
  [`self.s.contains('x')`, 314_575],
  [`self.s.contains(self.t)`, 2_516_588],
  [`self.s.startsWith('x') && self.s.endsWith(self.t)`, 15],
  [`self.s.matches('^[a-z]+$')`, 629_148],
  [`self.s.replace('a','bb') == self.t`, 629_158],
  [`self.s.replace('aa','b') == self.t`, 629_158],
  [`self.s.split(',').size() > 2`, 629_150],
  [`self.l.join('-') == self.t`, 329_853_068_915],
  [`self.l.all(x, x.startsWith('a'))`, 5_242_878],
  [`self.l.exists(x, x == self.s)`, 329_860_723_503],
  [`self.l.exists_one(x, x == self.s)`, 329_858_626_354],
  [`self.l.map(x, x + 'a').all(y, y == self.s)`, 329_873_306_414],
  [`self.l.filter(x, x != 'a').all(y, y == self.t)`, 22_020_089],
  [`self.lo.all(o, self.lo.exists(p, p.name == o.name))`, 786_452_803],
  [`self.lo.map(o, o.n).sum() > 3`, 764],
  [`self.lo.map(o, o.n > 1, o.name).size() == 1`, 865],
  [`self.s.indexOf('a') == 1`, 314_576],
  [`self.li.max() < 10 && self.li.min() > 0`, 3_145_732],
  [`self.m.all(k, k.startsWith('a') && self.m[k] == 'b')`, 3_932_153],
  [`'a' in self.l`, 1_048_577],
  [`has(self.o.x) && self.o.x == 3`, 5],
  [`!has(self.o.x) || self.o.y.z == 'q'`, 8],
  [`self.?s.hasValue()`, 3],
  [`self.o.?y.optMap(v, v.z).orValue('') == 'x'`, 23],
  [`(self.l + self.l).size() > 1`, 7],
  [`[1,2,3].all(x, x > self.i)`, 32],
  [`self.b ? self.s == 'a' : self.t == 'b'`, 5],
  [`(self.b ? self.s : self.t) == 'x'`, 5],
  [`self.l == self.l2`, 5],
  [`type(self.ios) == int ? self.ios < 5 : self.ios.size() > 1`, 8],
  [`duration(self.s) > duration('1s')`, 5],
  [`self.ts.getFullYear() > 2000`, 4],
  [`self.s.find('a') == 'a'`, 314_576],
  [`self.s.findAll('a+').size() > 1`, 314_577],
  [`isQuantity(self.s)`, 314_575],
  [`ip(self.s).family() == 4`, 314_577],
  [`cidr(self.s).containsIP(self.t)`, 314_589],
  [`format.named('uuid').value().validate(self.s).hasValue()`, 10_066_341],
  [`sets.equivalent(self.l, self.l2)`, 20_971_505],
  [`self.l.slice(0, 2) == self.l`, 18],
  [`lists.range(3).all(i, i < 3)`, 30],
  [`self.lo.sortBy(o, o.name) == self.lo`, 5_993],
  [`self.l.all(i, v, v == 'a' && i > 0)`, 7_340_028],
  [`self.m.exists(k, v, k == v)`, 2_359_293],
  [`self.l.transformList(i, v, v + 'x').size() > 1`, 329_867_014_965],
  [`'%s-%d'.format([self.s, self.i]) == 'x'`, 16],
  [`oldSelf.s == self.s`, 314_577],
  [`self.lim.all(x, self.lim.exists(y, x == y))`, 535],
])('%s', (rule, cost) => expect(estimate(rule)).toMatchObject({ cost, type: { kind: 'bool' } }));

test.each<[string, string]>([
  [`self.nosuch == 3`, "ERROR: <input>:1:5: undefined field 'nosuch'\n | self.nosuch == 3\n | ....^"],
  [`self.o.nosuch == 3`, "ERROR: <input>:1:7: undefined field 'nosuch'\n | self.o.nosuch == 3\n | ......^"],
  [`!has(self.nosuch)`, "ERROR: <input>:1:5: undefined field 'nosuch'\n | !has(self.nosuch)\n | ....^"],
  [`self.lo.all(o, o.nosuch == 1)`, "ERROR: <input>:1:17: undefined field 'nosuch'\n | self.lo.all(o, o.nosuch == 1)\n | ................^"],
  [`self.s.foo == 'a'`, "ERROR: <input>:1:7: type 'string' does not support field selection\n | self.s.foo == 'a'\n | ......^"],
  [`self.i + 'a' == 'b'`, "ERROR: <input>:1:8: found no matching overload for '_+_' applied to '(int, string)'\n | self.i + 'a' == 'b'\n | .......^"],
  [`self.i == 'a'`, "ERROR: <input>:1:8: found no matching overload for '_==_' applied to '(int, string)'\n | self.i == 'a'\n | .......^"],
  [`self.l.all(x, x > 3)`, "ERROR: <input>:1:17: found no matching overload for '_>_' applied to '(string, int)'\n | self.l.all(x, x > 3)\n | ................^"],
])('%s is refused', (rule, message) => expect(() => estimate(rule)).toThrow(`compilation failed: ${message}`));

test('what nothing bounds costs without end', () => expect(estimate('self.lo.map(o, o.name).isSorted()').cost).toBe(Infinity));
