import { expect, test } from 'vitest';
import type { Event, Node, Pod } from '../api/generated/core-v1.ts';
import type { ResourceClaim } from '../api/generated/resource-v1.ts';
import { deviceClasses, events, nodes, persistentVolumeClaims, persistentVolumes, pods, priorityClasses, replicaSets, resourceClaims, resourceSlices, storageClasses } from '../api/generated/resources.ts';
import type { New } from '../api/object.ts';
import { systemClock } from '../base/clock.ts';
import { silentLog } from '../base/log.ts';
import { seededRandom } from '../base/random.ts';
import type { Client } from '../client/client.ts';
import { createInformerFactory } from '../client/informer-factory.ts';
import { startTestApiServer } from '../testing/api-server.ts';
import { startScheduler, type SchedulerOptions } from './scheduler.ts';

const node = (name: string, { cpu = '4', labels = {}, taints = [] }: { cpu?: string; labels?: Record<string, string>; taints?: Node['spec']['taints'] } = {}): New<Node> => ({
  metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } }, spec: { taints: taints! },
  status: { allocatable: { cpu, memory: '8Gi', pods: '110' }, capacity: { cpu, memory: '8Gi', pods: '110' } },
});
const pod = (name: string, cpu = '100m', more: Partial<Pod['spec']> = {}, metadata: New<Pod>['metadata'] = {}): New<Pod> => ({
  metadata: { name, namespace: 'default', ...metadata },
  spec: { containers: [{ name: 'main', image: 'app:1', resources: { requests: { cpu } } }], ...more },
});

