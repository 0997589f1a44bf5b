import { expect, test } from 'vitest';
import type { Pod, PodSpec } from '../api/generated/core-v1.ts';
import { pods } from '../api/generated/resources.ts';
import { nodeUnderTest } from '../testing/node-under-test.ts';
import { busybox, createPod, until } from '../testing/pods-of-node.ts';

test('new resources are given in place, refused where they do not fit, and restart what asks for it', async () => {
  const { admin, clock, start, runtime } = await nodeUnderTest();
  await start();
  const size = (cpu: string) => ({ requests: { cpu, memory: '64Mi' }, limits: { cpu, memory: '64Mi' } });
  await createPod(admin, 'sized', { containers: [{ ...busybox(), resources: size('1') }, { ...busybox(), name: 'second', resources: size('1'), resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }] }] });
  await until(clock, admin, 'sized', (pod) => pod?.status?.phase === 'Running');
  const resize = (name: string, cpu: string) => admin.patch(pods, { namespace: 'default', name: 'sized' }, {
    type: 'application/strategic-merge-patch+json', body: { spec: { containers: [{ name, resources: size(cpu) }] } },
  }, { subresource: 'resize' });

  await resize('main', '2');
  const grown = await until(clock, admin, 'sized', (pod) => pod?.status?.containerStatuses?.[0]?.resources?.limits?.['cpu'] === '2');
  expect(grown.status!.containerStatuses![0]).toMatchObject({ restartCount: 0, allocatedResources: { cpu: '2' } });
  expect((await runtime.listContainers()).length).toBe(2);

  await resize('second', '1500m');
  const restarted = await until(clock, admin, 'sized', (pod) => pod?.status?.containerStatuses?.[1]?.restartCount === 1);
  expect(restarted.status!.containerStatuses![1]!.resources!.limits!['cpu']).toBe('1500m');

  await expect(resize('main', '3')).rejects.toThrow("node didn't have enough allocatable resources: cpu, requested: 4500, allocatable: 4000");
  await resize('main', '1');
  const shrunk = await until(clock, admin, 'sized', (pod) => !pod?.status?.conditions?.some((c) => c.type.startsWith('PodResize')) && pod?.status?.containerStatuses?.[0]?.resources?.limits?.['cpu'] === '1');
  expect(shrunk.status!.containerStatuses![0]!.restartCount).toBe(0);
});

test('a pod as a whole is given new resources in place, and tells what it has', async () => {
  const { admin, clock, start } = await nodeUnderTest();
  await start();
  await createPod(admin, 'whole', { resources: { requests: { cpu: '1', memory: '64Mi' }, limits: { cpu: '2' } }, containers: [busybox()] });
  const first = await until(clock, admin, 'whole', (pod) => pod?.status?.phase === 'Running');
  expect(first.status).toMatchObject({ allocatedResources: { cpu: '1', memory: '64Mi' }, resources: { requests: { cpu: '1', memory: '64Mi' }, limits: { cpu: '2' } } });
  const resize = (cpu: string) => admin.patch(pods, { namespace: 'default', name: 'whole' }, { type: 'application/merge-patch+json', body: { spec: { resources: { requests: { cpu }, limits: { cpu: '3' } } } } }, { subresource: 'resize' });
  await resize('1500m');
  const grown = await until(clock, admin, 'whole', (pod) => pod?.status?.resources?.limits?.['cpu'] === '3');
  expect(grown.status).toMatchObject({ allocatedResources: { cpu: '1500m' }, resources: { requests: { cpu: '1500m', memory: '64Mi' } } });
  expect(grown.status!.containerStatuses![0]!.restartCount).toBe(0);
});

test('what was deferred is given when others shrink or end, those first that have waited longest', async () => {
  const { admin, clock, start } = await nodeUnderTest();
  await start();
  const running = async (name: string, cpu: string, spec: Partial<PodSpec> = {}) => {
    await createPod(admin, name, { containers: [{ ...busybox(), resources: { requests: { cpu } } }], ...spec });
    await until(clock, admin, name, (pod) => pod?.status?.phase === 'Running');
  };
  const resize = (name: string, cpu: string) => admin.patch(pods, { namespace: 'default', name }, {
    type: 'application/strategic-merge-patch+json', body: { spec: { containers: [{ name: 'main', resources: { requests: { cpu } } }] } },
  }, { subresource: 'resize' });
  const pending = (pod: Pod | undefined) => pod?.status?.conditions?.find(({ type }) => type === 'PodResizePending');
  const allocated = (cpu: string) => (pod: Pod | undefined) => pod?.status?.containerStatuses?.[0]?.allocatedResources?.['cpu'] === cpu && !pending(pod);

  for (const name of ['first', 'second', 'large']) await running(name, '1');
  await running('brief', '1', { restartPolicy: 'Never', activeDeadlineSeconds: 300 });
  // Not in the order in which the node got to know them.
  for (const name of ['second', 'first']) {
    await resize(name, '1500m');
    const deferred = await until(clock, admin, name, pending);
    expect(pending(deferred)).toMatchObject({ reason: 'Deferred', message: expect.stringContaining('cpu') });
    await clock.advance(1000);
  }
  // Room for one of them: it goes to the one that has waited longer.
  await resize('large', '500m');
  await until(clock, admin, 'second', allocated('1500m'));
  expect(pending(await admin.get(pods, { namespace: 'default', name: 'first' }))).toBeDefined();
  // It stays in the API, but what it had is free.
  const ended = await until(clock, admin, 'brief', (pod) => pod?.status?.phase === 'Failed', 400_000);
  expect(ended.status!.reason).toBe('DeadlineExceeded');
  await until(clock, admin, 'first', allocated('1500m'), 5_000);
});
