import { expect, test } from 'vitest';
import type { Deployment, ReplicaSet } from '../../api/generated/apps-v1.ts';
import { deployments, events, pods, replicaSets } from '../../api/generated/resources.ts';
import type { New } from '../../api/object.ts';
import { startControllersUnderTest } from '../../testing/controllers-under-test.ts';

const only = ['deployment-controller', 'replicaset-controller', 'garbage-collector-controller'];
const namespace = 'default';

function deployment(name: string, replicas: number, image: string, more: Partial<Deployment['spec']> = {}): New<Deployment> {
  const labels = { app: name };
  return { metadata: { name, namespace }, spec: { replicas, progressDeadlineSeconds: 600, revisionHistoryLimit: 10, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: 'main', image }] } }, ...more } };
}

test('a deployment rolls out, is scaled, gets a new template, and goes with all that is its own', { timeout: 60_000 }, async () => {
  await using world = await startControllersUnderTest({ only });
  const { admin } = world;
  const get = () => admin.get(deployments, { namespace, name: 'kubia' });
  const sets = async (): Promise<readonly ReplicaSet[]> => (await admin.list(replicaSets, { namespace })).items;
  await admin.create(deployments, deployment('kubia', 3, 'kubia:v1'));
  await world.pass(5);

  let current = await get();
  expect(current.status).toMatchObject({ replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3, observedGeneration: 1 });
  expect(current.status?.conditions?.map(({ type, status, reason }) => [type, status, reason])).toEqual([
    ['Available', 'True', 'MinimumReplicasAvailable'], ['Progressing', 'True', 'NewReplicaSetAvailable'],
  ]);
  expect(current.metadata.annotations).toMatchObject({ 'deployment.kubernetes.io/revision': '1' });
  const [first] = await sets();
  expect(first!.metadata.annotations).toEqual({
    'deployment.kubernetes.io/revision': '1', 'deployment.kubernetes.io/desired-replicas': '3', 'deployment.kubernetes.io/max-replicas': '4',
  });

  await admin.patch(deployments, { namespace, name: 'kubia' }, { type: 'application/merge-patch+json', body: { spec: { replicas: 5 } } }, { subresource: 'scale' });
  await world.pass(4);
  expect((await get()).status).toMatchObject({ readyReplicas: 5 });

  current = await get();
  await admin.update(deployments, { ...current, spec: { ...current.spec, template: { ...current.spec.template, spec: { containers: [{ name: 'main', image: 'kubia:v2' }] } } } });
  await world.pass(30);
  current = await get();
  expect(current.status).toMatchObject({ replicas: 5, updatedReplicas: 5, availableReplicas: 5 });
  expect(current.metadata.annotations).toMatchObject({ 'deployment.kubernetes.io/revision': '2' });
  expect((await sets()).map((set) => [set.spec.replicas, set.status?.replicas]).toSorted()).toEqual([[0, 0], [5, 5]]);
  const images = (await admin.list(pods, { namespace })).items.map((pod) => pod.spec.containers[0]!.image);
  expect(images).toEqual(Array(5).fill('kubia:v2'));

  // Back to the first template: its set is used again, under a new revision.
  await admin.update(deployments, { ...current, spec: { ...current.spec, template: { ...current.spec.template, spec: { containers: [{ name: 'main', image: 'kubia:v1' }] } } } });
  await world.pass(30);
  const back = (await sets()).find((set) => set.metadata.uid === first!.metadata.uid)!;
  expect(back.status?.availableReplicas).toBe(5);
  expect(back.metadata.annotations).toMatchObject({ 'deployment.kubernetes.io/revision': '3', 'deployment.kubernetes.io/revision-history': '1' });
  const texts = (await admin.list(events, { namespace })).items.filter((event) => event.involvedObject.kind === 'Deployment').map((event) => event.message);
  expect(texts).toContain(`Scaled up replica set ${first!.metadata.name} from 0 to 3`);
  expect(texts).toContain(`Scaled up replica set ${first!.metadata.name} from 3 to 5`);

  await admin.delete(deployments, { namespace, name: 'kubia' });
  await world.pass(5);
  expect(await sets()).toEqual([]);
  expect((await admin.list(pods, { namespace })).items).toEqual([]);
});