async function setUp(config: SchedulerOptions['config'] = {}) {
  await using onFailure = new AsyncDisposableStack();
  const api = onFailure.use(await startTestApiServer());
  const client = api.client({ name: 'system:kube-scheduler', groups: ['system:authenticated'] });
  const shared = { client, clock: systemClock, random: seededRandom(3), log: silentLog };
  const informers = onFailure.use(createInformerFactory(shared));
  const scheduler = onFailure.use(startScheduler({ ...shared, informers, config }));
  await scheduler.started;
  const owned = onFailure.move();
  const { admin } = api;
  return {
    admin, scheduler,
    addNode: async (object: New<Node>) => {
      const created = await admin.create(nodes, object);
      await admin.updateStatus(nodes, { ...created, status: object.status! });
      // The node lifecycle controller, which is not here, would take these away.
      const fresh = await admin.get(nodes, { name: created.metadata.name });
      if (fresh.spec.taints?.some((taint) => taint.key === 'node.kubernetes.io/not-ready')) {
        await admin.update(nodes, { ...fresh, spec: { ...fresh.spec, taints: fresh.spec.taints.filter((taint) => taint.key !== 'node.kubernetes.io/not-ready') } });
      }
    },
    get: (name: string) => admin.get(pods, { namespace: 'default', name }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function until<T>(look: () => Promise<T | undefined | false>): Promise<T> {
  for (let i = 0; i < 500; i++) {
    const found = await look();
    if (found) return found;
    await systemClock.sleep(10);
  }
  throw new Error('it did not come about in five seconds');
}
const eventsOf = async (client: Client, name: string, reason: string): Promise<readonly Event[]> =>
  (await client.list(events, { namespace: 'default' })).items.filter((event) => event.involvedObject.name === name && event.reason === reason);

test('a hundred pods find their nodes, none beyond what it can bear', async () => {
  await using cluster = await setUp();
  for (let i = 0; i < 5; i++) await cluster.addNode(node(`n${i}`));
  for (let i = 0; i < 100; i++) await cluster.admin.create(pods, pod(`p${i}`));
  const all = await until(async () => {
    const { items } = await cluster.admin.list(pods, { namespace: 'default' });
    return items.every((p) => p.spec.nodeName) && items;
  });
  expect(all).toHaveLength(100);
  const perNode = Map.groupBy(all, (p) => p.spec.nodeName);
  expect([...perNode.values()].map((list) => list.length)).toEqual([20, 20, 20, 20, 20]);
  expect(all[0]!.status?.conditions?.find((c) => c.type === 'PodScheduled')?.status).toBe('True');
  const scheduled = await until(async () => (await eventsOf(cluster.admin, 'p0', 'Scheduled'))[0]);
  expect(scheduled).toMatchObject({ type: 'Normal', message: `Successfully assigned default/p0 to ${all.find((p) => p.metadata.name === 'p0')!.spec.nodeName}`, source: { component: 'default-scheduler' } });
  expect(cluster.scheduler.decisions.of('default/p0').at(-1)).toMatchObject({ outcome: 'assigned', nodes: 5, feasible: 5 });
});

test('a pod that fits nowhere says why, and wakes when a node comes where it fits', async () => {
  await using cluster = await setUp();
  await cluster.admin.create(pods, pod('early'));
  const lonely = await until(async () => (await cluster.get('early')).status?.conditions?.find((c) => c.type === 'PodScheduled'));
  expect(lonely).toMatchObject({ status: 'False', reason: 'Unschedulable', message: 'no nodes available to schedule pods' });
  // A node that was kept for it and is gone is told no longer.
  const early = { namespace: 'default', name: 'early' };
  await cluster.admin.patch(pods, early, { type: 'application/merge-patch+json', body: { status: { nominatedNodeName: 'gone' } } }, { subresource: 'status' });
  await cluster.admin.patch(pods, early, { type: 'application/merge-patch+json', body: { metadata: { labels: { again: 'yes' } } } });
  await until(async () => (await cluster.get('early')).status?.nominatedNodeName === undefined);
  await cluster.addNode(node('small', { cpu: '1' }));
  await cluster.addNode(node('tainted', { taints: [{ key: 'dedicated', value: 'db', effect: 'NoSchedule' }] }));
  await cluster.addNode(node('cordoned'));
  await cluster.admin.patch(nodes, { name: 'cordoned' }, { type: 'application/merge-patch+json', body: { spec: { unschedulable: true } } });
  await until(async () => (await cluster.get('early')).spec.nodeName);

  await systemClock.sleep(50);
  await cluster.admin.create(pods, pod('big', '2'));
  const condition = await until(async () => (await cluster.get('big')).status?.conditions?.find((c) => c.type === 'PodScheduled'));
  const message = '0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable. '
    + 'preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.';
  expect(condition).toMatchObject({ status: 'False', reason: 'Unschedulable', message });
  const failed = await until(async () => (await eventsOf(cluster.admin, 'big', 'FailedScheduling'))[0]);
  expect(failed).toMatchObject({ type: 'Warning', message });
  await cluster.addNode(node('large'));
  expect(await until(async () => (await cluster.get('big')).spec.nodeName)).toBe('large');
});

test('pods of one controller spread evenly over three nodes', async () => {
  await using cluster = await setUp();
  for (const name of ['a', 'b', 'c']) await cluster.addNode(node(name));
  const labels = { app: 'kiada' };
  const replicaSet = await cluster.admin.create(replicaSets, {
    metadata: { name: 'kiada', namespace: 'default' },
    spec: { replicas: 6, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'app:1' }] } } },
  });
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'kiada', uid: replicaSet.metadata.uid, controller: true };
  for (let i = 0; i < 6; i++) await cluster.admin.create(pods, pod(`kiada-${i}`, '0', {}, { labels, ownerReferences: [owner] }));
  const all = await until(async () => {
    const { items } = await cluster.admin.list(pods, { namespace: 'default' });
    return items.every((p) => p.spec.nodeName) && items;
  });
  expect([...Map.groupBy(all, (p) => p.spec.nodeName).values()].map((list) => list.length)).toEqual([2, 2, 2]);
});

test('a more important pod takes the place of a less important one', async () => {
  await using cluster = await setUp();
  await cluster.addNode(node('only', { cpu: '2' }));
  await cluster.admin.create(priorityClasses, { metadata: { name: 'high' }, value: 1000 });
  await cluster.admin.create(pods, pod('humble', '1500m', { terminationGracePeriodSeconds: 0 }));
  await until(async () => (await cluster.get('humble')).spec.nodeName);
  await cluster.admin.create(pods, pod('haughty', '1500m', { priorityClassName: 'high' }));
  await until(async () => (await eventsOf(cluster.admin, 'humble', 'Preempted'))[0]);
  // There is no kubelet here to let it go.
  await cluster.admin.delete(pods, { namespace: 'default', name: 'humble' }, { gracePeriodSeconds: 0 }).catch(() => {});
  expect(await until(async () => (await cluster.get('haughty')).spec.nodeName)).toBe('only');
});

