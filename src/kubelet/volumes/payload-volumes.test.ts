import { expect, test } from 'vitest';
import type { PodSpec } from '../../api/generated/core-v1.ts';
import { tokenMode } from './payload-volumes.ts';

const as = (runAsUser?: number): object => ({ name: `c${runAsUser}`, ...(runAsUser !== undefined && { securityContext: { runAsUser } }) });

test.each([
  ['nobody in particular', { containers: [as()] }, { mode: 0o644 }],
  ['one user', { containers: [as()], securityContext: { runAsUser: 1000 } }, { mode: 0o600, uid: 1000 }],
  ['two users', { containers: [as(1), as(2)] }, { mode: 0o644 }],
  ['one container that does not say', { containers: [as(1), as()] }, { mode: 0o644 }],
  ['init containers count', { containers: [as(1)], initContainers: [as(2)] }, { mode: 0o644 }],
  ['a group', { containers: [as()], securityContext: { fsGroup: 10 } }, { mode: 0o600 }],
  ['a user and a group', { containers: [as(1)], securityContext: { fsGroup: 10 } }, { mode: 0o600, uid: 1 }],
] as const)('a token of a pod with %s', (_, spec, mode) => {
  expect(tokenMode(spec as unknown as PodSpec, 0o644)).toEqual(mode);
});
