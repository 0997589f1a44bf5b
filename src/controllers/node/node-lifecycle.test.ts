import { expect, test } from 'vitest';
import { deployments, leases, nodes, pods } from '../../api/generated/resources.ts';
import type { ControllersUnderTest } from '../../testing/controllers-under-test.ts';
import { startControllersUnderTest } from '../../testing/controllers-under-test.ts';
import { rfc3339, rfc3339Micro } from '../../base/clock.ts';
import { firstFreeSubnet } from './subnets.ts';
import { evictionTime } from './taints.ts';

const namespace = 'default';

/** Keeps the leases of living nodes fresh while time passes. */
async function live(world: ControllersUnderTest, seconds: number, living: readonly string[]): Promise<void> {
  for (let passed = 0; passed < seconds; passed += 10) {
    for (const name of living) {
      const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime: rfc3339Micro(world.clock.now()) };
      const patch = { type: 'application/merge-patch+json' as const, body: { spec } };
      await world.admin.patch(leases, { namespace: 'kube-node-lease', name }, patch).catch(() => world.admin.create(leases, { metadata: { name, namespace: 'kube-node-lease' }, spec }));
    }
    await world.pass(10);
  }
}

test('the pods of a node that falls silent come back elsewhere', { timeout: 60_000 }, async () => {
  await using world = await startControllersUnderTest({ pods: { nodes: ['one', 'two'] }, options: { nodeMonitorGraceMs: 40_000, clusterCidr: '10.244.0.0/16' } });
  const { admin } = world;
  const labels = { app: 'kubia' };
  const tolerations = ['not-ready', 'unreachable'].map((key) => ({ key: `node.kubernetes.io/${key}`, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 30 }));
  await admin.create(deployments, { metadata: { name: 'kubia', namespace }, spec: { replicas: 4, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { tolerations, containers: [{ name: 'main', image: 'kubia' }] } } } });
  await live(world, 10, ['one', 'two']);
  const where = async () => (await admin.list(pods, { namespace })).items.filter((pod) => !pod.metadata.deletionTimestamp).map((pod) => pod.spec.nodeName).toSorted();
  expect(await where()).toEqual(['one', 'one', 'two', 'two']);
  expect((await admin.list(nodes)).items.map((node) => node.spec.podCIDR).toSorted()).toEqual(['10.244.1.0/24', '10.244.2.0/24']);

  world.pods.kill('two');
  await live(world, 50, ['one']);
  const dead = await admin.get(nodes, { name: 'two' });
  expect(dead.status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'Unknown', reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' });
  expect(dead.spec.taints?.map(({ key, effect }) => [key, effect])).toEqual([['node.kubernetes.io/unreachable', 'NoSchedule'], ['node.kubernetes.io/unreachable', 'NoExecute']]);
  const lost = (await admin.list(pods, { namespace })).items.filter((pod) => pod.spec.nodeName === 'two');
  expect(lost.map((pod) => pod.status?.conditions?.find(({ type }) => type === 'Ready')?.status)).toEqual(['False', 'False']);

  await live(world, 50, ['one']);
  expect(await where()).toEqual(['one', 'one', 'one', 'one']);
  // Their kubelet is dead, so they hang until the node is declared gone.
  expect((await admin.list(pods, { namespace })).items).toHaveLength(6);
  await admin.delete(nodes, { name: 'two' });
  await live(world, 60, ['one']);
  expect((await admin.list(pods, { namespace })).items).toHaveLength(4);
  expect((await admin.get(nodes, { name: 'one' })).spec.taints ?? []).toEqual([]);
});

