import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, ServerCredentials, type ServiceDefinition, type UntypedHandleCall } from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import { csiDrivers, csiNodes, events, nodes, persistentVolumeClaims, persistentVolumes, pods } from '../../api/generated/resources.ts';
import type { Pod, PodSpec } from '../../api/generated/core-v1.ts';
import { silentLog } from '../../base/log.ts';
import { nodeUnderTest } from '../../testing/node-under-test.ts';
import type { Mounter } from '../volumes/mounter.ts';
import { tearDownVolumes } from '../volumes/set-up-volumes.ts';
import { registrationService } from '../plugins/registration-protocol.ts';
import { csiNodeService } from './csi-protocol.ts';

const DRIVER = 'disks.example.test';
const ROOT = '/var/lib/kubelet';

interface Call {
  readonly method: string;
  readonly request: Readonly<Record<string, unknown>>;
}

/** A driver that notes what it is asked for, and makes folders where volumes are published. */
async function driverUnderTest(rootDir: string, mounted: Set<string>): Promise<{ readonly calls: Call[]; told(): unknown; end(): Promise<void> }> {
  const calls: Call[] = [];
  let told: unknown;
  const local = (path: unknown): string => String(path).replace(ROOT, rootDir);
  const answer = (method: string, effect: (request: Call['request']) => object): UntypedHandleCall => (call: { request: Call['request'] }, done: (error: null, value: object) => void) => {
    calls.push({ method, request: call.request });
    done(null, effect(call.request));
  };
  const node = {
    NodeGetInfo: answer('NodeGetInfo', () => ({ nodeId: 'boat-id', maxVolumesPerNode: 3, accessibleTopology: { segments: { 'example.test/zone': 'here' } } })),
    NodeGetCapabilities: answer('NodeGetCapabilities', () => ({ capabilities: [{ rpc: { type: 'STAGE_UNSTAGE_VOLUME' } }, { rpc: { type: 'EXPAND_VOLUME' } }] })),
    NodeExpandVolume: answer('NodeExpandVolume', () => ({ capacityBytes: 2 * 2 ** 30 })),
    NodeStageVolume: answer('NodeStageVolume', () => ({})),
    NodePublishVolume: answer('NodePublishVolume', ({ targetPath }) => {
      mkdirSync(local(targetPath), { recursive: true });
      mounted.add(local(targetPath));
      return {};
    }),
    NodeUnpublishVolume: answer('NodeUnpublishVolume', ({ targetPath }) => {
      mounted.delete(local(targetPath));
      return {};
    }),
    NodeUnstageVolume: answer('NodeUnstageVolume', () => ({})),
  };
  const endpoint = join(rootDir, 'plugins/disks.sock');
  const registrar = {
    GetInfo: answer('GetInfo', () => ({ type: 'CSIPlugin', name: DRIVER, endpoint, supportedVersions: ['1.0.0'] })),
    NotifyRegistrationStatus: answer('NotifyRegistrationStatus', (request) => {
      told = request;
      return {};
    }),
  };
  const servers: Server[] = [];
  const serve = async (service: ServiceDefinition, handlers: Record<string, UntypedHandleCall>, path: string): Promise<void> => {
    const server = new Server();
    server.addService(service, handlers);
    await new Promise<void>((resolve, reject) => server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve())));
    servers.push(server);
  };
  await serve(csiNodeService as ServiceDefinition, node, endpoint);
  await serve(registrationService as ServiceDefinition, registrar, join(rootDir, 'plugins_registry/disks-reg.sock'));
  const end = async (): Promise<void> => {
    for (const server of servers.splice(0)) server.forceShutdown();
    rmSync(join(rootDir, 'plugins_registry/disks-reg.sock'), { force: true });
  };
  onTestFinished(end);
  return { calls, told: () => told, end };
}

