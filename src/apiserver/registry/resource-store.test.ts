import { expect, test } from 'vitest';
import type { ConfigMap, Namespace, Pod } from '../../api/generated/core-v1.ts';
import { configMaps, deployments, events, eventsEventsV1, horizontalPodAutoscalersAutoscalingV1, horizontalPodAutoscalers, namespaces, pods } from '../../api/generated/resources.ts';
import type { Random } from '../../base/random.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { startTestApiServer } from '../../testing/api-server.ts';

const configMap = (name: string, more: Partial<ConfigMap['metadata']> = {}) => ({ metadata: { name, namespace: 'default', ...more } });
const pod = (name: string, more: Partial<Pod['metadata']> = {}) => ({ metadata: { name, namespace: 'default', ...more }, spec: { containers: [{ name: 'c', image: 'i' }] } });

test('generated names are drawn again when they are taken', async () => {
  const values = [0.1, 0.1, 0.5];
  let at = 0;
  let uid = 0;
  const random: Random = { next: () => values[Math.min(Math.floor(at++ / 5), 2)]!, uuid: () => `uid-${uid++}` };
  await using api = await startTestApiServer();
  await using clashing = await startTestApiServer({ random });
  at = 0;
  const names = await Promise.all([1, 2].map(() => clashing.admin.create(configMaps, { metadata: { generateName: 'x-', namespace: 'default' } })));
  expect(new Set(names.map(({ metadata }) => metadata.name)).size).toBe(2);
  const { metadata } = await api.admin.create(configMaps, { metadata: { generateName: 'a'.repeat(70), namespace: 'default' } });
  expect(metadata.name).toMatch(/^a{58}[bcdfghjklmnpqrstvwxz2456789]{5}$/);
});

test('finalizers hold an object until the last one is taken off', async () => {
  await using api = await startTestApiServer();
  const { admin } = api;
  const made = await admin.create(configMaps, configMap('held', { finalizers: ['example.com/a'] }));
  await admin.delete(configMaps, made.metadata);
  const marked = await admin.get(configMaps, made.metadata);
  expect(marked.metadata).toMatchObject({ deletionTimestamp: expect.any(String), deletionGracePeriodSeconds: 0, finalizers: ['example.com/a'] });
  await expect(admin.update(configMaps, { ...marked, metadata: { ...marked.metadata, finalizers: ['example.com/a', 'example.com/b'] } })).rejects.toMatchObject({ reason: 'Invalid', message: expect.stringContaining('no new finalizers can be added') });
  await admin.patch(configMaps, made.metadata, { type: 'application/merge-patch+json', body: { metadata: { finalizers: null } } });
  await expect(admin.get(configMaps, made.metadata)).rejects.toMatchObject({ reason: 'NotFound' });
});

test('a pod on a node is marked, and goes with the kubelet\'s delete without grace', async () => {
  const clock = new FakeClock();
  await using api = await startTestApiServer({ clock });
  const { admin } = api;
  await admin.create(pods, { ...pod('p'), spec: { ...pod('p').spec, nodeName: 'n1' } });
  const key = { namespace: 'default', name: 'p' };
  await admin.delete(pods, key);
  const marked = await admin.get(pods, key);
  expect(marked.metadata).toMatchObject({ deletionGracePeriodSeconds: 30, deletionTimestamp: '2026-01-01T00:00:30Z' });
  await admin.delete(pods, key, { gracePeriodSeconds: 0, preconditions: { uid: marked.metadata.uid } });
  await expect(admin.get(pods, key)).rejects.toMatchObject({ reason: 'NotFound' });
});

