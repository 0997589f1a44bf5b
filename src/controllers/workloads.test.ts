import { expect, test } from 'vitest';
import type { Job } from '../api/generated/batch-v1.ts';
import type { Pod } from '../api/generated/core-v1.ts';
import { cronJobs, controllerRevisions, daemonSets, events, jobs, nodes, persistentVolumeClaims, pods, statefulSets } from '../api/generated/resources.ts';
import type { New } from '../api/object.ts';
import type { Client } from '../client/client.ts';
import { startControllersUnderTest } from '../testing/controllers-under-test.ts';
import { createNode, type PodFate } from '../testing/pod-runner.ts';

const namespace = 'default';
const labels = { app: 'it' };
const template = (image = 'it:v1', more: object = {}) => ({ metadata: { labels }, spec: { containers: [{ name: 'main', image }], ...more } });
const podsOf = async (admin: Client): Promise<readonly Pod[]> => (await admin.list(pods, { namespace })).items;
const names = async (admin: Client): Promise<string[]> => (await podsOf(admin)).map((pod) => pod.metadata.name).toSorted();

test('a stateful set starts in order, updates from the end, and keeps its claims', { timeout: 60_000 }, async () => {
  await using world = await startControllersUnderTest({ only: ['statefulset-controller', 'garbage-collector-controller'] });
  const { admin } = world;
  const claim = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } };
  await admin.create(statefulSets, {
    metadata: { name: 'db', namespace },
    spec: { serviceName: 'db', replicas: 3, selector: { matchLabels: labels }, template: template(), volumeClaimTemplates: [claim as never], updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } } },
  });
  await world.pass(0.5);
  expect(await names(admin)).toEqual(['db-0']);
  await world.pass(1.3);
  expect(await names(admin)).toEqual(['db-0', 'db-1']);
  await world.pass(4);
  expect(await names(admin)).toEqual(['db-0', 'db-1', 'db-2']);
  const [first] = await podsOf(admin);
  expect(first).toMatchObject({
    metadata: { labels: { 'statefulset.kubernetes.io/pod-name': 'db-0', 'apps.kubernetes.io/pod-index': '0' } },
    spec: { hostname: 'db-0', subdomain: 'db', volumes: expect.arrayContaining([{ name: 'data', persistentVolumeClaim: { claimName: 'data-db-0' } }]) },
  });
  expect((await admin.list(persistentVolumeClaims, { namespace })).items.map((one) => one.metadata.name)).toEqual(['data-db-0', 'data-db-1', 'data-db-2']);

  const stored = await admin.get(statefulSets, { namespace, name: 'db' });
  expect(stored.status).toMatchObject({ replicas: 3, readyReplicas: 3, availableReplicas: 3, currentReplicas: 3, updatedReplicas: 3, observedGeneration: 1 });
  await admin.update(statefulSets, { ...stored, spec: { ...stored.spec, template: template('it:v2') } });
  await world.pass(0.5);
  const doomed = (await podsOf(admin)).filter((pod) => pod.metadata.deletionTimestamp);
  expect(doomed.map((pod) => pod.metadata.name)).toEqual(['db-2']);
  await world.pass(12);
  expect((await podsOf(admin)).map((pod) => pod.spec.containers[0]!.image)).toEqual(['it:v2', 'it:v2', 'it:v2']);
  const updated = await admin.get(statefulSets, { namespace, name: 'db' });
  expect(updated.status!.currentRevision).toBe(updated.status!.updateRevision);
  expect((await admin.list(controllerRevisions, { namespace })).items.map(({ revision }) => revision).toSorted()).toEqual([1, 2]);

  await admin.update(statefulSets, { ...updated, spec: { ...updated.spec, replicas: 1 } });
  await world.pass(8);
  expect(await names(admin)).toEqual(['db-0']);
  await admin.delete(statefulSets, { namespace, name: 'db' });
  await world.pass(4);
  expect(await names(admin)).toEqual([]);
  expect((await admin.list(persistentVolumeClaims, { namespace })).items).toHaveLength(3);
});

