import { expect, test } from 'vitest';
import { events, nodes, podDisruptionBudgets, pods } from '../api/generated/resources.ts';
import { rfc3339 } from '../base/clock.ts';
import { startControllersUnderTest } from '../testing/controllers-under-test.ts';
import { createNode } from '../testing/pod-runner.ts';

const namespace = 'default';
const labels = { app: 'kubia' };

test('a pod that was to be disrupted and still lives after two minutes is said to live on; one of two budgets is told of', async () => {
  await using world = await startControllersUnderTest({ only: ['disruption-controller'] });
  const { admin, clock } = world;
  for (const name of ['one', 'two']) await admin.create(podDisruptionBudgets, { metadata: { name, namespace }, spec: { minAvailable: 1, selector: { matchLabels: labels } } });
  await world.pass(1);
  const key = { namespace, name: 'kubia' };
  await admin.create(pods, { metadata: { ...key, labels }, spec: { containers: [{ name: 'main', image: 'kubia' }] } });
  await world.pass(2);
  const pod = await admin.get(pods, key);
  const disrupted = { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'evicted', lastTransitionTime: rfc3339(clock.now()) };
  await admin.updateStatus(pods, { ...pod, status: { ...pod.status, conditions: [...(pod.status?.conditions ?? []), disrupted] } });
  const target = async () => (await admin.get(pods, key)).status?.conditions?.find(({ type }) => type === 'DisruptionTarget');
  await world.pass(110);
  expect(await target()).toMatchObject({ status: 'True' });
  await world.pass(15);
  expect(await target()).toEqual({ type: 'DisruptionTarget', status: 'False', lastTransitionTime: expect.any(String), observedGeneration: 1 });
  const told = (await admin.list(events, { namespace })).items.find(({ reason }) => reason === 'MultiplePodDisruptionBudgets');
  expect(told).toMatchObject({ message: 'Pod "default"/"kubia" matches multiple PodDisruptionBudgets.  Chose "one" arbitrarily.', source: { component: 'controllermanager' } });
});

test('nodes are told how long they may keep secrets', async () => {
  await using world = await startControllersUnderTest({ only: ['ttl-controller'], pods: { nodes: [] } });
  const ttl = async () => new Set((await world.admin.list(nodes)).items.map(({ metadata }) => metadata.annotations?.['node.alpha.kubernetes.io/ttl']));
  for (let i = 0; i < 100; i++) await createNode(world.admin, world.clock, `n${i}`);
  await world.pass(1);
  expect(await ttl()).toEqual(new Set(['0']));
  await createNode(world.admin, world.clock, 'n100');
  await world.pass(1);
  expect((await world.admin.get(nodes, { name: 'n100' })).metadata.annotations).toMatchObject({ 'node.alpha.kubernetes.io/ttl': '15' });
});
