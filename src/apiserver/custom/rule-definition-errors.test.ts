import { expect, test } from 'vitest';
import type { JsonSchema, ValidationRule } from './json-schema.ts';
import { ruleDefinitionErrors } from './rule-definition-errors.ts';

const rules = (...given: (string | ValidationRule)[]) => ({ 'x-kubernetes-validations': given.map((rule) => (typeof rule === 'string' ? { rule } : rule)) });
const faults = (properties: Record<string, JsonSchema>): readonly string[] => ruleDefinitionErrors({ type: 'object', properties }, 'schema').map(({ field, message }) => `${field}: ${message}`);
const advice = '(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)';
const strings: JsonSchema = { type: 'array', items: { type: 'string' } };

test('a rule that names what there is not', () => {
  expect(faults({ spec: { type: 'object', properties: { x: { type: 'integer' } }, ...rules('self.z == 100') } })).toEqual([
    'schema.properties[spec].x-kubernetes-validations[0].rule: Invalid value: {"Rule":"self.z == 100","Message":"","MessageExpression":"","Reason":null,"FieldPath":"","OptionalOldSelf":null}: '
      + "compilation failed: ERROR: <input>:1:5: undefined field 'z'\n | self.z == 100\n | ....^",
  ]);
});

test('a rule that could cost too much, by itself or for being asked often', () => {
  const inner: JsonSchema = { ...strings, ...rules("self.all(s, s == 'string constant')") };
  const at = 'schema.properties[x].items.x-kubernetes-validations[0].rule';
  expect(faults({ x: { type: 'array', items: inner } })).toEqual([
    `${at}: Forbidden: estimated rule cost exceeds budget by factor of more than 100x ${advice}`,
    `${at}: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema`,
    `schema: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of more than 100x ${advice}`,
  ]);
  expect(faults({ x: { type: 'array', maxItems: 3, items: inner } })).toEqual([`${at}: Forbidden: estimated rule cost exceeds budget by factor of 1.9x ${advice}`]);
  expect(faults({ x: { type: 'array', maxItems: 10, items: { ...inner, maxItems: 100 } } })).toEqual([]);
});

test('rules and messages of the wrong type', () => {
  const text = { type: 'string' };
  expect(faults({ x: { ...text, ...rules('self') } })[0]).toContain('cel expression must evaluate to a bool');
  expect(faults({ x: { ...text, ...rules({ rule: 'self == "a"', messageExpression: 'self.size()' }) } })[0]).toContain('messageExpression: Invalid value: {"Rule":"self == \\"a\\"","Message":"","MessageExpression":"self.size()"');
  expect(faults({ x: { ...text, ...rules({ rule: 'self == "a"', messageExpression: 'self.size()' }) } })[0]).toContain('messageExpression must evaluate to a string');
});

test('the value before, where it can be told', () => {
  const item = { type: 'object', properties: { name: { type: 'string', maxLength: 9 } }, ...rules('self.name == oldSelf.name') };
  expect(faults({ x: { type: 'array', items: item } })).toEqual(['schema.properties[x].items.x-kubernetes-validations[0].rule: Invalid value: "self.name == oldSelf.name": oldSelf cannot be used on the uncorrelatable portion of the schema within schema.properties[x]']);
  expect(faults({ x: { type: 'array', items: item, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] } })).toEqual([]);
  expect(faults({ x: { type: 'string', ...rules({ rule: 'self == "a"', optionalOldSelf: true }) } })).toEqual(['schema.properties[x].x-kubernetes-validations[0].optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule']);
});
