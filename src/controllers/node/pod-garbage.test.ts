import { expect, test } from 'vitest';
import type { Pod } from '../../api/generated/core-v1.ts';
import { nodes, pods } from '../../api/generated/resources.ts';
import { rfc3339 } from '../../base/clock.ts';
import { startControllersUnderTest } from '../../testing/controllers-under-test.ts';
import { lessWorthFirst } from './pod-garbage.ts';

test('evicted pods go before other ended ones, the older before the younger', () => {
  const pod = (name: string, bornMs: number, status: object): Pod => ({ metadata: { namespace: 'default', name, creationTimestamp: rfc3339(bornMs) }, status }) as Pod;
  const evicted = { phase: 'Failed', reason: 'Evicted' };
  const all = [pod('b', 0, { phase: 'Succeeded' }), pod('a', 0, { phase: 'Failed' }), pod('d', 9000, evicted), pod('c', 5000, evicted), pod('e', 1000, { phase: 'Failed', reason: 'Error' })];
  expect(all.toSorted(lessWorthFirst).map(({ metadata }) => metadata.name)).toEqual(['c', 'd', 'a', 'b', 'e']);
});

test('a pod that is leaving a node out of service has failed, but nobody disrupted it', async () => {
  await using world = await startControllersUnderTest({ only: ['pod-garbage-collector-controller'] });
  const { admin } = world;
  await admin.create(nodes, { metadata: { name: 'dead' }, spec: { taints: [{ key: 'node.kubernetes.io/out-of-service', effect: 'PreferNoSchedule' }] } });
  await admin.create(pods, { metadata: { name: 'it', namespace: 'default', finalizers: ['example.com/look'] }, spec: { nodeName: 'dead', containers: [{ name: 'main', image: 'it' }] } });
  await admin.delete(pods, { namespace: 'default', name: 'it' });
  await world.pass(1);
  const { metadata, status } = await admin.get(pods, { namespace: 'default', name: 'it' });
  expect(metadata.deletionGracePeriodSeconds).toBe(0);
  expect(status?.phase).toBe('Failed');
  expect(status?.conditions?.filter(({ type }) => type === 'DisruptionTarget') ?? []).toEqual([]);
});
