import { expect, test } from 'vitest';
import { pods, resourceClaims, resourceClaimTemplates } from '../api/generated/resources.ts';
import { startControllersUnderTest } from '../testing/controllers-under-test.ts';

const namespace = 'default';
const spec = { devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu.example' } }] } };

test('a claim is made of a template for each pod, freed and taken away when the pod has ended; a claim of its own is only freed', async () => {
  await using world = await startControllersUnderTest({ only: ['resource-claim-controller'], pods: { runMs: 5000, fate: () => 'succeeds' } });
  const { admin } = world;
  const list = async () => (await admin.list(resourceClaims, { namespace })).items;
  const get = async (name: string) => await admin.get(resourceClaims, { namespace, name });
  await admin.create(resourceClaims, { metadata: { name: 'shared', namespace }, spec });
  await admin.create(pods, {
    metadata: { name: 'train', namespace },
    spec: { restartPolicy: 'Never', resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 'one-gpu' }, { name: 'other', resourceClaimName: 'shared' }], containers: [{ name: 'main', image: 'it' }] },
  });
  await world.pass(0.5);
  expect(await list()).toHaveLength(1);
  await admin.create(resourceClaimTemplates, { metadata: { name: 'one-gpu', namespace }, spec: { metadata: { labels: { team: 'a' } }, spec } });
  await world.pass(0.5);
  const made = (await list()).find(({ metadata }) => metadata.name !== 'shared')!;
  expect(made).toMatchObject({ metadata: { name: expect.stringMatching(/^train-gpu-/), labels: { team: 'a' }, annotations: { 'resource.kubernetes.io/pod-claim-name': 'gpu' }, ownerReferences: [{ kind: 'Pod', name: 'train', controller: true }] } });
  const pod = await admin.get(pods, { namespace, name: 'train' });
  expect(pod.status?.resourceClaimStatuses).toEqual([{ name: 'gpu', resourceClaimName: made.metadata.name }]);

  const allocation = { devices: { results: [{ request: 'gpu', driver: 'gpu.example', pool: 'node-1', device: 'gpu-0' }] } };
  for (const name of ['shared', made.metadata.name]) {
    const claim = await get(name);
    const held = await admin.update(resourceClaims, { ...claim, metadata: { ...claim.metadata, finalizers: ['resource.kubernetes.io/delete-protection'] } });
    await admin.updateStatus(resourceClaims, { ...held, status: { allocation, reservedFor: [{ resource: 'pods', name: 'train', uid: pod.metadata.uid }] } });
  }
  await world.pass(2);
  expect((await get('shared')).status?.reservedFor).toHaveLength(1);
  await world.pass(8);
  expect((await list()).map(({ metadata }) => metadata.name)).toEqual(['shared']);
  expect(await get('shared')).toMatchObject({ metadata: expect.not.objectContaining({ finalizers: expect.anything() }) });
  expect((await get('shared')).status?.allocation).toBeUndefined();
});