test('claims of a stateful set go with the pod that is scaled away and with the set, where its policy says so', { timeout: 60_000 }, async () => {
  await using world = await startControllersUnderTest({ only: ['statefulset-controller', 'garbage-collector-controller'] });
  const { admin } = world;
  const claim = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } };
  const claims = async () => (await admin.list(persistentVolumeClaims, { namespace })).items.filter((one) => !one.metadata.deletionTimestamp).map((one) => [one.metadata.name, one.metadata.ownerReferences?.[0]?.kind]);
  await admin.create(statefulSets, {
    metadata: { name: 'db', namespace },
    spec: {
      serviceName: 'db', replicas: 3, podManagementPolicy: 'Parallel', selector: { matchLabels: labels }, template: template(), volumeClaimTemplates: [claim as never],
      persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete', whenDeleted: 'Delete' },
    },
  });
  await world.pass(0.5);
  expect(await names(admin)).toEqual(['db-0', 'db-1', 'db-2']);
  await world.pass(3);
  expect(await claims()).toEqual([['data-db-0', 'StatefulSet'], ['data-db-1', 'StatefulSet'], ['data-db-2', 'StatefulSet']]);
  await admin.patch(statefulSets, { namespace, name: 'db' }, { type: 'application/merge-patch+json', body: { spec: { replicas: 1 } } });
  await world.pass(5);
  expect(await claims()).toEqual([['data-db-0', 'StatefulSet']]);
  await admin.delete(statefulSets, { namespace, name: 'db' });
  await world.pass(5);
  expect(await claims()).toEqual([]);
});

test('a daemon set puts one pod on every node that fits, and rolls out node by node', { timeout: 60_000 }, async () => {
  await using world = await startControllersUnderTest({ only: ['daemonset-controller', 'garbage-collector-controller'], pods: { nodes: [] } });
  const { admin, clock } = world;
  for (const name of ['one', 'two']) await createNode(admin, clock, name);
  await createNode(admin, clock, 'three', { disk: 'slow' });
  const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'disk', operator: 'NotIn', values: ['slow'] }] }] } } };
  await admin.create(daemonSets, { metadata: { name: 'agent', namespace }, spec: { selector: { matchLabels: labels }, template: template('it:v1', { affinity }), updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } } } });
  await world.pass(1);
  const targets = async () => (await podsOf(admin)).map((pod) => pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms[0]?.matchFields?.[0]?.values?.[0]).toSorted();
  expect(await targets()).toEqual(['one', 'two']);
  expect((await podsOf(admin))[0]!.spec.tolerations).toContainEqual({ key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' });

  await createNode(admin, clock, 'four');
  await world.pass(1);
  expect(await targets()).toEqual(['four', 'one', 'two']);
  const node = await admin.get(nodes, { name: 'one' });
  await admin.update(nodes, { ...node, spec: { ...node.spec, taints: [{ key: 'mine', effect: 'NoExecute' }] } });
  await world.pass(1);
  expect(await targets()).toEqual(['four', 'two']);
  const set = await admin.get(daemonSets, { namespace, name: 'agent' });
  expect(set.status).toMatchObject({ desiredNumberScheduled: 2, currentNumberScheduled: 2, numberMisscheduled: 0, numberReady: 0, observedGeneration: 1 });
});

const job = (name: string, spec: Partial<Job['spec']> & object = {}): New<Job> => ({
  metadata: { name, namespace }, spec: { template: { metadata: {}, spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'it' }] } }, backoffLimit: 6, completions: 1, parallelism: 1, ...spec } as Job['spec'],
});

test('a job runs to its number, at most so many at a time', { timeout: 60_000 }, async () => {
  await using world = await startControllersUnderTest({ only: ['job-controller', 'garbage-collector-controller'], pods: { fate: () => 'succeeds', runMs: 2000 } });
  const { admin } = world;
  await admin.create(jobs, job('sum', { completions: 5, parallelism: 2 }));
  await world.pass(2);
  expect((await admin.get(jobs, { namespace, name: 'sum' })).status).toMatchObject({ active: 2, ready: 2 });
  await world.pass(15);
  const { status } = await admin.get(jobs, { namespace, name: 'sum' });
  expect(status).toMatchObject({ succeeded: 5, ready: 0, terminating: 0, completionTime: expect.any(String) });
  expect(status!.active).toBeUndefined();
  expect(status!.conditions?.map(({ type, status: is, reason }) => [type, is, reason])).toEqual([['SuccessCriteriaMet', 'True', 'CompletionsReached'], ['Complete', 'True', 'CompletionsReached']]);
  expect(await podsOf(admin)).toHaveLength(5);
  expect((await podsOf(admin)).flatMap((pod) => pod.metadata.finalizers ?? [])).toEqual([]);
  await admin.delete(jobs, { namespace, name: 'sum' }, { propagationPolicy: 'Background' });
  await world.pass(5);
  expect(await podsOf(admin)).toEqual([]);
});

