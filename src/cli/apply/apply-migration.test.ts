import { expect, test } from 'vitest';
import { upgraded } from './apply-migration.ts';

const annotation = { 'f:metadata': { 'f:annotations': { '.': {}, 'f:kubectl.kubernetes.io/last-applied-configuration': {} } } };
const entry = (manager: string, operation: string, fieldsV1: object, more: object = {}) => ({ manager, operation, apiVersion: 'v1', fieldsV1, ...more });

test('the fields of client-side apply become those of who applies on the server', () => {
  const old = entry('kubectl-client-side-apply', 'Update', { ...annotation, 'f:data': { 'f:a': {}, 'f:b': {} } });
  const own = entry('kubectl', 'Apply', { 'f:data': { 'f:a': {}, 'f:c': {} } });
  const other = entry('kubectl-patch', 'Update', { 'f:data': { 'f:d': {} } });
  expect(upgraded([old, own, other], 'kubectl')).toEqual([entry('kubectl', 'Apply', { ...annotation, 'f:data': { 'f:a': {}, 'f:b': {}, 'f:c': {} } }), other]);
  expect(upgraded([old, other], 'mine')).toEqual([entry('mine', 'Apply', old.fieldsV1), other]);
  // What another version or a subresource wrote is not the same fields.
  expect(upgraded([entry('x', 'Update', annotation, { subresource: 'status' }), own], 'kubectl')).toBeUndefined();
  expect(upgraded([own, other], 'kubectl')).toBeUndefined();
});