test('a claim that waits for its first consumer gets its volume where the pod goes', async () => {
  await using cluster = await setUp();
  const { admin } = cluster;
  for (const name of ['a', 'b']) await cluster.addNode(node(name));
  const claimSpec = { storageClassName: 'local', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
  const withClaim = (name: string) => pod(name, '100m', { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: name } }] });
  const key = (name: string) => ({ namespace: 'default', name });
  /** What the volume controller, which is not here, does at the end. */
  const bind = async (name: string, volumeName: string): Promise<void> => {
    const claim = await admin.get(persistentVolumeClaims, key(name));
    await admin.update(persistentVolumeClaims, {
      ...claim, metadata: { ...claim.metadata, annotations: { ...claim.metadata.annotations, 'pv.kubernetes.io/bind-completed': 'yes' } }, spec: { ...claim.spec, volumeName },
    });
  };

  await admin.create(storageClasses, { metadata: { name: 'local' }, provisioner: 'example.com/local', volumeBindingMode: 'WaitForFirstConsumer' });
  await admin.create(persistentVolumeClaims, { metadata: key('made'), spec: claimSpec });
  await admin.create(pods, withClaim('made'));
  const selected = await until(async () => (await admin.get(persistentVolumeClaims, key('made'))).metadata.annotations?.['volume.kubernetes.io/selected-node']);
  expect((await cluster.get('made')).spec.nodeName).toBeUndefined();
  await bind('made', 'pv-made');
  expect(await until(async () => (await cluster.get('made')).spec.nodeName)).toBe(selected);

  const onlyB = { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['b'] }] }] } };
  const volume = await admin.create(persistentVolumes, {
    metadata: { name: 'pv-found' }, spec: { capacity: { storage: '2Gi' }, accessModes: ['ReadWriteOnce'], storageClassName: 'local', nodeAffinity: onlyB, hostPath: { path: '/x' } },
  });
  await admin.updateStatus(persistentVolumes, { ...volume, status: { phase: 'Available' } });
  await admin.create(persistentVolumeClaims, { metadata: key('found'), spec: claimSpec });
  await systemClock.sleep(50);
  await admin.patch(nodes, { name: 'a' }, { type: 'application/merge-patch+json', body: { spec: { unschedulable: true } } });
  await systemClock.sleep(50);
  await admin.create(pods, withClaim('found'));
  const claimRef = await until(async () => (await admin.get(persistentVolumes, { name: 'pv-found' })).spec.claimRef);
  expect(claimRef).toMatchObject({ kind: 'PersistentVolumeClaim', namespace: 'default', name: 'found' });
  await bind('found', 'pv-found');
  expect(await until(async () => (await cluster.get('found')).spec.nodeName)).toBe('b');
});

test('a claim gets a device on the node that is chosen, is kept for its pod, and the next pod waits until it is given back', async () => {
  await using cluster = await setUp();
  const { admin } = cluster;
  await Promise.all(['a', 'b'].map((name) => cluster.addNode(node(name))));
  await admin.create(deviceClasses, { metadata: { name: 'gpu' }, spec: { selectors: [{ cel: { expression: 'device.driver == "gpu.example"' } }] } });
  const withClaim = async (name: string): Promise<void> => {
    await admin.create(resourceClaims, { metadata: { name, namespace: 'default' }, spec: { devices: { requests: [{ name: 'one', exactly: { deviceClassName: 'gpu' } }] } } });
    await admin.create(pods, pod(name, '100m', { resourceClaims: [{ name: 'gpu', resourceClaimName: name }] }));
  };
  await withClaim('first');
  await until(async () => (await cluster.get('first')).status?.conditions?.some(({ message }) => message?.includes('cannot allocate all claims')));
  await admin.create(resourceSlices, { metadata: { name: 'b' }, spec: { driver: 'gpu.example', pool: { name: 'b', generation: 1, resourceSliceCount: 1 }, nodeName: 'b', devices: [{ name: 'gpu-0' }] } });
  const placed = await until(async () => { const found = await cluster.get('first'); return found.spec.nodeName ? found : undefined; });
  expect(placed.spec.nodeName).toBe('b');
  const claim = await admin.get(resourceClaims, { namespace: 'default', name: 'first' });
  expect(claim).toMatchObject({
    metadata: { finalizers: ['resource.kubernetes.io/delete-protection'] },
    status: { allocation: { devices: { results: [{ request: 'one', driver: 'gpu.example', pool: 'b', device: 'gpu-0' }] } }, reservedFor: [{ resource: 'pods', name: 'first', uid: placed.metadata.uid }] },
  });
  await withClaim('second');
  await until(async () => (await cluster.get('second')).status?.conditions?.some(({ message }) => message?.includes('cannot allocate all claims')));
  await admin.updateStatus(resourceClaims, { ...claim, status: {} });
  await until(async () => (await cluster.get('second')).spec.nodeName === 'b');
});

