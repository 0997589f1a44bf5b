import { expect, test } from 'vitest';
import { events, nodes, pods } from '../../api/generated/resources.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import { machineUnderTest, nodeUnderTest } from '../../testing/node-under-test.ts';
import { defaultConfiguration } from '../configuration.ts';

const GIB = 2 ** 30;

test('a disk that fills up costs unused images, then pods, refuses new ones, and is told for five minutes', async () => {
  const { admin, clock, runtime, start } = await nodeUnderTest({ images: ['busybox:1', 'unused:1'] });
  let availableGib = 90;
  await start({ machine: async () => ({ ...await machineUnderTest(), storageAvailableBytes: availableGib * GIB }), configuration: { ...defaultConfiguration, images: { ...defaultConfiguration.images, highPercent: 100 } } });
  const create = (name: string): Promise<Pod> => admin.create(pods, { metadata: { name, namespace: 'default' }, spec: { nodeName: 'boat', automountServiceAccountToken: false, containers: [{ name: 'main', image: 'busybox:1', command: ['sleep', 'infinity'] }] } });
  const phase = async (name: string): Promise<string | undefined> => (await admin.get(pods, { namespace: 'default', name })).status?.phase;
  const until = async (what: () => Promise<unknown>): Promise<void> => void await expect.poll(async () => {
    await clock.advance(1000);
    return Boolean(await what());
  }, { timeout: 20_000, interval: 5 }).toBe(true);
  const pressure = async (): Promise<string | undefined> => (await admin.get(nodes, { name: 'boat' })).status?.conditions?.find(({ type }) => type === 'DiskPressure')?.status;

  await create('victim');
  await until(async () => await phase('victim') === 'Running');
  availableGib = 9;
  await until(async () => await phase('victim') === 'Failed');
  const evicted = await admin.get(pods, { namespace: 'default', name: 'victim' });
  expect(evicted.status).toMatchObject({ reason: 'Evicted', message: expect.stringMatching(/^The node was low on resource: ephemeral-storage\. Threshold quantity: 10Gi, available: 9437184Ki\. /) });
  expect(evicted.status!.conditions).toContainEqual(expect.objectContaining({ type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet' }));
  expect(await pressure()).toBe('True');
  expect((await runtime.listImages()).flatMap(({ repoTags }) => repoTags)).toEqual(['docker.io/library/busybox:1']);

  await create('late');
  await until(async () => await phase('late') === 'Failed');
  expect((await admin.get(pods, { namespace: 'default', name: 'late' })).status).toMatchObject({ reason: 'Evicted', message: 'Pod was rejected: The node had condition: [DiskPressure]. ' });
  await until(async () => (await admin.list(events, { namespace: 'default' })).items.some(({ reason, message }) => reason === 'EvictionThresholdMet' && message === 'Attempting to reclaim ephemeral-storage'));

  availableGib = 90;
  await clock.advance(4 * 60_000);
  expect(await pressure()).toBe('True');
  await until(async () => await pressure() === 'False');
  await create('again');
  await until(async () => await phase('again') === 'Running');
});
