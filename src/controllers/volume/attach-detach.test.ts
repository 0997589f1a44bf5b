import { expect, test } from 'vitest';
import { csiDrivers, events, nodes, persistentVolumeClaims, persistentVolumes, pods, volumeAttachments } from '../../api/generated/resources.ts';
import { startControllersUnderTest, type ControllersUnderTest } from '../../testing/controllers-under-test.ts';
import { attachmentName } from './attach-detach.ts';

const namespace = 'default';
const driver = 'disk.example';

async function makeVolume({ admin }: ControllersUnderTest, name: string, accessMode = 'ReadWriteOnce', by = driver): Promise<void> {
  const shared = { accessModes: [accessMode], storageClassName: 'disks' };
  await admin.create(persistentVolumes, { metadata: { name }, spec: { ...shared, capacity: { storage: '1Gi' }, csi: { driver: by, volumeHandle: `h-${name}` } } });
  await admin.create(persistentVolumeClaims, { metadata: { name, namespace }, spec: { ...shared, volumeName: name, resources: { requests: { storage: '1Gi' } } } });
}
const makePod = ({ admin }: ControllersUnderTest, name: string, node: string, claimName: string) => admin.create(pods, {
  metadata: { name, namespace, labels: { node } }, spec: { nodeSelector: { node }, containers: [{ name: 'main', image: 'it' }], volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }] },
});
const start = (fate: 'runs' | 'succeeds' = 'runs') => startControllersUnderTest({
  only: ['persistentvolume-controller', 'persistentvolume-attach-detach-controller'],
  pods: { nodes: ['one', 'two'], targetOf: (pod) => pod.metadata.labels!['node']!, fate: (pod) => (pod.metadata.name.startsWith('once') ? fate : 'runs') },
});
const attached = async ({ admin }: ControllersUnderTest) => (await admin.list(volumeAttachments)).items.map(({ metadata, spec }) => [metadata.name, spec.nodeName, spec.source.persistentVolumeName]);

test('a volume is attached where a pod wants it, and nowhere else before it is detached there', async () => {
  await using world = await start();
  const { admin } = world;
  await makeVolume(world, 'data');
  await makePod(world, 'a', 'one', 'data');
  await world.pass(3);
  expect(await attached(world)).toEqual([[attachmentName('h-data', driver, 'one'), 'one', 'data']]);
  const [attachment] = (await admin.list(volumeAttachments)).items;
  await admin.updateStatus(volumeAttachments, { ...attachment!, status: { attached: true } });
  await makePod(world, 'b', 'two', 'data');
  await world.pass(3);
  expect(await attached(world)).toHaveLength(1);
  const told = (await admin.list(events, { namespace })).items.map(({ reason, message }) => `${reason}: ${message}`);
  expect(told).toContain('SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume "data" ');
  expect(told).toContain('FailedAttachVolume: Multi-Attach error for volume "data" Volume is already used by pod(s) default/a');
  await admin.delete(pods, { namespace, name: 'a' });
  await world.pass(4);
  expect(await attached(world)).toEqual([[attachmentName('h-data', driver, 'two'), 'two', 'data']]);
});

test('what many may use is attached to many; what needs no attachment, to none; what ended pods used is given up after a while', async () => {
  await using world = await start('succeeds');
  const { admin } = world;
  await admin.create(csiDrivers, { metadata: { name: 'folder.example' }, spec: { attachRequired: false } });
  await makeVolume(world, 'shared', 'ReadWriteMany');
  await makeVolume(world, 'folder', 'ReadWriteOnce', 'folder.example');
  await makePod(world, 'once-a', 'one', 'shared');
  await makePod(world, 'b', 'two', 'shared');
  await makePod(world, 'c', 'two', 'folder');
  await world.pass(3);
  expect((await attached(world)).map(([, node, volume]) => [node, volume]).toSorted()).toEqual([['one', 'shared'], ['two', 'shared']]);
  await world.pass(25);
  expect((await attached(world)).map(([, node, volume]) => [node, volume])).toEqual([['two', 'shared']]);
});

test('an attachment that somebody else made is let be', async () => {
  await using world = await start();
  const { admin } = world;
  await makeVolume(world, 'data');
  await admin.create(volumeAttachments, { metadata: { name: 'by-hand' }, spec: { attacher: driver, nodeName: 'one', source: { persistentVolumeName: 'data' } } });
  await world.pass(3);
  expect(await attached(world)).toEqual([['by-hand', 'one', 'data']]);
});

test('what a node says it uses stays there, until it says otherwise, is out of service, or was not well for six minutes', async () => {
  await using world = await start();
  const { admin } = world;
  const node = (status: object, spec: object = {}) => admin.get(nodes, { name: 'one' }).then(async (present) => {
    const updated = await admin.update(nodes, { ...present, spec: { ...present.spec, ...spec } });
    await admin.updateStatus(nodes, { ...updated, status: { ...updated.status, ...status } });
  });
  const ready = (value: string) => [{ type: 'Ready', status: value, lastHeartbeatTime: '2030-01-01T00:00:00Z', lastTransitionTime: '2030-01-01T00:00:00Z', reason: 'Said', message: '' }];
  const name = `kubernetes.io/csi/${driver}^h-data`;
  await makeVolume(world, 'data');
  const use = async () => {
    await makePod(world, 'a', 'one', 'data');
    await world.pass(3);
    const [attachment] = (await admin.list(volumeAttachments)).items;
    await admin.updateStatus(volumeAttachments, { ...attachment!, status: { attached: true } });
    await world.pass(1);
    expect((await admin.get(nodes, { name: 'one' })).status?.volumesAttached).toEqual([{ name, devicePath: '' }]);
    await admin.delete(pods, { namespace, name: 'a' }, { gracePeriodSeconds: 0 });
    await world.pass(20);
  };
  await node({ conditions: ready('True'), volumesInUse: [name] });
  await use();
  expect(await attached(world)).toHaveLength(1);
  await node({ volumesInUse: [] });
  await world.pass(2);
  expect(await attached(world)).toEqual([]);
  expect((await admin.get(nodes, { name: 'one' })).status?.volumesAttached ?? []).toEqual([]);

  await node({ volumesInUse: [name] });
  await use();
  await node({ conditions: ready('Unknown') });
  await world.pass(60);
  expect(await attached(world)).toHaveLength(1);
  await node({}, { taints: [{ key: 'node.kubernetes.io/out-of-service', value: 'nodeshutdown', effect: 'NoExecute' }] });
  await world.pass(2);
  expect(await attached(world)).toEqual([]);

  await node({ conditions: ready('True') }, { taints: [] });
  await use();
  await node({ conditions: ready('Unknown') });
  await world.pass(330);
  expect(await attached(world)).toHaveLength(1);
  await world.pass(30);
  expect(await attached(world)).toEqual([]);
});
