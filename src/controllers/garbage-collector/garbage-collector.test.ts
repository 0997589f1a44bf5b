import { expect, test } from 'vitest';
import { configMaps, customResourceDefinitions, deployments, events, pods, replicaSets } from '../../api/generated/resources.ts';
import type { KubeObject, ResourceType } from '../../api/object.ts';
import { systemClock } from '../../base/clock.ts';
import { createLog } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import { startControllersUnderTest } from '../../testing/controllers-under-test.ts';
import { verdict, type OwnerState } from './owner-verdict.ts';

const namespace = 'default';
const only = ['deployment-controller', 'replicaset-controller', 'garbage-collector-controller'];
const labels = { app: 'kubia' };

async function createDeployment(admin: Client): Promise<void> {
  await admin.create(deployments, { metadata: { name: 'kubia', namespace }, spec: { replicas: 2, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'kubia' }] } } } });
}

test('in the foreground an owner waits for what depends on it', async () => {
  await using world = await startControllersUnderTest({ only, pods: { stopMs: 3000 } });
  const { admin } = world;
  await createDeployment(admin);
  await world.pass(3);
  await admin.delete(deployments, { namespace, name: 'kubia' }, { propagationPolicy: 'Foreground' });
  await world.pass(2);
  expect((await admin.get(deployments, { namespace, name: 'kubia' })).metadata).toMatchObject({ finalizers: ['foregroundDeletion'], deletionTimestamp: expect.any(String) });
  expect((await admin.list(replicaSets, { namespace })).items).toMatchObject([{ metadata: { finalizers: ['foregroundDeletion'] } }]);
  await world.pass(5);
  for (const resource of [deployments, replicaSets, pods]) expect((await admin.list<KubeObject>(resource, { namespace })).items).toEqual([]);
});

test('orphans stay, without their owner', async () => {
  await using world = await startControllersUnderTest({ only });
  const { admin } = world;
  await createDeployment(admin);
  await world.pass(3);
  await admin.delete(deployments, { namespace, name: 'kubia' }, { propagationPolicy: 'Orphan' });
  await world.pass(3);
  await expect(admin.get(deployments, { namespace, name: 'kubia' })).rejects.toMatchObject({ reason: 'NotFound' });
  const [set] = (await admin.list(replicaSets, { namespace })).items;
  expect(set!.metadata.ownerReferences ?? []).toEqual([]);
  expect((await admin.list(pods, { namespace })).items).toHaveLength(2);
  // A new deployment of the same template adopts what it finds.
  await createDeployment(admin);
  await world.pass(3);
  const sets = (await admin.list(replicaSets, { namespace })).items;
  expect(sets.map((one) => [one.metadata.uid, one.metadata.ownerReferences?.[0]?.name])).toEqual([[set!.metadata.uid, 'kubia']]);
});

test('of an object with an absent owner nothing is left, unless another owner lives', async () => {
  await using world = await startControllersUnderTest({ only });
  const { admin } = world;
  const create = (name: string, ownerReferences: object[]) => admin.create(configMaps, { metadata: { name, namespace, ownerReferences: ownerReferences as never } });
  const owner = await create('owner', []);
  const present = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid };
  const absent = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: 'another' };
  await create('alone', [absent]);
  await create('held', [absent, present]);
  await create('unknown-kind', [{ apiVersion: 'example.com/v1', kind: 'Thing', name: 'x', uid: 'y' }]);
  await world.pass(3);
  const left = (await admin.list(configMaps, { namespace })).items.map((map) => map.metadata.name);
  expect(left).toEqual(['held', 'owner', 'unknown-kind']);
  expect((await admin.get(configMaps, { namespace, name: 'held' })).metadata.ownerReferences).toEqual([present]);
  expect((await admin.list(events, { namespace })).items.filter((event) => event.reason === 'OwnerRefInvalidNamespace')).toEqual([]);
});

test('an owner of another namespace owns nothing, and who names it is told so', async () => {
  await using world = await startControllersUnderTest({ only });
  const { admin } = world;
  const owner = await admin.create(configMaps, { metadata: { name: 'owner', namespace: 'kube-system' } });
  const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid }];
  await admin.create(configMaps, { metadata: { name: 'child', namespace, ownerReferences } });
  await world.pass(3);
  await expect(admin.get(configMaps, { namespace, name: 'child' })).rejects.toMatchObject({ reason: 'NotFound' });
  const told = (await admin.list(events, { namespace })).items.filter((event) => event.reason === 'OwnerRefInvalidNamespace');
  expect(told).toMatchObject([{ type: 'Warning', message: `ownerRef [v1/ConfigMap, namespace: ${namespace}, name: owner, uid: ${owner.metadata.uid}] does not exist in namespace "${namespace}"` }]);
});

