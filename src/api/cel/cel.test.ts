import { expect, test } from 'vitest';
import { celCompiler } from './cel.ts';
import { fromCel } from './cel-value.ts';

const compile = celCompiler({ variables: ['object', 'oldObject'] });
const object = {
  metadata: { name: 'web', labels: { app: 'web' } },
  spec: { replicas: 5, ratio: 1.5, ports: [{ name: 'a', port: 80 }, { port: 81 }], memory: '1Gi', host: 'https://example.com:8080/p?x=1&x=2', ips: ['10.1.2.3', 'fd00::1'] },
};

test.each<[string, unknown]>([
  ['object.spec.replicas + 1 == 6 && object.spec.replicas % 2 == 1', true],
  ['object.spec.replicas < 5.5 && object.spec.ratio > 1', true],
  ['has(object.spec.nope) || has(object.spec.ratio)', true],
  ['object.?spec.?nope.orValue("none")', 'none'],
  ['object.spec.ports.exists(p, has(p.name) && p.port == 80)', true],
  ['object.spec.ports.map(p, p.port).sum()', 161],
  ['object.spec.ports.filter(p, !has(p.name)).size()', 1],
  ['object.metadata.name.matches("^w.b$") && "a.matches(b)" == "a.matches(b)"', true],
  ['matches(object.metadata.name, "^x")', false],
  ['"x12y345".findAll("[0-9]+")', ['12', '345']],
  ['quantity(object.spec.memory).isGreaterThan(quantity("900Mi"))', true],
  ['quantity("1k").asInteger() + 1', 1001],
  ['url(object.spec.host).getHostname() + url(object.spec.host).getPort()', 'example.com8080'],
  ['url(object.spec.host).getQuery()["x"][1]', '2'],
  ['cidr("10.0.0.0/8").containsIP(object.spec.ips[0]) && ip(object.spec.ips[1]).family() == 6', true],
  ['"%s has %d, %.2f".format([object.metadata.name, object.spec.replicas, object.spec.ratio])', 'web has 5, 1.50'],
  ['[3, 1, 2].max() == 3 && [1, 1, 2].distinct().size() == 2 && ["a", "b"].isSorted() && [1, 2].indexOf(2) == 1', true],
  ['oldObject == null', true],
  ['object.metadata.labels.all(k, k == "app")', true],
  ['{"a": object.spec.replicas}', { a: 5 }],
  ['has(object.spec.ports[0].name) && !has(object.spec.ports[1].name) && !has({"a": 1}.b) && "has(x)" == "has(x)"', true],
  ['object.spec.ports.all(i, p, has(p.name) == (i == 0)) && object.metadata.labels.exists(k, v, k == "app" && v == "web")', true],
  ['object.spec.ports.transformList(i, p, i > 0, p.port)', [81]],
  ['object.metadata.labels.transformMap(k, v, k + v)', { app: 'appweb' }],
  ['object.spec.ports.all(p, object.spec.ports.existsOne(i, q, p.port == q.port))', true],
  ['object.spec.?ratio.optMap(r, r * 2.0).orValue(0.0)', 3],
  ['object.spec.ports.sortBy(p, -p.port).map(p, p.port)', [81, 80]],
  ['sets.contains([1, 2], [2]) && sets.equivalent([1, 1, 2], [2, 1]) && !sets.intersects([1], [2])', true],
  ['!format.dns1123Label().validate("web").hasValue() && format.named("uuid").value().validate("x").value()[0].contains("UUID")', true],
  ['semver("1.10.0-rc.1").isGreaterThan(semver("1.9.0")) && semver("v1.2", true).minor() == 2 && !isSemver("1.2")', true],
  ['ip.isCanonical("fd00::1") && !ip.isCanonical("fd00:0::1") && string(cidr("10.1.2.3/8").masked()) == "10.0.0.0/8"', true],
  ['format.dns1123Label().validate("web") != null && object.?nope != null', true],
  ['lists.range(3).map(i, i + 1).reverse()', [3, 2, 1]],
  ['"a-b-c".replace("-", "+") + "abc".reverse()', 'a+b+ccba'],
])('%s', (source, expected) => {
  expect(fromCel(compile(source).evaluate({ object, oldObject: null }))).toEqual(expected);
});

test('faults are told as CelErrors', () => {
  expect(() => compile('object.spec ==')).toThrow('compilation failed: ERROR: <input>:1:15: Syntax error: Unexpected token: EOF\n | object.spec ==\n | ..............^');
  expect(() => compile('nobody == 1')).toThrow("ERROR: <input>:1:1: undeclared reference to 'nobody' (in container '')");
  expect(() => compile('object.spec.none > 1').evaluate({ object, oldObject: null })).toThrow('no such key: none');
});

test('a pattern that would take forever does not', () => {
  expect(compile('("a" + object.t).matches("^(a+)+$")').evaluate({ object: { t: `${'a'.repeat(60)}!` }, oldObject: null })).toBe(false);
});
