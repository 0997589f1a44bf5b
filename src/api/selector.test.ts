import { describe, expect, it } from 'vitest';
import { parseFieldSelector } from './field-selector.ts';
import { scaledValue } from './int-or-string.ts';
import { isDns1035Label, isDns1123Label, isDns1123Subdomain, isLabelValue, isQualifiedName } from './names.ts';
import { formatLabelSelector, parseSelector, selectorOf } from './selector.ts';

describe('label selectors', () => {
  it.each([
    ['', { a: '1' }, true], ['a=1', { a: '1' }, true], ['a==1', { a: '1' }, true], ['a=1', {}, false], ['a!=1', {}, true], ['a!=1', { a: '1' }, false],
    ['a', { a: '' }, true], ['!a', { a: '' }, false], ['!a', {}, true], ['a in (1,2)', { a: '2' }, true], ['a in (1, 2),b', { a: '2' }, false],
    ['a notin (1,2)', { a: '2' }, false], ['a notin (1,2)', {}, true], ['a in ()', { a: '' }, true], ['a in (,x)', { a: '' }, true], ['a>3', { a: '10' }, true], ['a<3', { a: '10' }, false],
    ['a>3', { a: 'x' }, false], ['in in (in,notin)', { in: 'notin' }, true], ['a=', { a: '' }, true], ['x.io/a=b , c = d', { 'x.io/a': 'b', c: 'd' }, true],
  ])('%s', (text, labels, expected) => expect(parseSelector(text).matches(labels as Record<string, string>)).toBe(expected));

  it('prints in order of keys', () => {
    expect(parseSelector('z,b notin (2,1),!c,a=1,d!=2,e>1').toString()).toBe('a=1,b notin (1,2),!c,d!=2,e>1,z');
    expect(formatLabelSelector({ matchLabels: { b: '2', a: '1' }, matchExpressions: [{ key: 'c', operator: 'In', values: ['y', 'x'] }, { key: 'd', operator: 'DoesNotExist' }] }))
      .toBe('a=1,b=2,c in (x,y),!d');
    expect(formatLabelSelector({})).toBe('<none>');
  });

  it.each([
    ['a,', "found '', expected: identifier after ','"], ['a=b=c', "found '=', expected: ',' or 'end of string'"], [',a', "found ',', expected: !, identifier, or 'end of string'"],
    ['a in 1', "unable to parse requirement: found '1' expected: '('"], ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ['a=@', `unable to parse requirement: values[0][a]: Invalid value: "@": a valid label must be an empty string or consist of alphanumeric characters`],
  ])('refuses %s', (text, message) => expect(() => parseSelector(text)).toThrow(message));

  it('takes an absent object for nothing and an empty one for everything', () => {
    expect(selectorOf(undefined).matches({})).toBe(false);
    expect(selectorOf({}).matches({ a: '1' })).toBe(true);
    expect(() => selectorOf({ matchExpressions: [{ key: 'a', operator: 'Is' }] })).toThrow('"Is" is not a valid label selector operator');
  });
});

describe('field selectors', () => {
  it('matches, unescapes and prints', () => {
    const selector = parseFieldSelector('metadata.name=a\\,b,status.phase!=Running');
    expect(selector.matches({ 'metadata.name': 'a,b' })).toBe(true);
    expect(selector.matches({ 'metadata.name': 'a,b', 'status.phase': 'Running' })).toBe(false);
    expect(selector.exactValue('metadata.name')).toBe('a,b');
    expect(selector.toString()).toBe('metadata.name=a\\,b,status.phase!=Running');
    expect(() => parseFieldSelector('foo')).toThrow("invalid selector: 'foo'; can't understand 'foo'");
  });
});

describe('names', () => {
  it('words faults as upstream', () => {
    expect(isDns1123Subdomain('a.b-c')).toEqual([]);
    expect(isDns1123Label('a.b')).toEqual(['must not contain dots']);
    expect(isDns1123Label('A')).toEqual(["a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"]);
    expect(isDns1123Label('a'.repeat(64))).toEqual(['must be no more than 63 characters']);
    expect(isDns1035Label('1a')).toHaveLength(1);
    expect(isQualifiedName('example.com/a_b.C')).toEqual([]);
    expect(isQualifiedName('/a')).toEqual(['prefix part must be non-empty']);
    expect(isQualifiedName('a/b/c')).toHaveLength(1);
    expect(isQualifiedName('')).toEqual(['name part must be non-empty', expect.stringContaining('name part must consist of')]);
    expect(isLabelValue('')).toEqual([]);
    expect(isLabelValue('-a')).toHaveLength(1);
  });
});

it('scales percentages', () => {
  expect([scaledValue('25%', 10, true), scaledValue('25%', 10, false), scaledValue(3, 10, true)]).toEqual([3, 2, 3]);
  expect(() => scaledValue('x', 1, true)).toThrow('invalid value for IntOrString: invalid type: string is not a percentage');
});
