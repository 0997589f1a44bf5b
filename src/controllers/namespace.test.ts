import { expect, test } from 'vitest';
import { configMaps, deployments, namespaces, pods, secrets, serviceAccounts } from '../api/generated/resources.ts';
import { startControllersUnderTest } from '../testing/controllers-under-test.ts';

test('a namespace gets its service account and root certificate, and at its end all that is in it goes, pods first', async () => {
  await using world = await startControllersUnderTest({ options: { rootCertificate: 'PEM' }, pods: { stopMs: 3000 } });
  const { admin } = world;
  const namespace = 'shop';
  await admin.create(namespaces, { metadata: { name: namespace }, spec: {} });
  await world.pass(1);
  expect((await admin.list(serviceAccounts, { namespace })).items.map((account) => account.metadata.name)).toEqual(['default']);
  expect((await admin.get(configMaps, { namespace, name: 'kube-root-ca.crt' })).data).toEqual({ 'ca.crt': 'PEM' });

  const labels = { app: 'kubia' };
  await admin.create(deployments, { metadata: { name: 'kubia', namespace }, spec: { replicas: 2, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'kubia' }] } } } });
  await admin.create(secrets, { metadata: { name: 'key', namespace, finalizers: ['example.com/hold'] }, data: {} });
  await world.pass(3);
  expect((await admin.list(pods, { namespace })).items).toHaveLength(2);

  await admin.delete(namespaces, { name: namespace });
  await world.pass(2);
  let current = await admin.get(namespaces, { name: namespace });
  expect(current.status?.phase).toBe('Terminating');
  expect(current.status?.conditions?.find(({ type }) => type === 'NamespaceContentRemaining')).toMatchObject({ status: 'True', message: 'Some resources are remaining: pods. has 2 resource instances' });
  expect((await admin.list(deployments, { namespace })).items).toHaveLength(1);

  await world.pass(10);
  current = await admin.get(namespaces, { name: namespace });
  expect((await admin.list(pods, { namespace })).items).toEqual([]);
  expect((await admin.list(deployments, { namespace })).items).toEqual([]);
  expect(current.status?.conditions?.find(({ type }) => type === 'NamespaceFinalizersRemaining')).toMatchObject({
    status: 'True', message: 'Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances',
  });
  await admin.patch(secrets, { namespace, name: 'key' }, { type: 'application/merge-patch+json', body: { metadata: { finalizers: null } } });
  await world.pass(3);
  await expect(admin.get(namespaces, { name: namespace })).rejects.toMatchObject({ reason: 'NotFound' });
});
