import { expect, test } from 'vitest';
import type { Service } from '../../api/generated/core-v1.ts';
import { endpoints, endpointSlices, pods, services } from '../../api/generated/resources.ts';
import type { New } from '../../api/object.ts';
import { startControllersUnderTest } from '../../testing/controllers-under-test.ts';
import { invalidAddresses } from './endpoint-slice-mirroring.ts';
import { packSlices } from './slice-packing.ts';
import { endpointSubsets } from './legacy-endpoints.ts';

const only = ['endpoint-slice-controller', 'endpoint-controller', 'garbage-collector-controller'];
const namespace = 'default';
const labels = { app: 'kubia' };
const pod = (name: string) => ({ metadata: { name, namespace, labels }, spec: { containers: [{ name: 'main', image: 'kubia', ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }] }] } });

test('endpoints follow the pods: ready, terminating, gone; and the service', async () => {
  await using world = await startControllersUnderTest({ only, pods: { stopMs: 5000 } });
  const { admin } = world;
  const service: New<Service> = { metadata: { name: 'kubia', namespace, labels: { team: 'blue' } }, spec: { selector: labels, ports: [{ name: 'web', port: 80, targetPort: 'http' }] } };
  await admin.create(services, service);
  const slice = async () => (await admin.list(endpointSlices, { namespace, labelSelector: 'kubernetes.io/service-name=kubia' })).items;
  await world.pass(1);
  expect(await slice()).toMatchObject([{ addressType: 'IPv4', metadata: { labels: { team: 'blue', 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' } } }]);
  expect((await slice())[0]!.endpoints ?? []).toEqual([]);

  await admin.create(pods, pod('a'));
  await world.pass(2);
  const [only1] = await slice();
  expect(only1!.ports).toEqual([{ name: 'web', port: 8080, protocol: 'TCP' }]);
  expect(only1!.endpoints).toMatchObject([{ conditions: { ready: true, serving: true, terminating: false }, nodeName: 'node-1', targetRef: { kind: 'Pod', name: 'a' } }]);
  const legacy = await admin.get(endpoints, { namespace, name: 'kubia' });
  expect(legacy.subsets).toMatchObject([{ addresses: [{ targetRef: { name: 'a' } }], ports: [{ name: 'web', port: 8080 }] }]);

  await admin.delete(pods, { namespace, name: 'a' });
  await world.pass(1);
  expect((await slice())[0]!.endpoints).toMatchObject([{ conditions: { ready: false, serving: true, terminating: true } }]);
  await world.pass(6);
  expect(await slice()).toHaveLength(1);
  expect((await slice())[0]!.endpoints ?? []).toEqual([]);

  await admin.delete(services, { namespace, name: 'kubia' });
  await world.pass(3);
  expect(await slice()).toEqual([]);
  expect((await admin.list(endpoints, { namespace })).items.map((e) => e.metadata.name)).not.toContain('kubia');
});

const ep = (n: number) => ({ addresses: [`10.0.${Math.floor(n / 250)}.${n % 250}`], targetRef: { uid: `u${n}` } });
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => ep(from + i));
const held = (name: string, list: ReturnType<typeof range>) => ({ apiVersion: 'v1', kind: 'EndpointSlice', metadata: { name, namespace, uid: name, resourceVersion: '1', creationTimestamp: '' }, addressType: 'IPv4', ports: [], endpoints: list });
const group = (list: ReturnType<typeof range>) => [{ addressType: 'IPv4' as const, ports: [], endpoints: list }];

test.each([
  ['nothing: one empty slice', [], [], { create: [0], update: [], delete: [], keep: 0 }],
  ['150 new ones fill two', [], range(0, 150), { create: [100, 50], update: [], delete: [], keep: 0 }],
  ['one more goes where there is room', [held('a', range(0, 100)), held('b', range(100, 120))], range(0, 121), { create: [], update: [21], delete: [], keep: 1 }],
  ['what goes leaves its slice alone', [held('a', range(0, 100)), held('b', range(100, 120))], range(0, 119), { create: [], update: [19], delete: [], keep: 1 }],
  ['an emptied slice goes', [held('a', range(0, 100)), held('b', range(100, 120))], range(0, 100), { create: [], update: [], delete: ['b'], keep: 1 }],
  ['a slice that served other ports is used again', [{ ...held('a', []), ports: [{ port: 1 }] }], range(0, 2), { create: [], update: [2], delete: [], keep: 0 }],
  ['the last slice stays, empty', [held('a', range(0, 1))], [], { create: [], update: [0], delete: [], keep: 0 }],
] as const)('%s', (_, existing, wanted, expected) => {
  const changes = packSlices(existing, wanted.length > 0 ? group([...wanted]) : [], 'IPv4', 100);
  expect({
    create: changes.create.map((content) => content.endpoints.length), update: changes.update.map((change) => change.endpoints.length),
    delete: changes.delete.map((slice) => slice.metadata.name), keep: changes.keep.length,
  }).toEqual(expected);
});

test('addresses are grouped by the ports they serve', () => {
  const meta = (name: string) => ({ name, namespace, uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' });
  const made = (name: string, ip: string, ports: string[], ready: boolean) => ({
    apiVersion: 'v1', kind: 'Pod', metadata: meta(name), spec: { containers: [{ name: 'c', ports: ports.map((port, i) => ({ name: port, containerPort: 8080 + i })) }] },
    status: { podIP: ip, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  });
  const service = { apiVersion: 'v1', kind: 'Service', metadata: meta('s'), spec: { selector: labels, ports: [{ name: 'http', port: 80, targetPort: 'http' }, { name: 'admin', port: 81, targetPort: 'admin' }] } };
  const subsets = endpointSubsets(service, [made('a', '10.0.0.2', ['http', 'admin'], true), made('b', '10.0.0.1', ['http'], true), made('c', '10.0.0.3', ['http'], false)]);
  expect(subsets.map((subset) => [subset.addresses?.map(({ ip }) => ip), subset.notReadyAddresses?.map(({ ip }) => ip), subset.ports?.map(({ name }) => name)])).toEqual([
    [['10.0.0.2'], undefined, ['admin', 'http']], [['10.0.0.1'], ['10.0.0.3'], ['http']],
  ]);
});

test('what is no address is counted, and not mirrored', () => {
  expect(invalidAddresses([{ addresses: [{ ip: '10.0.0.1' }, { ip: '10.0.0.256' }], notReadyAddresses: [{ ip: 'fd00::1' }, { ip: 'here' }] }, {}])).toBe(2);
});