const object = (name: string, more: object = {}): KubeObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, uid: name, resourceVersion: '1', creationTimestamp: '', ...more } });
const going = object('child', { deletionTimestamp: 'now', finalizers: ['foregroundDeletion'] });

test.each<[string, OwnerState[], KubeObject[], object]>([
  ['without owners', [], [], { action: 'keep' }],
  ['with one that lives', ['present'], [], { action: 'keep' }],
  ['with one that lives and one that does not', ['present', 'absent'], [], { action: 'drop' }],
  ['with none that lives', ['absent', 'absent'], [object('child')], { action: 'delete', propagationPolicy: 'Background', unblock: false }],
  ['of one that waits', ['waiting'], [], { action: 'delete', propagationPolicy: 'Background', unblock: false }],
  ['of one that waits, with dependents', ['waiting'], [object('child')], { action: 'delete', propagationPolicy: 'Foreground', unblock: false }],
  ['of one that waits, in a circle', ['waiting', 'absent'], [going], { action: 'delete', propagationPolicy: 'Foreground', unblock: true }],
])('an object %s', (_, states, dependents, expected) => {
  const owners = states.map((state, index) => ({ state, reference: { apiVersion: 'v1', kind: 'ConfigMap', name: `o${index}`, uid: `o${index}` } }));
  expect(verdict(object('it'), owners, dependents)).toMatchObject(expected);
});

test('custom resources own and are owned as soon as they are served, and are followed no more when they are not', async () => {
  const faults: string[] = [];
  const log = createLog({ write: (line) => void faults.push(line), clock: systemClock, level: 'warn' });
  await using world = await startControllersUnderTest({ only, log });
  const { admin } = world;
  const boats: ResourceType<KubeObject> = { group: 'example.com', version: 'v1', resource: 'boats', kind: 'Boat', namespaced: true };
  const names = { plural: 'boats', singular: 'boat', kind: 'Boat', listKind: 'BoatList' };
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  const define = () => admin.create(customResourceDefinitions, { metadata: { name: 'boats.example.com' }, spec: { group: 'example.com', scope: 'Namespaced', names, versions: [{ name: 'v1', served: true, storage: true, schema: schema as never }] } });
  for (let round = 0; round < 2; round++) {
    await define();
    await world.pass(2);
    const owner = await admin.create(boats, { apiVersion: 'example.com/v1', kind: 'Boat', metadata: { name: 'one', namespace } } as never);
    const ownerReferences = [{ apiVersion: 'example.com/v1', kind: 'Boat', name: 'one', uid: owner.metadata.uid }];
    await admin.create(configMaps, { metadata: { name: 'crew', namespace, ownerReferences } });
    await admin.create(boats, { apiVersion: 'example.com/v1', kind: 'Boat', metadata: { name: 'two', namespace, ownerReferences } } as never);
    await world.pass(1);
    await admin.delete(boats, { namespace, name: 'one' });
    await world.pass(1);
    expect((await admin.list(boats, { namespace })).items).toEqual([]);
    expect((await admin.list(configMaps, { namespace })).items.map((map) => map.metadata.name)).toEqual([]);
    await admin.delete(customResourceDefinitions, { name: 'boats.example.com' });
    await world.pass(30);
  }
  expect(faults).toEqual([]);
});

test('owners in a circle do not wait for each other for ever', async () => {
  await using world = await startControllersUnderTest({ only });
  const { admin } = world;
  const made = await Promise.all(['a', 'b', 'c'].map((name) => admin.create(configMaps, { metadata: { name, namespace } })));
  for (const [index, map] of made.entries()) {
    const { name, uid } = made[(index + 2) % 3]!.metadata;
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name, uid, blockOwnerDeletion: true }];
    await admin.patch(configMaps, { namespace, name: map.metadata.name }, { type: 'application/merge-patch+json', body: { metadata: { ownerReferences } } });
  }
  await world.pass(1);
  await admin.delete(configMaps, { namespace, name: 'a' }, { propagationPolicy: 'Foreground' });
  await world.pass(5);
  expect((await admin.list(configMaps, { namespace })).items.filter((map) => map.metadata.name.length === 1)).toEqual([]);
});
