import { expect, test } from 'vitest';
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/generated/core-v1.ts';
import { persistentVolumeClaims, persistentVolumes, pods, storageClasses, volumeAttributesClasses } from '../../api/generated/resources.ts';
import type { New } from '../../api/object.ts';
import type { Client } from '../../client/client.ts';
import { startControllersUnderTest } from '../../testing/controllers-under-test.ts';
import { LOCAL_PATH } from './local-path-provisioner.ts';

const namespace = 'default';
const only = [
  'persistentvolume-controller', 'persistentvolumeclaim-protection-controller', 'persistentvolume-protection-controller', 'ephemeral-volume-controller', 'local-path-provisioner',
  'garbage-collector-controller', 'volumeattributesclass-protection-controller',
];
const claim = (name: string, storage: string, storageClassName?: string): New<PersistentVolumeClaim> => ({
  metadata: { name, namespace }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } }, ...(storageClassName !== undefined && { storageClassName }) },
});
const volume = (name: string, storage: string): New<PersistentVolume> => ({
  metadata: { name }, spec: { accessModes: ['ReadWriteOnce'], capacity: { storage }, hostPath: { path: `/data/${name}` }, persistentVolumeReclaimPolicy: 'Retain', storageClassName: 'manual' },
});
const claimNamed = (admin: Client, name: string) => admin.get(persistentVolumeClaims, { namespace, name });
const volumeNamed = (admin: Client, name: string) => admin.get(persistentVolumes, { name });

test('a claim gets the smallest volume that is large enough; its volume is released with it, and kept', async () => {
  await using world = await startControllersUnderTest({ only });
  const { admin } = world;
  for (const [name, size] of [['small', '1Gi'], ['large', '10Gi'], ['middle', '5Gi']] as const) await admin.create(persistentVolumes, volume(name, size));
  await world.pass(1);
  expect((await volumeNamed(admin, 'small')).status?.phase).toBe('Available');
  await admin.create(persistentVolumeClaims, claim('data', '3Gi', 'manual'));
  await world.pass(1);
  const bound = await claimNamed(admin, 'data');
  expect(bound).toMatchObject({ spec: { volumeName: 'middle' }, status: { phase: 'Bound', capacity: { storage: '5Gi' }, accessModes: ['ReadWriteOnce'] } });
  expect(await volumeNamed(admin, 'middle')).toMatchObject({ spec: { claimRef: { name: 'data', namespace, uid: bound.metadata.uid } }, status: { phase: 'Bound' } });

  // In use: neither goes.
  await admin.create(pods, { metadata: { name: 'user', namespace }, spec: { containers: [{ name: 'main', image: 'it' }], volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] } });
  await world.pass(3);
  await admin.delete(persistentVolumeClaims, { namespace, name: 'data' });
  await admin.delete(persistentVolumes, { name: 'middle' });
  await world.pass(2);
  expect((await claimNamed(admin, 'data')).metadata).toMatchObject({ deletionTimestamp: expect.any(String), finalizers: ['kubernetes.io/pvc-protection'] });
  expect((await volumeNamed(admin, 'middle')).status?.phase).toBe('Bound');
  await admin.delete(pods, { namespace, name: 'user' });
  await world.pass(4);
  await expect(claimNamed(admin, 'data')).rejects.toMatchObject({ reason: 'NotFound' });
  await expect(volumeNamed(admin, 'middle')).rejects.toMatchObject({ reason: 'NotFound' });

  await admin.create(persistentVolumeClaims, claim('kept', '1Gi', 'manual'));
  await world.pass(1);
  await admin.delete(persistentVolumeClaims, { namespace, name: 'kept' });
  await world.pass(2);
  expect((await volumeNamed(admin, 'small')).status?.phase).toBe('Released');
});

test('a volume that nobody can delete fails once, and says why; an unbound claim takes the volume it names', async () => {
  await using world = await startControllersUnderTest({ only });
  const { admin } = world;
  const deletable = volume('doomed', '1Gi');
  await admin.create(persistentVolumes, { ...deletable, spec: { ...deletable.spec, persistentVolumeReclaimPolicy: 'Delete' } });
  await admin.create(persistentVolumes, volume('other', '1Gi'));
  const named = claim('data', '1Gi', 'manual');
  await admin.create(persistentVolumeClaims, { ...named, spec: { ...named.spec, volumeName: 'doomed' } });
  await world.pass(1);
  expect(await claimNamed(admin, 'data')).toMatchObject({ spec: { volumeName: 'doomed' }, status: { phase: 'Bound' } });
  expect((await volumeNamed(admin, 'other')).status?.phase).toBe('Available');
  await admin.delete(persistentVolumeClaims, { namespace, name: 'data' });
  await world.pass(3);
  const failed = await volumeNamed(admin, 'doomed');
  expect(failed.status).toMatchObject({ phase: 'Failed', message: expect.stringContaining('no deletable volume plugin matched') });
  await world.pass(10);
  expect((await volumeNamed(admin, 'doomed')).metadata.resourceVersion).toBe(failed.metadata.resourceVersion);
});

