import { expect, test } from 'vitest';
import { configMaps, secrets } from '../api/generated/resources.ts';
import { startControllersUnderTest } from '../testing/controllers-under-test.ts';
import { detachedSignature } from './bootstrap-signer.ts';

test('a signature is what upstream computes', () => {
  expect(detachedSignature('Hello from the other side. I must have called a thousand times.', 'joshua', 'my voice is my passcode'))
    .toBe('eyJhbGciOiJIUzI1NiIsImtpZCI6Impvc2h1YSJ9..VShe2taLd-YTrmWuRkcL_8QTNDHYxQIEBsAYYiIj1_8');
});

test('the cluster information is signed by every token that is meant for it, as long as that is good', async () => {
  await using world = await startControllersUnderTest({ only: ['bootstrap-signer', 'token-cleaner'] });
  const { admin, clock } = world;
  const key = { namespace: 'kube-public', name: 'cluster-info' };
  const token = (id: string, more: Record<string, string>) => admin.create(secrets, {
    metadata: { namespace: 'kube-system', name: `bootstrap-token-${id}` }, type: 'bootstrap.kubernetes.io/token',
    stringData: { 'token-id': id, 'token-secret': '0123456789abcdef', 'usage-bootstrap-signing': 'true', ...more },
  });
  await admin.create(configMaps, { metadata: key, data: { kubeconfig: 'clusters: []' } });
  await token('abcdef', {});
  await token('soon00', { expiration: new Date(clock.now() + 60_000).toISOString() });
  await token('login0', { 'usage-bootstrap-signing': 'false' });
  await world.pass(2);
  const data = async () => (await admin.get(configMaps, key)).data!;
  expect(Object.keys(await data()).toSorted()).toEqual(['jws-kubeconfig-abcdef', 'jws-kubeconfig-soon00', 'kubeconfig']);
  const before = (await data())['jws-kubeconfig-abcdef'];
  expect(before).toBe(detachedSignature('clusters: []', 'abcdef', '0123456789abcdef'));
  await world.pass(61);
  expect(Object.keys(await data()).toSorted()).toEqual(['jws-kubeconfig-abcdef', 'kubeconfig']);
  await admin.patch(configMaps, key, { type: 'application/merge-patch+json', body: { data: { kubeconfig: 'clusters: [{}]' } } });
  await world.pass(1);
  expect((await data())['jws-kubeconfig-abcdef']).not.toBe(before);
});
