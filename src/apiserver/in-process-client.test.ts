import { expect, test } from 'vitest';
import { configMaps, pods } from '../api/generated/resources.ts';
import { startTestApiServer } from '../testing/api-server.ts';

const configMap = (name: string, data: Record<string, string> = {}, labels?: Record<string, string>) => ({ metadata: { name, namespace: 'default', ...(labels && { labels }) }, data });

test('creates, reads, lists, updates, watches and deletes', async () => {
  await using api = await startTestApiServer();
  const { admin } = api;
  const created = await admin.create(configMaps, configMap('a', { x: '1' }));
  expect(created).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'default', uid: expect.any(String) }, data: { x: '1' } });
  await expect(admin.create(configMaps, configMap('a'))).rejects.toMatchObject({ reason: 'AlreadyExists', message: 'configmaps "a" already exists' });
  const updated = await admin.update(configMaps, { ...created, data: { x: '2' } });
  expect(Number(updated.metadata.resourceVersion)).toBeGreaterThan(Number(created.metadata.resourceVersion));
  await expect(admin.update(configMaps, { ...created, data: { x: '3' } })).rejects.toMatchObject({ reason: 'Conflict' });
  expect(await admin.update(configMaps, updated)).toBe(updated); // nothing changed: nothing written
  const list = await admin.list(configMaps, { namespace: 'default' });
  expect(list.items).toEqual([updated]);
  const events: string[] = [];
  const stop = new AbortController();
  const watch = await admin.watch(configMaps, { namespace: 'default', resourceVersion: list.metadata.resourceVersion, signal: stop.signal });
  await admin.create(configMaps, configMap('b'));
  await admin.delete(configMaps, { namespace: 'default', name: 'a' });
  for await (const event of watch) {
    events.push(`${event.type} ${event.object.metadata.name}`);
    if (events.length === 2) stop.abort();
  }
  expect(events).toEqual(['ADDED b', 'DELETED a']);
  await expect(admin.get(configMaps, { namespace: 'default', name: 'a' })).rejects.toMatchObject({ reason: 'NotFound', message: 'configmaps "a" not found' });
});

test('a user without rights is refused with upstream\'s words', async () => {
  await using api = await startTestApiServer();
  const client = api.client({ name: 'x', groups: [] });
  await expect(client.list(pods, { namespace: 'default' })).rejects.toMatchObject({
    code: 403, message: 'pods is forbidden: User "x" cannot list resource "pods" in API group "" in the namespace "default"',
  });
});