test('a node that dies, returns, and dies again', { timeout: 60_000 }, async () => {
  await using world = await startControllersUnderTest({ pods: { nodes: ['one', 'two'] }, options: { nodeMonitorGraceMs: 40_000 } });
  const { admin, clock } = world;
  const labels = { app: 'kubia' };
  const tolerations = ['not-ready', 'unreachable'].map((key) => ({ key: `node.kubernetes.io/${key}`, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 30 }));
  await admin.create(deployments, { metadata: { name: 'kubia', namespace }, spec: { replicas: 4, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { tolerations, containers: [{ name: 'main', image: 'kubia' }] } } } });
  const all = async () => (await admin.list(pods, { namespace })).items;
  const uids = async () => (await all()).map((pod) => pod.metadata.uid).toSorted();
  const taints = async () => ((await admin.get(nodes, { name: 'two' })).spec.taints ?? []).map(({ key, effect }) => `${key.replace('node.kubernetes.io/', '')} ${effect}`).toSorted();
  const readyOnes = async () => (await all()).filter((pod) => pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')).length;
  /** As its kubelet does when it comes up again. */
  const revive = async (): Promise<void> => {
    const now = rfc3339(clock.now());
    const { status } = await admin.get(nodes, { name: 'two' });
    const conditions = status!.conditions!.map((one) => ({ ...one, status: one.type === 'Ready' ? 'True' : 'False', lastHeartbeatTime: now, lastTransitionTime: now }));
    await admin.patch(nodes, { name: 'two' }, { type: 'application/merge-patch+json', body: { status: { conditions } } }, { subresource: 'status' });
    world.pods.revive('two');
  };
  await live(world, 10, ['one', 'two']);
  const first = await uids();

  world.pods.kill('two');
  await live(world, 50, ['one']);
  expect(await taints()).toEqual(['unreachable NoExecute', 'unreachable NoSchedule']);
  expect(await readyOnes()).toBe(2);
  // Back before its pods have lost their patience: they stay, and serve again.
  await revive();
  await live(world, 60, ['one', 'two']);
  expect(await taints()).toEqual([]);
  expect(await uids()).toEqual(first);
  expect(await readyOnes()).toBe(4);

  world.pods.kill('two');
  await live(world, 110, ['one']);
  expect(await taints()).toEqual(['unreachable NoExecute', 'unreachable NoSchedule']);
  // Two went elsewhere, and the dead node still has what it was told to end.
  expect(await all()).toHaveLength(6);
  await revive();
  await live(world, 30, ['one', 'two']);
  expect(await taints()).toEqual([]);
  expect((await all()).map((pod) => pod.spec.nodeName)).toEqual(['one', 'one', 'one', 'one']);

  // Whoever is new comes to the node that is back, and leaves it once more when it dies for good.
  await admin.patch(deployments, { namespace, name: 'kubia' }, { type: 'application/merge-patch+json', body: { spec: { replicas: 6 } } });
  await live(world, 10, ['one', 'two']);
  expect((await all()).filter((pod) => pod.spec.nodeName === 'two').length).toBeGreaterThan(0);
  world.pods.kill('two');
  await live(world, 110, ['one']);
  expect((await all()).filter((pod) => !pod.metadata.deletionTimestamp).map((pod) => pod.spec.nodeName)).toEqual(Array(6).fill('one'));
});

test('a taint put on by hand drives a pod away when the time that it tolerates is over, or not if it goes before', async () => {
  await using world = await startControllersUnderTest({ only: ['taint-eviction-controller'] });
  const { admin } = world;
  const tolerations = [{ key: 'fire', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 20 }];
  await admin.create(pods, { metadata: { name: 'patient', namespace }, spec: { tolerations, containers: [{ name: 'main', image: 'it' }] } });
  await admin.create(pods, { metadata: { name: 'timid', namespace }, spec: { containers: [{ name: 'main', image: 'it' }] } });
  await world.pass(3);
  const names = async () => (await admin.list(pods, { namespace })).items.map((pod) => pod.metadata.name);
  const taint = (taints: object[] | null) => admin.patch(nodes, { name: 'node-1' }, { type: 'application/merge-patch+json', body: { spec: { taints } } });
  await taint([{ key: 'fire', effect: 'NoExecute' }]);
  await world.pass(5);
  expect(await names()).toEqual(['patient']);
  await taint(null);
  await world.pass(30);
  expect(await names()).toEqual(['patient']);
  await taint([{ key: 'fire', effect: 'NoExecute' }]);
  await world.pass(15);
  expect(await names()).toEqual(['patient']);
  await world.pass(10);
  expect(await names()).toEqual([]);
});

test.each([
  ['none', [], undefined, 0],
  ['for ever', [{ key: 'k', operator: 'Exists' }], undefined, undefined],
  ['for a while', [{ key: 'k', operator: 'Exists', tolerationSeconds: 30 }], undefined, 130_000],
  ['the shortest counts', [{ operator: 'Exists' }, { key: 'k', operator: 'Exists', tolerationSeconds: 5 }], undefined, 105_000],
])('a pod that tolerates %s', (_, tolerations, __, expected) => {
  const meta = { name: 'p', namespace, uid: 'p', resourceVersion: '1', creationTimestamp: '' };
  const due = evictionTime({ apiVersion: 'v1', kind: 'Pod', metadata: meta, spec: { containers: [], tolerations } }, [{ key: 'k', effect: 'NoExecute', timeAdded: new Date(100_000).toISOString() }], 0);
  expect(due).toBe(expected);
});

test.each([
  ['10.244.0.0/16', 24, [], '10.244.1.0/24'],
  ['10.244.0.0/16', 24, ['10.244.1.0/24', '10.244.3.0/24'], '10.244.2.0/24'],
  ['10.0.0.0/30', 31, ['10.0.0.2/31'], undefined],
])('in %s of /%i without %j the first free is %s', (cluster, mask, taken, expected) => {
  expect(firstFreeSubnet(cluster, mask, taken)).toBe(expected);
});