test('with Recreate no new pod comes before the last old one is gone', { timeout: 60_000 }, async () => {
  await using world = await startControllersUnderTest({ only, pods: { stopMs: 3000 } });
  const { admin } = world;
  await admin.create(deployments, deployment('kubia', 3, 'kubia:v1', { strategy: { type: 'Recreate' } }));
  await world.pass(4);
  const current = await admin.get(deployments, { namespace, name: 'kubia' });
  await admin.update(deployments, { ...current, spec: { ...current.spec, template: { ...current.spec.template, spec: { containers: [{ name: 'main', image: 'kubia:v2' }] } } } });
  for (let tenth = 0; tenth < 80; tenth++) {
    await world.pass(0.1);
    const images = new Set((await admin.list(pods, { namespace })).items.map((pod) => pod.spec.containers[0]!.image));
    expect(images.size).toBeLessThanOrEqual(1);
  }
  expect((await admin.get(deployments, { namespace, name: 'kubia' })).status).toMatchObject({ updatedReplicas: 3, availableReplicas: 3, replicas: 3 });
  expect((await admin.list(pods, { namespace })).items.map((pod) => pod.spec.containers[0]!.image)).toEqual(Array(3).fill('kubia:v2'));
});

test('a rollout that gets stuck says so after its deadline, keeps what it promised, and is undone by the former template', { timeout: 60_000 }, async () => {
  await using world = await startControllersUnderTest({ only, pods: { fate: (pod) => (pod.spec.containers[0]!.image === 'kubia:bad' ? 'never-ready' : 'runs') } });
  const { admin } = world;
  const key = { namespace, name: 'kubia' };
  await admin.create(deployments, deployment('kubia', 4, 'kubia:v1', { progressDeadlineSeconds: 30 }));
  await world.pass(4);
  const use = async (image: string): Promise<void> => {
    const current = await admin.get(deployments, key);
    await admin.update(deployments, { ...current, spec: { ...current.spec, template: { ...current.spec.template, spec: { containers: [{ name: 'main', image }] } } } });
  };
  const progressing = async () => (await admin.get(deployments, key)).status?.conditions?.find(({ type }) => type === 'Progressing');
  await use('kubia:bad');
  await world.pass(20);
  expect(await progressing()).toMatchObject({ status: 'True', reason: 'ReplicaSetUpdated' });
  await world.pass(20);
  expect(await progressing()).toMatchObject({ status: 'False', reason: 'ProgressDeadlineExceeded' });
  expect((await admin.get(deployments, key)).status).toMatchObject({ replicas: 5, updatedReplicas: 2, availableReplicas: 3, unavailableReplicas: 2 });
  await use('kubia:v1');
  await world.pass(10);
  expect(await progressing()).toMatchObject({ status: 'True', reason: 'NewReplicaSetAvailable' });
});

test('while it is paused a deployment is scaled, but rolls nothing out', async () => {
  await using world = await startControllersUnderTest({ only });
  const { admin } = world;
  const key = { namespace, name: 'kubia' };
  await admin.create(deployments, deployment('kubia', 2, 'kubia:v1'));
  await world.pass(3);
  const current = await admin.get(deployments, key);
  await admin.update(deployments, { ...current, spec: { ...current.spec, paused: true, replicas: 4, template: { ...current.spec.template, spec: { containers: [{ name: 'main', image: 'kubia:v2' }] } } } });
  await world.pass(4);
  expect((await admin.list(pods, { namespace })).items.map((pod) => pod.spec.containers[0]!.image)).toEqual(Array(4).fill('kubia:v1'));
  expect((await admin.get(deployments, key)).status?.conditions?.find(({ type }) => type === 'Progressing')).toMatchObject({ status: 'Unknown', reason: 'DeploymentPaused' });
  await admin.patch(deployments, key, { type: 'application/merge-patch+json', body: { spec: { paused: false } } });
  await world.pass(8);
  expect((await admin.list(pods, { namespace })).items.map((pod) => pod.spec.containers[0]!.image)).toEqual(Array(4).fill('kubia:v2'));
});