test('a driver registers; its volumes are staged once, published for each pod, and taken away after the last', async () => {
  const { admin, clock, rootDir, start } = await nodeUnderTest({ images: ['busybox:1'] });
  const mounted = new Set<string>();
  const mounter: Mounter = { isMounted: async (path) => mounted.has(path), mountsWithin: async (path) => [...mounted].filter((target) => target.startsWith(path)), mountTmpfs: async () => undefined, mount: async () => undefined, unmount: async () => undefined };
  await start({ mounter, driversRoot: ROOT });
  const until = async (what: () => Promise<unknown> | unknown): Promise<void> => void await expect.poll(async () => {
    await clock.advance(200);
    return Boolean(await what());
  }, { timeout: 15_000, interval: 5 }).toBe(true);
  await until(async () => (await admin.get(csiNodes, { name: 'boat' }).catch(() => undefined)) !== undefined);

  const create = (name: string, spec: Partial<PodSpec>): Promise<Pod> => admin.create(pods, {
    metadata: { name, namespace: 'default' },
    spec: { nodeName: 'boat', automountServiceAccountToken: false, terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image: 'busybox:1', command: ['sleep', 'infinity'], volumeMounts: [{ name: 'data', mountPath: '/data' }] }], ...spec },
  });
  const phase = async (name: string): Promise<string | undefined> => (await admin.get(pods, { namespace: 'default', name })).status?.phase;
  await admin.create(csiDrivers, { metadata: { name: DRIVER }, spec: { attachRequired: false, podInfoOnMount: true, requiresRepublish: true, tokenRequests: [{ audience: 'disks' }], volumeLifecycleModes: ['Persistent', 'Ephemeral'] } });

  // Before the driver is there, the pod waits and says why.
  await create('early', { volumes: [{ name: 'data', csi: { driver: DRIVER, volumeAttributes: { size: '1Mi' } } }] });
  await until(async () => (await admin.list(events, { namespace: 'default' })).items.some(({ reason, message }) => reason === 'FailedMount'
    && message === `MountVolume.SetUp failed for volume "data" : kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: driver name ${DRIVER} not found in the list of registered CSI drivers`));

  const driver = await driverUnderTest(rootDir, mounted);
  await until(() => driver.told());
  expect(driver.told()).toEqual({ pluginRegistered: true, error: '' });
  expect((await admin.get(csiNodes, { name: 'boat' })).spec.drivers).toEqual([{ name: DRIVER, nodeID: 'boat-id', topologyKeys: ['example.test/zone'], allocatable: { count: 3 } }]);
  expect((await admin.get(nodes, { name: 'boat' })).metadata).toMatchObject({ labels: { 'example.test/zone': 'here' }, annotations: { 'csi.volume.kubernetes.io/nodeid': `{"${DRIVER}":"boat-id"}` } });
  await until(async () => await phase('early') === 'Running');
  const inline = driver.calls.find(({ method }) => method === 'NodePublishVolume')!.request;
  expect(inline).toMatchObject({
    volumeId: expect.stringMatching(/^csi-[0-9a-f]{64}$/), targetPath: expect.stringMatching(/^\/var\/lib\/kubelet\/pods\/[\w-]+\/volumes\/kubernetes\.io~csi\/data\/mount$/), stagingTargetPath: '',
    volumeContext: { size: '1Mi', 'csi.storage.k8s.io/pod.name': 'early', 'csi.storage.k8s.io/ephemeral': 'true' },
  });
  const { disks } = JSON.parse((inline as { volumeContext: Record<string, string> }).volumeContext['csi.storage.k8s.io/serviceAccount.tokens']!) as { disks: { token: string; expirationTimestamp: string } };
  expect(Buffer.from(disks.token.split('.')[1]!, 'base64').toString()).toContain('"disks"');
  expect(Date.parse(disks.expirationTimestamp)).toBeGreaterThan(clock.now());
  // It asks to be told again, with what tokens there are then.
  await until(() => driver.calls.filter(({ method, request }) => method === 'NodePublishVolume' && request['volumeId'] === inline['volumeId']).length > 1);
  await admin.delete(pods, { namespace: 'default', name: 'early' });
  await until(() => driver.calls.some(({ method, request }) => method === 'NodeUnpublishVolume' && request['volumeId'] === inline['volumeId']));

  // A persistent one is shared by two pods.
  const volume = await admin.create(persistentVolumes, {
    metadata: { name: 'disk' }, spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], claimRef: { namespace: 'default', name: 'disk' }, csi: { driver: DRIVER, volumeHandle: 'vol-1', fsType: 'ext4' } },
  });
  const claim = await admin.create(persistentVolumeClaims, { metadata: { name: 'disk', namespace: 'default' }, spec: { accessModes: ['ReadWriteOnce'], volumeName: 'disk', resources: { requests: { storage: '1Gi' } } } });
  await admin.update(persistentVolumes, { ...volume, spec: { ...volume.spec, claimRef: { ...volume.spec.claimRef, uid: claim.metadata.uid } } });
  await admin.updateStatus(persistentVolumeClaims, { ...claim, status: { phase: 'Bound', capacity: { storage: '1Gi' } } });
  const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'disk' } }];
  await Promise.all([create('one', { volumes }), create('two', { volumes })]);
  await until(async () => await phase('one') === 'Running' && await phase('two') === 'Running');
  const about = (method: string): Call[] => driver.calls.filter(({ method: name, request }) => name === method && request['volumeId'] === 'vol-1');
  expect(about('NodePublishVolume')).toHaveLength(2);
  expect(about('NodeExpandVolume')).toEqual([]);
  expect(about('NodeStageVolume')[0]!.request).toMatchObject({ stagingTargetPath: expect.stringMatching(/\/plugins\/kubernetes\.io\/csi\/disks\.example\.test\/[0-9a-f]{64}\/globalmount$/), volumeCapability: { mount: { fsType: 'ext4' }, accessMode: { mode: 'SINGLE_NODE_WRITER' } } });

  // It grows while pods use it: the driver makes the file system as large, and the claim says so.
  const key = { namespace: 'default', name: 'disk' };
  await admin.patch(persistentVolumes, { name: 'disk' }, { type: 'application/merge-patch+json', body: { spec: { capacity: { storage: '2Gi' } } } });
  await admin.patch(persistentVolumeClaims, key, { type: 'application/merge-patch+json', body: { status: { conditions: [{ type: 'FileSystemResizePending', status: 'True' }] } } }, { subresource: 'status' });
  await until(async () => (await admin.get(persistentVolumeClaims, key)).status?.capacity?.['storage'] === '2Gi');
  expect((await admin.get(persistentVolumeClaims, key)).status!.conditions ?? []).toEqual([]);
  expect(about('NodeExpandVolume')[0]!.request).toMatchObject({ volumePath: expect.stringMatching(/\/kubernetes\.io~csi\/disk\/mount$/), stagingTargetPath: expect.stringMatching(/globalmount$/), capacityRange: { requiredBytes: 2 * 2 ** 30 } });

  await admin.delete(pods, { namespace: 'default', name: 'one' });
  await until(() => about('NodeUnpublishVolume').length === 1);
  expect(about('NodeUnstageVolume')).toEqual([]);
  await admin.delete(pods, { namespace: 'default', name: 'two' });
  await until(() => about('NodeUnstageVolume').length === 1);
  expect([...mounted]).toEqual([]);

  // What must be attached is told to be in use before it is, and until nobody wants it.
  const far = await admin.create(persistentVolumes, { metadata: { name: 'far' }, spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], claimRef: { namespace: 'default', name: 'far' }, csi: { driver: 'far.example.test', volumeHandle: 'vol-9' } } });
  const farClaim = await admin.create(persistentVolumeClaims, { metadata: { name: 'far', namespace: 'default' }, spec: { accessModes: ['ReadWriteOnce'], volumeName: 'far', resources: { requests: { storage: '1Gi' } } } });
  await admin.update(persistentVolumes, { ...far, spec: { ...far.spec, claimRef: { ...far.spec.claimRef, uid: farClaim.metadata.uid } } });
  await admin.updateStatus(persistentVolumeClaims, { ...farClaim, status: { phase: 'Bound' } });
  await create('far', { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'far' } }] });
  const inUse = async (): Promise<readonly string[] | undefined> => (await admin.get(nodes, { name: 'boat' })).status?.volumesInUse;
  await until(async () => (await inUse())?.[0] === 'kubernetes.io/csi/far.example.test^vol-9');
  await admin.delete(pods, { namespace: 'default', name: 'far' });
  await until(async () => await inUse() === undefined);

  // A driver that goes leaves the node's object.
  await driver.end();
  await until(async () => (await admin.get(csiNodes, { name: 'boat' })).spec.drivers.length === 0);
});

test('what is still mounted is never emptied', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'csi-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const mount = join(directory, 'volumes/kubernetes.io~csi/data/mount');
  mkdirSync(mount, { recursive: true });
  writeFileSync(join(mount, 'precious'), 'x');
  const mounter: Mounter = { isMounted: async (path) => path === mount, mountsWithin: async () => [mount], mountTmpfs: async () => undefined, mount: async () => undefined, unmount: async () => undefined };
  const runtime = { viewImage: async () => [], releaseImageView: async () => undefined };
  await expect(tearDownVolumes(directory, { mounter, runtime, csi: undefined, log: silentLog })).rejects.toThrow('is still mounted');
  expect(readFileSync(join(mount, 'precious'), 'utf8')).toBe('x');
});
