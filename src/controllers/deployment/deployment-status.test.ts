import { expect, test } from 'vitest';
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '../../api/generated/apps-v1.ts';
import { without } from '../without.ts';
import { rolloutStatus, untilDeadline, withPause } from './deployment-status.ts';

const start = Date.UTC(2026, 0, 1);
const at = (seconds: number): string => new Date(start + seconds * 1000).toISOString().replace('.000Z', 'Z');
const meta = (name: string) => ({ name, namespace: 'default', uid: name, resourceVersion: '1', creationTimestamp: at(0), generation: 1 });
const template = { metadata: { labels: {} }, spec: { containers: [] } };
const deployment = (status: DeploymentStatus, more: object = {}): Deployment => ({
  apiVersion: 'apps/v1', kind: 'Deployment', metadata: meta('it'), spec: { replicas: 3, progressDeadlineSeconds: 60, selector: {}, template, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }, ...more }, status,
});
const set = (name: string, replicas: number, ready: number, conditions: object[] = []): ReplicaSet => ({
  apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: meta(name), spec: { replicas, selector: {}, template }, status: { replicas, readyReplicas: ready, availableReplicas: ready, conditions: conditions as never },
});
const progressing = (status: string, reason: string, updated: number, changed = 0): DeploymentCondition => ({ type: 'Progressing', status, reason, message: '', lastUpdateTime: at(updated), lastTransitionTime: at(changed) });

test.each<[string, DeploymentStatus, ReplicaSet, number, [string, string, string, string]]>([
  ['makes progress with each ready pod', { updatedReplicas: 3, replicas: 3, readyReplicas: 1, conditions: [progressing('True', 'ReplicaSetUpdated', 10)] }, set('new', 3, 2), 50, ['True', 'ReplicaSetUpdated', 'ReplicaSet "new" is progressing.', at(50)]],
  ['keeps its time without progress', { updatedReplicas: 3, replicas: 3, readyReplicas: 1, availableReplicas: 1, conditions: [progressing('True', 'ReplicaSetUpdated', 10)] }, set('new', 3, 1), 50, ['True', 'ReplicaSetUpdated', '', at(10)]],
  ['is done', { updatedReplicas: 3, replicas: 3, readyReplicas: 2, conditions: [progressing('True', 'ReplicaSetUpdated', 10)] }, set('new', 3, 3), 50, ['True', 'NewReplicaSetAvailable', 'ReplicaSet "new" has successfully progressed.', at(50)]],
  ['stays done when a pod is lost later', { updatedReplicas: 3, replicas: 3, readyReplicas: 3, conditions: [progressing('True', 'NewReplicaSetAvailable', 10)] }, set('new', 3, 2), 500, ['True', 'NewReplicaSetAvailable', '', at(10)]],
  ['takes too long', { updatedReplicas: 3, replicas: 3, conditions: [progressing('True', 'ReplicaSetUpdated', 10)] }, set('new', 3, 0), 71, ['False', 'ProgressDeadlineExceeded', 'ReplicaSet "new" has timed out progressing.', at(71)]],
  ['may recover', { updatedReplicas: 3, replicas: 3, conditions: [progressing('False', 'ProgressDeadlineExceeded', 10)] }, set('new', 3, 3), 100, ['True', 'NewReplicaSetAvailable', 'ReplicaSet "new" has successfully progressed.', at(100)]],
])('a rollout %s', (_, before, current, seconds, expected) => {
  const { conditions } = rolloutStatus(deployment(before), current, [], start + seconds * 1000);
  const found = conditions!.find(({ type }) => type === 'Progressing')!;
  expect([found.status, found.reason, found.message, found.lastUpdateTime]).toEqual(expected);
});

test('counts are left out where they are 0, but for the terminating ones', () => {
  expect(without(rolloutStatus(deployment({}), set('new', 0, 0), [], start), 'conditions')).toEqual({ observedGeneration: 1, terminatingReplicas: 0 });
});

test('a set that cannot make its pods says so in the deployment too', () => {
  const failure = { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'quota', lastTransitionTime: at(5) };
  const { conditions } = rolloutStatus(deployment({}), set('new', 3, 0, [failure]), [], start);
  expect(conditions!.map(({ type, status, reason }) => [type, status, reason])).toEqual([['Available', 'False', 'MinimumReplicasUnavailable'], ['Progressing', 'True', 'ReplicaSetUpdated'], ['ReplicaFailure', 'True', 'FailedCreate']]);
});

test('the deadline is worth a look a second after it, unless all is done', () => {
  const d = deployment({});
  expect(untilDeadline(d, { conditions: [progressing('True', 'ReplicaSetUpdated', 10)] }, start + 20_000)).toBe(51_000);
  expect(untilDeadline(d, { conditions: [progressing('False', 'ProgressDeadlineExceeded', 10)] }, start + 20_000)).toBeUndefined();
  expect(untilDeadline(d, { updatedReplicas: 3, replicas: 3, availableReplicas: 3, observedGeneration: 1, conditions: [progressing('True', 'NewReplicaSetAvailable', 10)] }, start)).toBeUndefined();
});

test('pausing and resuming are told once', () => {
  const paused = withPause(deployment({}, { paused: true }), start)!;
  expect(paused.map(({ status, reason }) => [status, reason])).toEqual([['Unknown', 'DeploymentPaused']]);
  expect(withPause(deployment({ conditions: paused }, { paused: true }), start)).toBe(paused);
  expect(withPause(deployment({ conditions: paused }), start)!.map(({ reason }) => reason)).toEqual(['DeploymentResumed']);
});
