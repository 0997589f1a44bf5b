import { describe, expect, test } from 'vitest';
import type { DeviceTaint, DeviceToleration, ResourceClaim } from '../../api/generated/resource-v1.ts';
import { events, pods, resourceClaims, resourceSlices } from '../../api/generated/resources.ts';
import { startControllersUnderTest } from '../../testing/controllers-under-test.ts';
import { claimEvictionTime } from './device-taints.ts';

const namespace = 'default';
const at = (seconds: number): string => new Date(seconds * 1000).toISOString();
const taint = (more: Partial<DeviceTaint> = {}): DeviceTaint => ({ key: 'broken', effect: 'NoExecute', timeAdded: at(100), ...more });
const forever: DeviceToleration = { key: 'broken', operator: 'Exists', effect: 'NoExecute' };

describe('when a claim must be given up', () => {
  test.each<[string, readonly DeviceTaint[], readonly DeviceToleration[], number | undefined]>([
    ['never without taints', [], [], undefined],
    ['when the taint came', [taint()], [], 100],
    ['when the first of them came', [taint(), taint({ key: 'hot', timeAdded: at(50) })], [], 50],
    ['never by taints that only keep others away', [taint({ effect: 'NoSchedule' }), taint({ effect: 'None' })], [], undefined],
    ['never where it is borne', [taint()], [forever], undefined],
    ['after the shortest time for which it is borne', [taint()], [{ ...forever, tolerationSeconds: 30 }, { ...forever, tolerationSeconds: 10 }], 110],
    ['never where one of the tolerations knows no end', [taint()], [{ ...forever, tolerationSeconds: 10 }, forever], undefined],
    ['at once where the toleration is of another effect, or of none', [taint()], [{ key: 'broken', operator: 'Exists' }, { ...forever, effect: 'NoSchedule' }], 100],
    ['at once when seen, where nobody said when it came', [{ key: 'broken', effect: 'NoExecute' }], [], 7],
  ])('%s', (_, taints, tolerations, expected) => {
    const claim = { status: { allocation: { devices: { results: [{ request: 'r', driver: 'd', pool: 'p', device: 'x', tolerations }] } } } } as unknown as ResourceClaim;
    expect(claimEvictionTime(claim, () => taints, 7000)).toBe(expected === undefined ? undefined : expected * 1000);
  });
});

test('pods whose device is tainted go, and nobody else does', async () => {
  await using world = await startControllersUnderTest({ only: ['device-taint-eviction-controller'], pods: { nodes: ['one'], fate: () => 'runs' } });
  const { admin } = world;
  const devices = [{ name: 'gpu-0' }, { name: 'gpu-1' }];
  const slice = await admin.create(resourceSlices, { metadata: { name: 's' }, spec: { nodeName: 'one', driver: 'gpu.example', pool: { name: 'one', generation: 1, resourceSliceCount: 1 }, devices } });
  for (const [i, name] of ['first', 'second'].entries()) {
    const pod = await admin.create(pods, { metadata: { name, namespace }, spec: { resourceClaims: [{ name: 'gpu', resourceClaimName: name }], containers: [{ name: 'main', image: 'it' }] } });
    const claim = await admin.create(resourceClaims, { metadata: { name, namespace }, spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu.example' } }] } } });
    const results = [{ request: 'r', driver: 'gpu.example', pool: 'one', device: `gpu-${i}` }];
    await admin.updateStatus(resourceClaims, { ...claim, status: { allocation: { devices: { results } }, reservedFor: [{ resource: 'pods', name, uid: pod.metadata.uid }] } });
  }
  await world.pass(2);
  expect((await admin.list(pods, { namespace })).items).toHaveLength(2);
  await admin.update(resourceSlices, { ...slice, spec: { ...slice.spec, devices: [{ name: 'gpu-0', taints: [{ key: 'broken', effect: 'NoExecute' }] }, { name: 'gpu-1' }] } });
  await world.pass(5);
  expect((await admin.list(pods, { namespace })).items.map(({ metadata }) => metadata.name)).toEqual(['second']);
  expect((await admin.list(events, { namespace })).items.map(({ reason, message }) => `${reason}: ${message}`)).toContain('DeviceTaintManagerEviction: Marking for deletion');
});
