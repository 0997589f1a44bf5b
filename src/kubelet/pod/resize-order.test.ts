import { expect, test } from 'vitest';
import type { Pod } from '../../api/generated/core-v1.ts';
import { compareDeferred, resizeDirections } from './resize-order.ts';

const pod = (requests: object, spec: object = {}): Pod => ({ metadata: { name: 'p' }, spec: { containers: [{ name: 'main', resources: { requests, ...spec } }] } } as unknown as Pod);
const more = { allocated: pod({ cpu: '1' }), pod: pod({ cpu: '2' }), sinceMs: 5 };

test.each([
  [{ cpu: '1' }, { cpu: '2' }, { grows: true, shrinks: false }],
  [{ cpu: '1', memory: '1Gi' }, { cpu: '500m', memory: '2Gi' }, { grows: true, shrinks: true }],
  [{ cpu: '1000m' }, { cpu: '1' }, { grows: false, shrinks: false }],
  [{ memory: '1Gi' }, {}, { grows: false, shrinks: true }],
])('from %o to %o', (before, after, expected) => {
  expect(resizeDirections({ allocated: pod(before), pod: pod(after) })).toEqual(expected);
});

test('those that ask for no more are tried first, then the important, then the guaranteed, then those that wait longest', () => {
  const limited = { limits: { cpu: '2', memory: '1Gi' } };
  const guaranteed = { ...more, pod: pod({ cpu: '2', memory: '1Gi' }, limited), sinceMs: 9 };
  const important = { ...more, pod: { ...more.pod, spec: { ...more.pod.spec, priority: 10 } }, sinceMs: 9 };
  const noMore = { ...more, pod: pod({ cpu: '1' }), sinceMs: 9 };
  const earlier = { ...more, sinceMs: 1 };
  const expected = [noMore, important, guaranteed, earlier, more];
  expect([more, earlier, guaranteed, important, noMore].sort(compareDeferred)).toEqual(expected);
  expect([...expected].sort(compareDeferred)).toEqual(expected);
});