test('a claim waits for a volume that fits; two claims do not get the same', async () => {
  await using world = await startControllersUnderTest({ only });
  const { admin } = world;
  await admin.create(persistentVolumeClaims, claim('first', '1Gi', 'manual'));
  await world.pass(1);
  expect((await claimNamed(admin, 'first')).status?.phase).toBe('Pending');
  await admin.create(persistentVolumeClaims, claim('second', '1Gi', 'manual'));
  await admin.create(persistentVolumes, volume('one', '1Gi'));
  await world.pass(2);
  const phases = async () => (await admin.list(persistentVolumeClaims, { namespace })).items.map((one) => one.status?.phase).toSorted();
  expect(await phases()).toEqual(['Bound', 'Pending']);
  await admin.create(persistentVolumes, volume('two', '1Gi'));
  await world.pass(2);
  expect(await phases()).toEqual(['Bound', 'Bound']);
});

test('a class makes folders on the node that the first pod is put on', async () => {
  await using world = await startControllersUnderTest({ only });
  const { admin } = world;
  await admin.create(storageClasses, {
    metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } }, provisioner: LOCAL_PATH, reclaimPolicy: 'Delete', volumeBindingMode: 'WaitForFirstConsumer',
  });
  await admin.create(persistentVolumeClaims, claim('data', '1Gi', 'standard'));
  await world.pass(2);
  expect((await claimNamed(admin, 'data')).status?.phase).toBe('Pending');
  // As the scheduler says which node it has chosen.
  await admin.patch(persistentVolumeClaims, { namespace, name: 'data' }, { type: 'application/merge-patch+json', body: { metadata: { annotations: { 'volume.kubernetes.io/selected-node': 'node-1' } } } });
  await world.pass(2);
  const bound = await claimNamed(admin, 'data');
  expect(bound.status?.phase).toBe('Bound');
  const made = await volumeNamed(admin, bound.spec.volumeName!);
  expect(made.spec).toMatchObject({ hostPath: { type: 'DirectoryOrCreate' }, nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ values: ['node-1'] }] }] } } });
  await admin.delete(persistentVolumeClaims, { namespace, name: 'data' });
  await world.pass(3);
  await expect(volumeNamed(admin, made.metadata.name)).rejects.toMatchObject({ reason: 'NotFound' });
});

test('an ephemeral volume gets its claim with the pod, and loses it with the pod', async () => {
  await using world = await startControllersUnderTest({ only });
  const { admin } = world;
  const volumes = [{ name: 'scratch', ephemeral: { volumeClaimTemplate: { spec: claim('x', '1Gi', 'none').spec } } }];
  await admin.create(pods, { metadata: { name: 'user', namespace }, spec: { containers: [{ name: 'main', image: 'it' }], volumes } });
  await world.pass(2);
  expect((await claimNamed(admin, 'user-scratch')).metadata.ownerReferences).toMatchObject([{ kind: 'Pod', name: 'user', controller: true }]);
  await admin.delete(pods, { namespace, name: 'user' });
  await world.pass(4);
  await expect(claimNamed(admin, 'user-scratch')).rejects.toMatchObject({ reason: 'NotFound' });
});

test('a class of attributes stays as long as a claim names it', async () => {
  await using world = await startControllersUnderTest({ only });
  const { admin } = world;
  for (const name of ['free', 'used']) await admin.create(volumeAttributesClasses, { metadata: { name }, driverName: 'example.com', parameters: { iops: '100' } });
  const wanted = claim('data', '1Gi', 'manual');
  await admin.create(persistentVolumeClaims, { ...wanted, spec: { ...wanted.spec!, volumeAttributesClassName: 'used' } });
  await world.pass(1);
  for (const name of ['free', 'used']) await admin.delete(volumeAttributesClasses, { name });
  await world.pass(1);
  expect((await admin.list(volumeAttributesClasses)).items.map(({ metadata }) => metadata.name)).toEqual(['used']);
  await admin.delete(persistentVolumeClaims, { namespace, name: 'data' });
  await world.pass(2);
  expect((await admin.list(volumeAttributesClasses)).items).toEqual([]);
});

test('a claim on a folder grows where its class lets it, and its volume before it', async () => {
  await using world = await startControllersUnderTest({ only: [...only, 'volume_expand'] });
  const { admin } = world;
  await admin.create(storageClasses, { metadata: { name: 'local' }, provisioner: LOCAL_PATH, volumeBindingMode: 'Immediate', reclaimPolicy: 'Delete', allowVolumeExpansion: true });
  await world.pass(1);
  await admin.create(persistentVolumeClaims, claim('data', '1Gi', 'local'));
  await world.pass(2);
  await admin.patch(persistentVolumeClaims, { namespace, name: 'data' }, { type: 'application/merge-patch+json', body: { spec: { resources: { requests: { storage: '3Gi' } } } } });
  await world.pass(2);
  const grown = await claimNamed(admin, 'data');
  expect(grown.status).toMatchObject({ phase: 'Bound', capacity: { storage: '3Gi' }, allocatedResources: { storage: '3Gi' } });
  expect((await volumeNamed(admin, grown.spec.volumeName!)).spec.capacity).toEqual({ storage: '3Gi' });
  const { resourceVersion } = grown.metadata;
  await world.pass(20);
  expect((await claimNamed(admin, 'data')).metadata.resourceVersion).toBe(resourceVersion);
});