test('devices are had as an extended resource where the node has none of it, are waited for where they must be made ready, and what is broken or elsewhere is given back', async () => {
  await using cluster = await setUp({ podInitialBackoffMs: 10 });
  const { admin } = cluster;
  const resource = 'example.com/gpu';
  await Promise.all(['a', 'b'].map((name) => cluster.addNode(node(name))));
  const asking = (name: string) => admin.create(pods, pod(name, '100m', { containers: [{ name: 'main', image: 'it', resources: { requests: { cpu: '100m', [resource]: '1' }, limits: { [resource]: '1' } } }] }));
  const told = async (name: string, text: string) => (await cluster.get(name)).status?.conditions?.some(({ message }) => message?.includes(text));
  await asking('first');
  await until(() => told('first', `Insufficient ${resource}`));
  await admin.create(deviceClasses, { metadata: { name: 'gpu' }, spec: { extendedResourceName: resource, selectors: [{ cel: { expression: 'device.driver == "gpu.example"' } }] } });
  await until(() => told('first', 'cannot allocate all claims'));
  const slice = (name: string, generation: number, device: object) => ({ driver: 'gpu.example', pool: { name, generation, resourceSliceCount: 1 }, nodeName: name, devices: [{ name: 'gpu-0', ...device }] });
  await admin.create(resourceSlices, { metadata: { name: 'b' }, spec: slice('b', 1, { bindingConditions: ['Attached'], bindingFailureConditions: ['Broken'] }) });
  const ofFirst = () => admin.list(resourceClaims, { namespace: 'default' }).then(({ items }) => items.find(({ status }) => status?.allocation !== undefined));
  const claim = await until(ofFirst);
  expect(claim).toMatchObject({
    metadata: { name: expect.stringMatching(/^first-extended-resources-/), annotations: { 'resource.kubernetes.io/extended-resource-claim': 'true' } },
    spec: { devices: { requests: [{ name: 'container-0-request-1', exactly: { deviceClassName: 'gpu', count: 1 } }] } },
    status: { allocation: { allocationTimestamp: expect.any(String) }, reservedFor: [{ name: 'first' }] },
  });
  await until(async () => (await cluster.get('first')).status?.extendedResourceClaimStatus);
  expect((await cluster.get('first')).status!.extendedResourceClaimStatus).toEqual({ resourceClaimName: claim.metadata.name, requestMappings: [{ containerName: 'main', resourceName: resource, requestName: 'container-0-request-1' }] });
  expect((await cluster.get('first')).spec.nodeName).toBeUndefined();
  // It cannot be made ready: the claim goes, and another is made.
  const say = async (of: ResourceClaim, type: string) => {
    const conditions = [{ type, status: 'True', reason: 'Said', message: 'so', lastTransitionTime: '2030-01-01T00:00:00Z' }];
    await admin.updateStatus(resourceClaims, { ...of, status: { ...of.status, devices: [{ driver: 'gpu.example', pool: 'b', device: 'gpu-0', conditions }] } });
  };
  await say(claim, 'Broken');
  const second = await until(async () => { const found = await ofFirst(); return found && found.metadata.uid !== claim.metadata.uid ? found : undefined; });
  await say(second, 'Attached');
  await until(async () => (await cluster.get('first')).spec.nodeName === 'b');

  // A claim whose devices are on a node that the pod cannot go to is given back, and gets others.
  await admin.create(resourceSlices, { metadata: { name: 'a' }, spec: slice('a', 1, {}) });
  const stray = await admin.create(resourceClaims, { metadata: { name: 'stray', namespace: 'default' }, spec: { devices: { requests: [{ name: 'one', exactly: { deviceClassName: 'gpu' } }] } } });
  const elsewhere = { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['gone'] }] }] };
  await admin.updateStatus(resourceClaims, { ...stray, status: { allocation: { devices: { results: [{ request: 'one', driver: 'gpu.example', pool: 'gone', device: 'gpu-0' }] }, nodeSelector: elsewhere } } });
  await admin.create(pods, pod('stray', '100m', { resourceClaims: [{ name: 'gpu', resourceClaimName: 'stray' }] }));
  await until(async () => (await cluster.get('stray')).spec.nodeName === 'a');
});
