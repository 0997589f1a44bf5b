import { expect, test } from 'vitest';
import type { KindDefinition } from '../../api/kind.ts';
import { pods } from '../../api/generated/resources.ts';
import type { KubeObject } from '../../api/object.ts';
import type { DeleteOptions } from '../../client/client.ts';
import { decideDeletion, endsDeletion } from './deletion.ts';

const NOW = Date.parse('2026-01-01T00:01:00Z');
const plain: KindDefinition = { resource: pods };
const orphaning: KindDefinition = { resource: pods, orphansByDefault: true };
/** As pods: 30 seconds where none are asked for. */
const graceful: KindDefinition = { resource: pods, gracePeriodSeconds: (_object, requested) => requested ?? 30 };

const object = (metadata: Partial<KubeObject['metadata']> = {}): KubeObject => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'n', uid: 'u', resourceVersion: '7', creationTimestamp: '2026-01-01T00:00:00Z', ...metadata } });

test.each<[string, KindDefinition, Partial<KubeObject['metadata']>, DeleteOptions, Partial<KubeObject['metadata']> | 'remove' | 'pending']>([
  ['nothing holds it', plain, {}, {}, 'remove'],
  ['a finalizer holds it', plain, { finalizers: ['a/b'], generation: 3 }, {}, { deletionTimestamp: '2026-01-01T00:01:00Z', deletionGracePeriodSeconds: 0, generation: 4 }],
  ['held and marked already', plain, { finalizers: ['a/b'], deletionTimestamp: '2026-01-01T00:00:30Z', deletionGracePeriodSeconds: 0 }, {}, 'pending'],
  ['orphan its dependents', plain, {}, { propagationPolicy: 'Orphan' }, { finalizers: ['orphan'], deletionGracePeriodSeconds: 0 }],
  ['orphan where that is the default', orphaning, {}, {}, { finalizers: ['orphan'], deletionGracePeriodSeconds: 0 }],
  ['the default gives way to a policy', orphaning, {}, { propagationPolicy: 'Background' }, 'remove'],
  ['the default gives way to a finalizer', orphaning, { finalizers: ['foregroundDeletion'] }, {}, { finalizers: ['foregroundDeletion'] }],
  ['foreground', plain, { finalizers: ['x/y'] }, { propagationPolicy: 'Foreground' }, { finalizers: ['x/y', 'foregroundDeletion'] }],
  ['background takes the finalizers of garbage collection off', plain, { finalizers: ['orphan'] }, { propagationPolicy: 'Background' }, 'remove'],
  ['foreground instead of orphan, marked already', plain, { finalizers: ['orphan'], deletionTimestamp: '2026-01-01T00:00:30Z', deletionGracePeriodSeconds: 0 }, { propagationPolicy: 'Foreground' }, { finalizers: ['foregroundDeletion'] }],
  ['default grace', graceful, {}, {}, { deletionTimestamp: '2026-01-01T00:01:30Z', deletionGracePeriodSeconds: 30 }],
  ['no grace', graceful, {}, { gracePeriodSeconds: 0 }, 'remove'],
  ['no grace, held', graceful, { finalizers: ['a/b'] }, { gracePeriodSeconds: 0 }, { deletionGracePeriodSeconds: 0, deletionTimestamp: '2026-01-01T00:01:00Z' }],
  ['asked again', graceful, { deletionTimestamp: '2026-01-01T00:01:20Z', deletionGracePeriodSeconds: 30 }, {}, 'pending'],
  ['grace shortened', graceful, { deletionTimestamp: '2026-01-01T00:01:20Z', deletionGracePeriodSeconds: 30 }, { gracePeriodSeconds: 10 }, { deletionTimestamp: '2026-01-01T00:01:00Z', deletionGracePeriodSeconds: 10 }],
  ['grace may not be lengthened', graceful, { deletionTimestamp: '2026-01-01T00:01:20Z', deletionGracePeriodSeconds: 30 }, { gracePeriodSeconds: 60 }, 'pending'],
  ['the kubelet\'s last delete', graceful, { deletionTimestamp: '2026-01-01T00:01:20Z', deletionGracePeriodSeconds: 30 }, { gracePeriodSeconds: 0 }, 'remove'],
])('%s', (_name, definition, metadata, options, expected) => {
  const decision = decideDeletion(pods, definition, object(metadata), options, NOW);
  if (typeof expected === 'string') expect(decision.kind).toBe(expected);
  else expect(decision).toMatchObject({ kind: 'mark', object: { metadata: expected } });
});

test('preconditions that do not hold are conflicts', () => {
  expect(() => decideDeletion(pods, plain, object(), { preconditions: { uid: 'other' } }, NOW)).toThrow('the UID in the precondition (other) does not match the UID in record (u)');
  expect(() => decideDeletion(pods, plain, object(), { preconditions: { resourceVersion: '6' } }, NOW)).toThrow('the ResourceVersion in the precondition (6) does not match');
});

test('an update that takes the last finalizer off ends a deletion, but not grace', () => {
  const deleted = { deletionTimestamp: '2026-01-01T00:00:30Z' };
  expect(endsDeletion(plain, object(deleted), object({ ...deleted, finalizers: ['a/b'], deletionGracePeriodSeconds: 0 }))).toBe(true);
  expect(endsDeletion(plain, object({ ...deleted, finalizers: ['c/d'] }), object({ ...deleted, finalizers: ['a/b', 'c/d'] }))).toBe(false);
  expect(endsDeletion(graceful, object(deleted), object({ ...deleted, finalizers: ['a/b'], deletionGracePeriodSeconds: 30 }))).toBe(false);
  expect(endsDeletion(plain, object(), object({ finalizers: ['a/b'] }))).toBe(false);
});
