import { expect, test } from 'vitest';
import type { ObjectMeta } from '../generated/meta-v1.ts';
import { validateObjectMeta, validateObjectMetaUpdate, type MetaOptions } from './object-meta.ts';

const texts = (errors: readonly { readonly field: string; readonly message: string }[]): readonly string[] => errors.map((error) => `${error.field}: ${error.message}`);
const subdomain = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character "
  + "(e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const label1035 = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character "
  + "(e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'kubia', uid: 'u' };

test.each<[string, ObjectMeta, Partial<MetaOptions>, readonly string[]]>([
  ['nothing wrong', { name: 'a.b', labels: { 'x/y': 'z' }, finalizers: ['example.com/x', 'orphan'], ownerReferences: [owner] }, {}, []],
  ['no name', {}, {}, ['metadata.name: Required value: name or generateName is required']],
  ['capitals', { name: 'Kubia' }, {}, [`metadata.name: Invalid value: "Kubia": ${subdomain}`]],
  ['a digit first', { name: '1a' }, { nameRule: 'label1035' }, [`metadata.name: Invalid value: "1a": ${label1035}`]],
  ['a name that is no file', { name: 'a/b' }, { nameRule: 'path' }, ["metadata.name: Invalid value: \"a/b\": may not contain '/'"]],
  ['a long name', { name: 'a'.repeat(254) }, {}, [`metadata.name: Invalid value: "${'a'.repeat(254)}": must be no more than 253 characters`]],
  ['no namespace', { name: 'a', namespace: '' }, {}, ['metadata.namespace: Required value']],
  ['a namespace too many', { name: 'a', namespace: 'b' }, { namespaced: false }, ['metadata.namespace: Forbidden: not allowed on this type']],
  ['a bad label', { name: 'a', labels: { a: 'b c' } }, {}, [
    "metadata.labels: Invalid value: \"b c\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
      + "(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
  ]],
  ['much to say', { name: 'a', annotations: { a: 'x'.repeat(256 * 1024) } }, {}, ['metadata.annotations: Too long: may not be more than 262144 bytes']],
  ['an owner without a name', { name: 'a', ownerReferences: [{ ...owner, name: '' }] }, {}, ['metadata.ownerReferences.name: Invalid value: "": must not be empty']],
  ['a finalizer of nobody', { name: 'a', finalizers: ['mine'] }, {}, [
    'metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
  ]],
  ['a short finalizer where allowed', { name: 'a', finalizers: ['mine'] }, { shortFinalizers: true }, []],
  ['both ways of deletion', { name: 'a', finalizers: ['orphan', 'foregroundDeletion'] }, {}, [
    'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and foregroundDeletion cannot be both set',
  ]],
])('%s', (_, meta, options, expected) => {
  const whole = options.namespaced === false ? meta : { namespace: 'default', ...meta };
  expect(texts(validateObjectMeta(whole, { namespaced: true, ...options }))).toEqual(expected);
});

test('two controllers', () => {
  const ownerReferences = [{ ...owner, controller: true }, { ...owner, name: 'b', uid: 'v', controller: true }];
  expect(texts(validateObjectMeta({ name: 'a', namespace: 'b', ownerReferences }, { namespaced: true }))[0]).toMatch(
    /Only one reference can have Controller set to true\. Found "true" in references for ReplicaSet\/kubia and ReplicaSet\/b$/,
  );
});

test('what never changes', () => {
  const meta: ObjectMeta = { name: 'a', namespace: 'b', uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z', generation: 2 };
  expect(validateObjectMetaUpdate({ ...meta, labels: { a: 'b' } }, meta)).toEqual([]);
  expect(texts(validateObjectMetaUpdate({ ...meta, uid: 'v', generation: 1 }, meta))).toEqual([
    'metadata.generation: Invalid value: 1: must not be decremented', 'metadata.uid: Invalid value: "v": field is immutable',
  ]);
  const dying = { ...meta, deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['a/b'] };
  expect(texts(validateObjectMetaUpdate({ ...dying, finalizers: ['a/b', 'c/d'] }, dying))).toEqual([
    'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"c/d"}',
  ]);
});
