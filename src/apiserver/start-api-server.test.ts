import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { configMaps, endpointSlices, namespaces, priorityClasses, services } from '../api/generated/resources.ts';
import { startTestApiServer } from '../testing/api-server.ts';

test('what was stored is there after a restart, under the same resource version', async () => {
  using folder = new DisposableStack();
  const dataDir = mkdtempSync(join(tmpdir(), 'wherry-apiserver-'));
  folder.defer(() => rmSync(dataDir, { recursive: true }));
  let stored;
  {
    await using api = await startTestApiServer({ dataDir });
    stored = await api.admin.create(configMaps, { metadata: { name: 'kept', namespace: 'default' }, data: { a: 'b' } });
  }
  await using api = await startTestApiServer({ dataDir });
  expect(await api.admin.get(configMaps, { namespace: 'default', name: 'kept' })).toEqual(stored);
  const next = await api.admin.create(configMaps, { metadata: { name: 'next', namespace: 'default' } });
  expect(Number(next.metadata.resourceVersion)).toBeGreaterThan(Number(stored.metadata.resourceVersion));
  await expect(api.admin.watch(configMaps, { resourceVersion: '1' })).rejects.toMatchObject({ reason: 'Expired' });
});

test('a new cluster has what every cluster has', async () => {
  await using api = await startTestApiServer({ advertise: { address: '10.231.0.1', port: 6443 } });
  const { admin } = api;
  expect((await admin.list(namespaces)).items.map(({ metadata, status }) => [metadata.name, status?.phase])).toEqual([
    ['default', 'Active'], ['kube-node-lease', 'Active'], ['kube-public', 'Active'], ['kube-system', 'Active'],
  ]);
  expect(await admin.get(services, { namespace: 'default', name: 'kubernetes' })).toMatchObject({ spec: { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443, targetPort: 6443 }] } });
  expect(await admin.get(endpointSlices, { namespace: 'default', name: 'kubernetes' })).toMatchObject({ endpoints: [{ addresses: ['10.231.0.1'] }], ports: [{ port: 6443 }] });
  expect((await admin.list(priorityClasses)).items).toHaveLength(2);
});

test('the kubernetes service comes back when it is deleted', async () => {
  await using api = await startTestApiServer({ advertise: { address: '10.231.0.1', port: 6443 } });
  const { admin } = api;
  const key = { namespace: 'default', name: 'kubernetes' };
  const before = await admin.get(services, key);
  const watch = await admin.watch(services, { namespace: 'default', resourceVersion: before.metadata.resourceVersion });
  await admin.delete(services, key);
  const seen: string[] = [];
  for await (const { type } of watch) if (seen.push(type) === 2) break;
  expect(seen).toEqual(['DELETED', 'ADDED']);
  expect((await admin.get(services, key)).spec?.clusterIP).toBe('10.96.0.1');
});
