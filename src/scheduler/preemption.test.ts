import { expect, test } from 'vitest';
import type { PodDisruptionBudget } from '../api/generated/policy-v1.ts';
import type { Pod } from '../api/generated/core-v1.ts';
import { podInfoOf } from './pod-info.ts';
import { findPreemption } from './preemption.ts';
import { describeCluster, nodeObject, podObject, type ClusterDescription } from './scheduling-fixture.ts';

const sized = (name: string, cpu: string, priority: number, more: Parameters<typeof podObject>[1] = {}): Pod => podObject(name, { requests: { cpu }, ...more, spec: { priority, ...more.spec } });

/** `node: victims`, or the message. */
function preempt(description: ClusterDescription, pod: Pod, budgets: readonly PodDisruptionBudget[] = []): string {
  const { cycle, cluster, nominator, random } = describeCluster(description);
  const result = cycle.run(podInfoOf(pod));
  if (result.fits) throw new Error('it fits');
  const found = findPreemption({ cycle, nominator, cluster, budgets, random, pod: podInfoOf(pod), state: result.state, diagnosis: result.diagnosis });
  return 'message' in found ? found.message : `${found.candidate.node}: ${found.candidate.victims.map((victim) => victim.metadata.name).join(' ')}`;
}

test('takes as few and as unimportant pods as will do', () => {
  const pods = { a: [sized('small', '1', 1), sized('smaller', '500m', 2), sized('large', '2500m', 3)] };
  expect(preempt({ nodes: [nodeObject('a')], pods }, sized('p', '1', 10))).toBe('a: small');
  expect(preempt({ nodes: [nodeObject('a')], pods }, sized('p', '1500m', 10))).toBe('a: smaller small');
});

test('never takes an equal, and says where it would not help', () => {
  const nodes = [nodeObject('a'), nodeObject('b', { spec: { unschedulable: true } }), nodeObject('tiny', { allocatable: { cpu: '1' } })];
  expect(preempt({ nodes, pods: { a: [sized('x', '4', 10)] } }, sized('p', '2', 10)))
    .toBe('preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.');
});

test('a pod that will not preempt, or already has, does not', () => {
  const leaving = sized('x', '4', 1, {
    metadata: { deletionTimestamp: 'now' }, status: { conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' }] },
  });
  expect(preempt({ nodes: [nodeObject('a')], pods: { a: [leaving] } }, sized('p', '2', 10, { spec: { preemptionPolicy: 'Never' } }))).toBe('preemption: not eligible due to preemptionPolicy=Never.');
  expect(preempt({ nodes: [nodeObject('a')], pods: { a: [leaving] } }, sized('p', '2', 10, { status: { nominatedNodeName: 'a' } })))
    .toBe('preemption: not eligible due to a terminating pod on the nominated node.');
});

test('the node where least harm is done', () => {
  const nodes = [nodeObject('a'), nodeObject('b'), nodeObject('c')];
  expect(preempt({ nodes, pods: { a: [sized('1', '4', 5)], b: [sized('2', '4', 3)], c: [sized('3', '4', 4)] } }, sized('p', '4', 10))).toBe('b: 2');
  expect(preempt({ nodes, pods: { a: [sized('1', '2', 3), sized('2', '2', 3)], b: [sized('3', '4', 3)], c: [sized('4', '4', 4)] } }, sized('p', '4', 10))).toBe('b: 3');
  const started = (name: string, startTime: string) => sized(name, '4', 3, { status: { startTime } });
  expect(preempt({ nodes, pods: { a: [started('1', '2026-01-01T00:00:00Z')], b: [started('2', '2026-01-03T00:00:00Z')], c: [started('3', '2026-01-02T00:00:00Z')] } }, sized('p', '4', 10))).toBe('b: 2');
});

test('disruption budgets are kept where there is a choice', () => {
  const guarded = (name: string) => sized(name, '2', 1, { labels: { app: 'db' } });
  const budget = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'b', namespace: 'default', uid: 'b', resourceVersion: '1', creationTimestamp: '' }, spec: { selector: { matchLabels: { app: 'db' } } }, status: { disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 } };
  const cluster = { nodes: [nodeObject('a'), nodeObject('b')], pods: { a: [guarded('db-0'), sized('web', '2', 2)], b: [guarded('db-1'), guarded('db-2')] } };
  // On a the more important pod goes, because the other is guarded.
  expect(preempt(cluster, sized('p', '2', 10), [budget])).toBe('a: web');
  expect(preempt(cluster, sized('p', '2', 10))).toBe('a: db-0');
});

test('room made for a waiting pod is not given to a less important one', () => {
  const { nominator, run } = describeCluster({ nodes: [nodeObject('a')] });
  nominator.set(sized('waiting', '3', 10), 'a');
  expect(run(sized('p', '2', 5))).toMatchObject({ fits: false });
  expect(run(sized('p', '1', 5))).toMatchObject({ fits: true });
  expect(run(sized('p', '2', 11))).toMatchObject({ fits: true });
});