test('a namespace terminates, and goes when its finalizers are done', async () => {
  await using api = await startTestApiServer();
  const { admin } = api;
  await admin.create(namespaces, { metadata: { name: 'team' }, spec: {}, status: {} });
  await admin.delete(namespaces, { name: 'team' });
  const terminating = await admin.get(namespaces, { name: 'team' });
  expect(terminating).toMatchObject({ status: { phase: 'Terminating' }, metadata: { deletionTimestamp: expect.any(String) } });
  await expect(admin.create(configMaps, { metadata: { name: 'late', namespace: 'team' } })).rejects.toMatchObject({ reason: 'Forbidden' });
  await admin.update(namespaces, { ...terminating, spec: { finalizers: [] } } as Namespace, { subresource: 'finalize' });
  await expect(admin.get(namespaces, { name: 'team' })).rejects.toMatchObject({ reason: 'NotFound' });
});

test('a dry run answers what would be, and writes nothing', async () => {
  await using api = await startTestApiServer();
  const { admin } = api;
  const before = (await admin.list(configMaps)).metadata.resourceVersion;
  expect((await admin.create(configMaps, configMap('dry'), { dryRun: true })).metadata).toMatchObject({ name: 'dry', uid: expect.any(String) });
  const there = await admin.create(configMaps, configMap('there'));
  expect((await admin.update(configMaps, { ...there, data: { a: 'b' } }, { dryRun: true })).data).toEqual({ a: 'b' });
  await admin.delete(configMaps, there.metadata, { dryRun: true });
  expect((await admin.list(configMaps, { namespace: 'default' })).items).toEqual([there]);
  expect(Number((await admin.list(configMaps)).metadata.resourceVersion)).toBe(Number(before) + 1);
});

test('a change that does not insist on a resource version is made again on a conflict', async () => {
  await using api = await startTestApiServer();
  const { admin } = api;
  await admin.create(configMaps, configMap('busy'));
  const key = { namespace: 'default', name: 'busy' };
  await Promise.all(Array.from({ length: 20 }, (_, i) => admin.patch(configMaps, key, { type: 'application/merge-patch+json', body: { data: { [`k${i}`]: 'v' } } })));
  expect(Object.keys((await admin.get(configMaps, key)).data!)).toHaveLength(20);
});

test('deletes a collection by selector', async () => {
  await using api = await startTestApiServer();
  const { admin } = api;
  await Promise.all(['a', 'b', 'c'].map((name) => admin.create(configMaps, configMap(name, { labels: { keep: String(name === 'b') } }))));
  await admin.deleteCollection(configMaps, { namespace: 'default', labelSelector: 'keep!=true' });
  expect((await admin.list(configMaps, { namespace: 'default' })).items.map(({ metadata }) => metadata.name)).toEqual(['b']);
});

test('counts generations by the spec alone; status goes by its own door', async () => {
  await using api = await startTestApiServer();
  const { admin } = api;
  const made = await admin.create(deployments, {
    metadata: { name: 'd', namespace: 'default' }, status: { replicas: 7 },
    spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } } },
  });
  expect(made.metadata.generation).toBe(1);
  expect(made.status?.replicas).toBeUndefined();
  const labelled = await admin.update(deployments, { ...made, metadata: { ...made.metadata, labels: { x: 'y' } }, status: { replicas: 3 } });
  expect([labelled.metadata.generation, labelled.status?.replicas]).toEqual([1, undefined]);
  const reported = await admin.updateStatus(deployments, { ...labelled, spec: { ...labelled.spec!, replicas: 9 }, status: { replicas: 3 } });
  expect([reported.metadata.generation, reported.spec?.replicas, reported.status?.replicas]).toEqual([1, 1, 3]);
  expect(reported.metadata.managedFields?.find(({ subresource }) => subresource === 'status')).toMatchObject({ manager: 'test', operation: 'Update' });
  const scaled = await admin.patch(deployments, made.metadata, { type: 'application/merge-patch+json', body: { spec: { replicas: 4 } } }, { subresource: 'scale' });
  expect(scaled).toMatchObject({ kind: 'Scale', spec: { replicas: 4 } });
  expect((await admin.get(deployments, made.metadata)).metadata.generation).toBe(2);
});

