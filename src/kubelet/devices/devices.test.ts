import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Pod, PodSpec } from '../../api/generated/core-v1.ts';
import { events, pods, resourceClaims, resourceSlices } from '../../api/generated/resources.ts';
import { GrpcConnection } from '../../base/grpc/connection.ts';
import { startDeviceDriver, type DeviceDriver } from '../../testing/device-driver.ts';
import { nodeUnderTest, type NodeUnderTest } from '../../testing/node-under-test.ts';
import { DeviceHealths } from './device-health.ts';
import { podResourcesService } from './pod-resources-protocol.ts';

const DRIVER = 'gpu.example.test';

async function driverUnderTest(rootDir: string, name = DRIVER, supportedVersions?: readonly string[]): Promise<DeviceDriver> {
  const driver = await startDeviceDriver(rootDir, name, supportedVersions);
  onTestFinished(() => driver.end());
  return driver;
}

interface World extends NodeUnderTest {
  until(what: () => Promise<unknown> | unknown): Promise<void>;
  pod(name: string, claim: string, more?: Partial<PodSpec>): Promise<Pod>;
  phase(name: string): Promise<string | undefined>;
  claim(name: string, users: readonly Pod[], driver?: string): Promise<void>;
}

async function world(): Promise<World> {
  const node = await nodeUnderTest({ images: ['busybox:1'] });
  const { admin, clock } = node;
  const namespace = 'default';
  return {
    ...node,
    until: async (what) => void await expect.poll(async () => {
      await clock.advance(200);
      return Boolean(await what());
    }, { timeout: 15_000, interval: 5 }).toBe(true),
    pod: (name, claim, more = {}) => admin.create(pods, {
      metadata: { name, namespace },
      spec: {
        nodeName: 'boat', automountServiceAccountToken: false, terminationGracePeriodSeconds: 0, resourceClaims: [{ name: 'gpu', resourceClaimName: claim }],
        containers: [{ name: 'main', image: 'busybox:1', command: ['sleep', 'infinity'], resources: { claims: [{ name: 'gpu' }] } }, { name: 'beside', image: 'busybox:1', command: ['sleep', 'infinity'] }], ...more,
      },
    }),
    phase: async (name) => (await admin.get(pods, { namespace, name })).status?.phase,
    async claim(name, users, driver = DRIVER) {
      const spec = { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu' } }] } };
      const claim = await admin.create(resourceClaims, { metadata: { name, namespace }, spec });
      const allocation = { devices: { results: [{ request: 'r', driver, pool: 'boat', device: 'gpu-0' }] } };
      await admin.updateStatus(resourceClaims, { ...claim, status: { allocation, reservedFor: users.map(({ metadata }) => ({ resource: 'pods', name: metadata.name, uid: metadata.uid })) } });
    },
  };
}

test('the devices of a claim are prepared once for all pods that share it, shown to their containers, and taken back after the last, by another kubelet too', async () => {
  const { admin, clock, rootDir, runtime, start, until, pod, phase, claim } = await world();
  const created: { readonly name: string; readonly devices: readonly string[] }[] = [];
  const create = runtime.createContainer.bind(runtime);
  runtime.createContainer = async (sandbox, config) => {
    created.push({ name: config.metadata.name, devices: (config.CDIDevices ?? []).map(({ name }) => name) });
    return await create(sandbox, config);
  };
  // A driver told of its devices before the kubelet began; whether it is there yet nobody knows.
  await admin.create(resourceSlices, { metadata: { name: 'old' }, spec: { nodeName: 'boat', driver: DRIVER, pool: { name: 'boat', generation: 1, resourceSliceCount: 1 }, devices: [{ name: 'gpu-0' }] } });
  const first = await start({ driversRoot: '/var/lib/kubelet' });
  await until(async () => (await admin.list(resourceSlices, {})).items.length === 0);

  const [one, two] = [await pod('one', 'shared'), await pod('two', 'shared')];
  await claim('shared', [one, two]);
  const message = `Failed to prepare dynamic resources: prepare dynamic resources: DRA driver ${DRIVER} is not registered`;
  await until(async () => (await admin.list(events, { namespace: 'default' })).items.some((event) => event.reason === 'FailedPrepareDynamicResources' && event.message === message));
  expect(await phase('one')).toBe('Pending');

  const driver = await driverUnderTest(rootDir);
  await until(async () => await phase('one') === 'Running' && await phase('two') === 'Running');
  expect(driver.told).toEqual({ pluginRegistered: true, error: '' });
  expect(driver.calls).toEqual([{ method: 'prepare', claims: ['shared'] }]);
  const devices = [`${DRIVER}/gpu=shared`];
  expect(created.toSorted((a, b) => a.name.localeCompare(b.name))).toEqual([{ name: 'beside', devices: [] }, { name: 'beside', devices: [] }, { name: 'main', devices }, { name: 'main', devices }]);

  const health = async (): Promise<unknown> => (await admin.get(pods, { namespace: 'default', name: 'one' })).status!.containerStatuses!.map(({ allocatedResourcesStatus }) => allocatedResourcesStatus);
  expect(await health()).toEqual([undefined, [{ name: 'claim:gpu', resources: [{ resourceID: devices[0], health: 'Unknown' }] }]]);
  driver.tell('UNHEALTHY', 'too hot');
  await until(async () => JSON.stringify(await health()).includes('too hot'));
  expect(await health()).toEqual([undefined, [{ name: 'claim:gpu', resources: [{ resourceID: devices[0], health: 'Unhealthy', message: 'too hot' }] }]]);

  using reader = new GrpcConnection(`unix:${join(rootDir, 'pod-resources/kubelet.sock')}`, clock);
  const { podResources } = await reader.call<{ podResources: { name: string; containers: { name: string; dynamicResources: unknown[] }[] }[] }>(podResourcesService['List']!, {}, { timeoutMs: 10_000 });
  expect(podResources.find(({ name }) => name === 'one')!.containers).toMatchObject([
    { name: 'main', dynamicResources: [{ claimName: 'shared', claimNamespace: 'default', claimResources: [{ driverName: DRIVER, poolName: 'boat', deviceName: 'gpu-0', cdiDevices: [{ name: devices[0] }] }] }] },
    { name: 'beside', dynamicResources: [] },
  ]);
  await expect(reader.call(podResourcesService['Get']!, { podName: 'none', podNamespace: 'default' }, { timeoutMs: 10_000 })).rejects.toThrow('pod none in namespace default not found');

  await admin.delete(pods, { namespace: 'default', name: 'one' });
  await until(async () => (await admin.list(pods, { namespace: 'default' })).items.length === 1);
  expect(driver.calls).toHaveLength(1);

  // The kubelet goes; the second pod goes meanwhile; the next kubelet knows what is to be given back, and tries until the driver takes it.
  await first.stop();
  driver.fault = 'not now';
  await admin.delete(pods, { namespace: 'default', name: 'two' }, { gracePeriodSeconds: 0 });
  await start({ driversRoot: '/var/lib/kubelet' });
  await until(() => driver.calls.some(({ method }) => method === 'unprepare'));
  expect(JSON.parse(readFileSync(join(rootDir, 'dra_manager_state'), 'utf8'))).toHaveLength(1);
  driver.fault = '';
  await until(() => readFileSync(join(rootDir, 'dra_manager_state'), 'utf8') === '[]');

  // Whose driver goes and stays away offers nothing any more.
  await admin.create(resourceSlices, { metadata: { name: 'new' }, spec: { nodeName: 'boat', driver: DRIVER, pool: { name: 'boat', generation: 1, resourceSliceCount: 1 }, devices: [{ name: 'gpu-0' }] } });
  driver.end();
  await until(async () => (await admin.list(resourceSlices, {})).items.length === 0);
});

test('a pod that may not have its claim, or whose driver fails, waits and says why; what it was given goes with it', async () => {
  const { admin, rootDir, start, until, pod, phase, claim } = await world();
  await start({ driversRoot: '/var/lib/kubelet' });
  const driver = await driverUnderTest(rootDir);
  await until(() => driver.told);
  const told = async (text: string): Promise<boolean> => (await admin.list(events, { namespace: 'default' })).items.some(({ reason, message }) => reason === 'FailedPrepareDynamicResources' && message?.includes(text));

  const stranger = await pod('stranger', 'taken');
  await claim('taken', [{ ...stranger, metadata: { ...stranger.metadata, uid: 'somebody-else' } }]);
  await until(() => told('is not allowed to use ResourceClaim taken'));
  await pod('early', 'missing');
  await until(() => told('fetch ResourceClaim missing: '));
  driver.fault = 'no room';
  await claim('failing', [await pod('failing', 'failing')]);
  await until(() => told('NodePrepareResources failed for ResourceClaim failing: no room'));
  expect([await phase('stranger'), await phase('early'), await phase('failing')]).toEqual(['Pending', 'Pending', 'Pending']);
  driver.fault = '';
  await until(async () => await phase('failing') === 'Running');
  await admin.delete(pods, { namespace: 'default', name: 'failing' });
  await until(() => driver.calls.some(({ method }) => method === 'unprepare'));
  for (const name of ['stranger', 'early']) await admin.delete(pods, { namespace: 'default', name });
  await until(async () => (await admin.list(pods, { namespace: 'default' })).items.length === 0);
  expect(driver.calls.filter(({ method }) => method === 'unprepare')).toEqual([{ method: 'unprepare', claims: ['failing'] }]);

  const old = await driverUnderTest(rootDir, 'old.example.test', ['v1alpha3.Node']);
  await until(() => old.told);
  expect(old.told).toEqual({ pluginRegistered: false, error: expect.stringContaining('none of services supported by the plugin (["v1alpha3.Node"]) are supported by the kubelet (["v1.DRAPlugin" "v1beta1.DRAPlugin"])') });
});

test('health that was told too long ago is not known, and changes are told once', () => {
  let nowMs = 0;
  const healths = new DeviceHealths({ now: () => nowMs });
  const of = (deviceName: string, health: 'HEALTHY' | 'UNHEALTHY', seconds = 0) => ({ device: { poolName: 'p', deviceName }, health, healthCheckTimeoutSeconds: seconds, message: '' });
  expect(healths.report('d', [of('a', 'HEALTHY'), of('b', 'HEALTHY', 100)])).toEqual(['p/a', 'p/b']);
  expect(healths.report('d', [of('a', 'HEALTHY')])).toEqual([]);
  nowMs = 31_000;
  expect([healths.get('d', 'p', 'a').health, healths.get('d', 'p', 'b').health, healths.get('d', 'p', 'c').health]).toEqual(['Unknown', 'Healthy', 'Unknown']);
  expect(healths.report('d', [of('b', 'UNHEALTHY', 100)])).toEqual(['p/b', 'p/a']);
  expect(healths.forget('d')).toEqual(['p/a', 'p/b']);
  expect(healths.get('d', 'p', 'b').health).toBe('Unknown');
});
