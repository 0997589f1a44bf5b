import { describe, expect, test } from 'vitest';
import { customResourceDefinitionErrors } from './definition.ts';

function faults(schema: object, version: object = {}, others: readonly object[] = []): readonly string[] {
  const versions = [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, ...version }, ...others];
  const names = { plural: 'foos', singular: 'foo', kind: 'Foo', listKind: 'FooList' };
  const crd = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'foos.example.com' }, spec: { group: 'example.com', scope: 'Namespaced', names, versions } };
  return [...customResourceDefinitionErrors(crd as never)].map((error) => `${error.field}: ${error.message}`);
}

const root = 'spec.validation.openAPIV3Schema';
const spec = (schema: object): object => ({ type: 'object', properties: { spec: schema } });

describe('schemas', () => {
  test.each<[string, object, readonly string[]]>([
    ['a right one', spec({ type: 'object', required: ['a'], properties: { a: { type: 'string', default: 'x' }, b: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] } } }), []],
    ['no type at the root', {}, [`${root}.type: Required value: must not be empty at the root`]],
    ['no type of a field', spec({}), [`${root}.properties[spec].type: Required value: must not be empty for specified object fields`]],
    ['no type of items', spec({ type: 'array', items: {} }), [`${root}.properties[spec].items.type: Required value: must not be empty for specified array items`]],
    ['no items', spec({ type: 'array' }), [`${root}.properties[spec].items: Required value: must be specified`]],
    ['a type of its own', spec({ type: 'text' }), [
      `${root}.properties[spec].type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"`,
    ]],
    ['fields of both kinds', spec({ type: 'object', properties: { a: { type: 'string' } }, additionalProperties: { type: 'string' } }), [
      `${root}.properties[spec].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive`,
    ]],
    ['a reference', spec({ $ref: '#/x', type: 'object' }), [`${root}.properties[spec].$ref: Forbidden: $ref is not supported`]],
    ['a pattern that is none', spec({ type: 'string', pattern: 'a(' }), [
      `${root}.properties[spec].pattern: Invalid value: "a(": must be a valid regular expression, but isn't: error parsing regexp: missing closing ): \`a(\``,
    ]],
    ['types that narrow', spec({ type: 'object', anyOf: [{ type: 'object', properties: { a: { description: 'x' } } }] }), [
      `${root}.properties[spec].anyOf[0].properties[a].description: Forbidden: must be empty to be structural`,
      `${root}.properties[spec].anyOf[0].type: Forbidden: must be empty to be structural`,
    ]],
    ['a field that is only narrowed', { type: 'object', anyOf: [{ properties: { a: { minLength: 1 } } }] }, [
      `${root}.properties[a]: Required value: because it is defined in ${root}.anyOf[0].properties[a]`,
    ]],
    ['metadata of its own', { type: 'object', properties: { metadata: { type: 'object', properties: { labels: { type: 'object' } } } } }, [
      `${root}.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified`,
    ]],
    ['names within limits', { type: 'object', properties: { metadata: { type: 'object', properties: { name: { type: 'string', maxLength: 10 } } } } }, []],
    ['a default of the kind', { type: 'object', properties: { kind: { type: 'string', default: 'Foo' } } }, [`${root}.properties[kind].default: Forbidden: must not be set in top-level kind`]],
    ['a list by an unknown key', spec({ type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['id'], items: { type: 'object', properties: { a: { type: 'string' } } } }), [
      `${root}.properties[spec].x-kubernetes-list-map-keys: Invalid value: ["id"]: entries must all be names of item properties`,
    ]],
    ['a list by a key that may be absent', spec({ type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['id'], items: { type: 'object', properties: { id: { type: 'string' } } } }), [
      `${root}.properties[spec].items.properties[id].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`,
    ]],
    ['all values different', spec({ type: 'array', items: { type: 'string' }, uniqueItems: true }), [
      `${root}.properties[spec].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic`,
    ]],
    ['a rule of nothing', spec({ type: 'object', 'x-kubernetes-validations': [{ rule: ' ' }] }), [`${root}.properties[spec].x-kubernetes-validations[0].rule: Required value: rule is not specified`]],
  ])('%s', (_, schema, expected) => expect(faults(schema)).toEqual(expected));

  test('of several versions', () => {
    const right = { name: 'v2', served: true, storage: false, schema: { openAPIV3Schema: { type: 'object' } } };
    expect(faults({}, {}, [right])).toEqual(['spec.versions[0].schema.openAPIV3Schema.type: Required value: must not be empty at the root']);
  });
});

test('subresources, columns and fields to select by', () => {
  const scale = { specReplicasPath: 'spec.replicas', statusReplicasPath: '.spec.x' };
  const version = { subresources: { status: {}, scale }, additionalPrinterColumns: [{ name: 'A', type: 'text', jsonPath: '.spec' }], selectableFields: [{ jsonPath: '.spec.color' }, { jsonPath: '.spec' }] };
  expect(faults({ ...spec({ type: 'object' }), not: { required: ['x'] } }, version)).toEqual([
    `${root}: Invalid value: {"type":"object","properties":{"spec":{"type":"object"}},"not":{"required":["x"]}}: only [Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum `
      + 'MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations] fields are allowed at the root of '
      + 'the schema if the status subresource is enabled',
    'spec.subresources.scale.specReplicasPath: Invalid value: "spec.replicas": must be a simple json path starting with .',
    'spec.subresources.scale.statusReplicasPath: Invalid value: ".spec.x": should be a json path under .status',
    'spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string',
    'spec.selectableFields[0].jsonPath: Invalid value: ".spec.color": is an invalid path: does not refer to a valid field',
    'spec.selectableFields[1].jsonPath: Invalid value: ".spec": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
  ]);
});