test('one stored object shows in both versions of its group', async () => {
  await using api = await startTestApiServer();
  const { admin } = api;
  await admin.create(events, { ...configMap('e'), involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' }, reason: 'R', message: 'M', type: 'Normal' });
  expect(await admin.get(eventsEventsV1, { namespace: 'default', name: 'e' })).toMatchObject({ apiVersion: 'events.k8s.io/v1', regarding: { name: 'p' }, note: 'M' });
  expect((await admin.list(eventsEventsV1, { fieldSelector: 'regarding.name=p' })).items).toHaveLength(1);
  const key = { namespace: 'default', name: 'h' };
  await admin.create(horizontalPodAutoscalersAutoscalingV1, { metadata: key, spec: { scaleTargetRef: { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' }, maxReplicas: 3, targetCPUUtilizationPercentage: 60 } });
  const second = await admin.get(horizontalPodAutoscalers, key);
  expect(second.spec?.metrics).toEqual([{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } }]);
  await admin.update(horizontalPodAutoscalers, { ...second, spec: { ...second.spec!, metrics: [...second.spec!.metrics!, { type: 'Resource', resource: { name: 'memory', target: { type: 'Utilization', averageUtilization: 70 } } }] } });
  const first = await admin.get(horizontalPodAutoscalersAutoscalingV1, key);
  expect(first.spec?.targetCPUUtilizationPercentage).toBe(60);
  const back = await admin.update(horizontalPodAutoscalersAutoscalingV1, { ...first, spec: { ...first.spec!, maxReplicas: 5 } });
  expect(back.spec?.maxReplicas).toBe(5);
  expect((await admin.get(horizontalPodAutoscalers, key)).spec?.metrics).toHaveLength(2);
});

test('an event lives for an hour after it was last written', async () => {
  const clock = new FakeClock();
  await using api = await startTestApiServer({ clock });
  const { admin } = api;
  const event = (name: string) => ({ ...configMap(name), involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' }, reason: 'R', type: 'Normal' });
  await admin.create(events, event('old'));
  const again = await admin.create(events, event('again'));
  await clock.advance(50 * 60_000);
  await admin.update(events, { ...again, count: 2 });
  await clock.advance(15 * 60_000);
  expect((await admin.list(events)).items.map(({ metadata }) => metadata.name)).toEqual(['again']);
  await clock.advance(60 * 60_000);
  expect((await admin.list(events)).items).toEqual([]);
});

test('watches get a bookmark every minute, and a fault where history is gone', async () => {
  const clock = new FakeClock();
  await using api = await startTestApiServer({ clock });
  const { admin } = api;
  const stop = new AbortController();
  const watch = await admin.watch(configMaps, { namespace: 'default', resourceVersion: '5', allowWatchBookmarks: true, signal: stop.signal });
  const seen: string[] = [];
  const done = (async () => {
    for await (const { type, object } of watch) seen.push(`${type} ${object.metadata.resourceVersion}`);
  })();
  const { metadata } = await admin.create(configMaps, configMap('x'));
  await clock.advance(60_000);
  stop.abort();
  await done;
  expect(seen).toEqual([`ADDED ${metadata.resourceVersion}`, `BOOKMARK ${metadata.resourceVersion}`]);
  await clock.advance(10 * 60_000);
  await admin.create(configMaps, configMap('y'));
  await expect(admin.watch(configMaps, { resourceVersion: '5' })).rejects.toMatchObject({ code: 410, reason: 'Expired', message: expect.stringMatching(/^too old resource version: 5 \(\d+\)$/) });
});

test('what is in no namespace forgets the one that its body names', async () => {
  await using api = await startTestApiServer();
  const made = await api.admin.create(namespaces, { metadata: { name: 'n', namespace: 'default' } } as never);
  expect(made.metadata).not.toHaveProperty('namespace');
  const changed = await api.admin.update(namespaces, { ...made, metadata: { ...made.metadata, namespace: 'default', labels: { a: 'b' } } } as never);
  expect(changed.metadata).toMatchObject({ labels: { a: 'b' } });
  expect(changed.metadata).not.toHaveProperty('namespace');
});
