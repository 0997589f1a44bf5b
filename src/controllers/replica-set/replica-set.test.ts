import { expect, test } from 'vitest';
import type { ReplicaSet } from '../../api/generated/apps-v1.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import { pods, replicaSets, replicationControllers } from '../../api/generated/resources.ts';
import type { New } from '../../api/object.ts';
import { startControllersUnderTest } from '../../testing/controllers-under-test.ts';

const namespace = 'default';
const only = ['replicaset-controller', 'replication-controller'];
const labels = { app: 'it' };
const template = (app: string) => ({ metadata: { labels: { app } }, spec: { containers: [{ name: 'main', image: 'it' }] } });
const set = (name: string, replicas: number): New<ReplicaSet> => ({ metadata: { name, namespace }, spec: { replicas, selector: { matchLabels: { app: name } }, template: template(name) } });

test('many sets at once make exactly as many pods as they want', { timeout: 60_000 }, async () => {
  let created = 0;
  await using world = await startControllersUnderTest({
    only,
    wrapClient: (client) => new Proxy(client, {
      get(target, name) {
        const method = (target as never)[name] as unknown;
        if (typeof method !== 'function') return method;
        return (...parameters: unknown[]) => {
          if (name === 'create' && parameters[0] === pods) created++;
          return method.apply(target, parameters) as unknown;
        };
      },
    }),
    pods: { startMs: 0 },
  });
  for (let index = 0; index < 60; index++) await world.admin.create(replicaSets, set(`set${index}`, 20));
  await world.pass(5);
  expect((await world.admin.list(pods, { namespace })).items).toHaveLength(1200);
  expect(created).toBe(1200);
});

test('a set adopts the orphans it selects, and releases what it selects no more', async () => {
  await using world = await startControllersUnderTest({ only });
  const { admin } = world;
  const orphan: New<Pod> = { metadata: { name: 'orphan', namespace, labels: { app: 'it', extra: 'yes' } }, spec: { containers: [{ name: 'main', image: 'it' }] } };
  await admin.create(pods, orphan);
  await admin.create(pods, { ...orphan, metadata: { ...orphan.metadata, name: 'stranger', labels: { app: 'other' } } });
  await world.pass(2);
  const made = await admin.create(replicaSets, set('it', 2));
  await world.pass(3);
  const owned = async () => (await admin.list(pods, { namespace })).items.filter((pod) => pod.metadata.ownerReferences?.[0]?.uid === made.metadata.uid).map((pod) => pod.metadata.name);
  expect(await owned()).toHaveLength(2);
  expect(await owned()).toContain('orphan');
  expect((await admin.get(replicaSets, { namespace, name: 'it' })).status).toMatchObject({ replicas: 2, fullyLabeledReplicas: 2, readyReplicas: 2, terminatingReplicas: 0 });

  await admin.patch(pods, { namespace, name: 'orphan' }, { type: 'application/merge-patch+json', body: { metadata: { labels: { app: 'debug' } } } });
  await world.pass(3);
  expect(await owned()).toHaveLength(2);
  expect(await owned()).not.toContain('orphan');
  expect((await admin.get(pods, { namespace, name: 'orphan' })).metadata.ownerReferences ?? []).toEqual([]);
});

test('a replica counts as available after it has been ready for a while', async () => {
  await using world = await startControllersUnderTest({ only });
  const { admin } = world;
  const wanted = set('it', 1);
  await admin.create(replicaSets, { ...wanted, spec: { ...wanted.spec, minReadySeconds: 10 } });
  await world.pass(5);
  expect((await admin.get(replicaSets, { namespace, name: 'it' })).status).toMatchObject({ readyReplicas: 1 });
  expect((await admin.get(replicaSets, { namespace, name: 'it' })).status?.availableReplicas ?? 0).toBe(0);
  await world.pass(10);
  expect((await admin.get(replicaSets, { namespace, name: 'it' })).status).toMatchObject({ availableReplicas: 1 });
});

test('a replication controller does the same', async () => {
  await using world = await startControllersUnderTest({ only });
  const { admin } = world;
  await admin.create(replicationControllers, { metadata: { name: 'old', namespace }, spec: { replicas: 3, selector: labels, template: template('it') } });
  await world.pass(3);
  const { status } = await admin.get(replicationControllers, { namespace, name: 'old' });
  expect(status).toEqual({ replicas: 3, fullyLabeledReplicas: 3, readyReplicas: 3, availableReplicas: 3, observedGeneration: 1 });
  await admin.patch(replicationControllers, { namespace, name: 'old' }, { type: 'application/merge-patch+json', body: { spec: { replicas: 1 } } });
  await world.pass(3);
  expect((await admin.list(pods, { namespace })).items).toHaveLength(1);
});