test('a job that fails is tried again ever later, then given up', { timeout: 60_000 }, async () => {
  await using world = await startControllersUnderTest({ only: ['job-controller'], pods: { fate: () => 'fails', runMs: 1000 } });
  const { admin } = world;
  await admin.create(jobs, job('bad', { backoffLimit: 2 }));
  await world.pass(5);
  expect(await podsOf(admin)).toHaveLength(1);
  await world.pass(10);
  expect(await podsOf(admin)).toHaveLength(2);
  await world.pass(30);
  const { status } = await admin.get(jobs, { namespace, name: 'bad' });
  expect(status).toMatchObject({ failed: 3 });
  expect(status!.conditions?.map(({ type, reason }) => [type, reason])).toEqual([['FailureTarget', 'BackoffLimitExceeded'], ['Failed', 'BackoffLimitExceeded']]);
  expect((await admin.list(events, { namespace })).items.map(({ message }) => message)).toContain('Job has reached the specified backoff limit');
});

test('a job takes back a pod that lost its owner, and lets go what it does not select', async () => {
  await using world = await startControllersUnderTest({ only: ['job-controller', 'garbage-collector-controller'] });
  const { admin } = world;
  await admin.create(jobs, job('back', { parallelism: 1 }));
  await world.pass(2);
  const [pod] = await podsOf(admin);
  const key = { namespace, name: pod!.metadata.name };
  const change = (body: object) => admin.patch(pods, key, { type: 'application/merge-patch+json', body });
  await change({ metadata: { ownerReferences: null, finalizers: null } });
  await world.pass(2);
  expect((await admin.get(pods, key)).metadata).toMatchObject({ ownerReferences: [{ kind: 'Job', name: 'back' }], finalizers: ['batch.kubernetes.io/job-tracking'] });
  await change({ metadata: { labels: null } });
  await world.pass(2);
  const released = await admin.get(pods, key);
  expect([released.metadata.ownerReferences ?? [], released.metadata.finalizers ?? []]).toEqual([[], []]);
  expect(await podsOf(admin)).toHaveLength(2);
});

test('an indexed job runs each index until it has succeeded', { timeout: 60_000 }, async () => {
  const fate = (pod: Pod): PodFate => (pod.metadata.labels!['batch.kubernetes.io/job-completion-index'] === '2' ? 'fails' : 'succeeds');
  await using world = await startControllersUnderTest({ only: ['job-controller'], pods: { fate, runMs: 1000 } });
  const { admin } = world;
  await admin.create(jobs, job('idx', { completions: 4, parallelism: 4, completionMode: 'Indexed', backoffLimitPerIndex: 1, backoffLimit: 100 }));
  await world.pass(60);
  const { status } = await admin.get(jobs, { namespace, name: 'idx' });
  expect(status).toMatchObject({ completedIndexes: '0,1,3', failedIndexes: '2', succeeded: 3, failed: 2 });
  expect(status!.conditions?.map(({ type, reason }) => [type, reason])).toEqual([['FailureTarget', 'FailedIndexes'], ['Failed', 'FailedIndexes']]);
  expect((await podsOf(admin))[0]!.spec).toMatchObject({ hostname: 'idx-0', containers: [{ env: [{ name: 'JOB_COMPLETION_INDEX' }] }] });
});

test('a week of cron jobs', { timeout: 120_000 }, async () => {
  await using world = await startControllersUnderTest({ only: ['cronjob-controller', 'job-controller', 'garbage-collector-controller'], pods: { fate: () => 'succeeds', startMs: 10_000, runMs: 60_000 } });
  const { admin, clock } = world;
  const jobTemplate = { spec: job('x').spec };
  await admin.create(cronJobs, { metadata: { name: 'daily', namespace }, spec: { schedule: '30 2 * * *', timeZone: 'Europe/Berlin', concurrencyPolicy: 'Allow', successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1, jobTemplate } });
  for (let hour = 0; hour < 7 * 24; hour++) await clock.advance(3_600_000);
  await clock.advance(600_000);
  const cronJob = await admin.get(cronJobs, { namespace, name: 'daily' });
  // Half past two in Berlin is half past one in winter's UTC.
  expect(cronJob.status).toMatchObject({ lastScheduleTime: '2026-01-07T01:30:00Z' });
  expect(cronJob.status!.active ?? []).toEqual([]);
  const kept = (await admin.list(jobs, { namespace })).items.map((one) => one.metadata.annotations?.['batch.kubernetes.io/cronjob-scheduled-timestamp']).toSorted();
  expect(kept).toEqual(['2026-01-05T02:30:00+01:00', '2026-01-06T02:30:00+01:00', '2026-01-07T02:30:00+01:00']);
  expect(await podsOf(admin)).toHaveLength(3);
});
