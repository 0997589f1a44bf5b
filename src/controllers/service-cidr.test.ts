import { expect, test } from 'vitest';
import { serviceCIDRs, services } from '../api/generated/resources.ts';
import { startControllersUnderTest } from '../testing/controllers-under-test.ts';
import { isNeeded } from './service-cidr.ts';

const meta = (name: string) => ({ name, uid: name, resourceVersion: '1', creationTimestamp: '' });
const range = (name: string, ...cidrs: string[]) => ({ apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: meta(name), spec: { cidrs } });
const address = (name: string) => ({ apiVersion: 'networking.k8s.io/v1', kind: 'IPAddress', metadata: meta(name), spec: { parentRef: { resource: 'services', name: 's' } } });

test.each<[string, string[], string[], boolean]>([
  ['nobody has an address', [], [], false],
  ['somebody has one of its addresses', [], ['10.1.0.9'], true],
  ['addresses are of other ranges', [], ['10.2.0.9', 'fd00::1'], false],
  ['a wider range holds it', ['10.0.0.0/8'], ['10.1.0.9'], false],
  ['a narrower range holds the address', ['10.1.0.0/28'], ['10.1.0.9'], false],
  ['a narrower range does not hold the address', ['10.1.0.0/28'], ['10.1.0.99'], true],
])('a range is needed when %s', (_, others, addresses, needed) => {
  const it = range('it', '10.1.0.0/24');
  expect(isNeeded(it, [it, ...others.map((cidr, index) => range(`o${index}`, cidr))], addresses.map(address))).toBe(needed);
});

test('a range stays until its last address is free', async () => {
  await using world = await startControllersUnderTest({ only: ['service-cidr-controller'] });
  const { admin } = world;
  await admin.create(serviceCIDRs, { metadata: { name: 'more' }, spec: { cidrs: ['10.50.0.0/28'] } });
  await world.pass(1);
  const get = () => admin.get(serviceCIDRs, { name: 'more' });
  expect((await get()).status?.conditions).toMatchObject([{ type: 'Ready', status: 'True', message: 'Kubernetes Service CIDR is ready' }]);
  await admin.create(services, { metadata: { name: 'held', namespace: 'default' }, spec: { clusterIP: '10.50.0.5', ports: [{ port: 80 }] } });
  await admin.delete(serviceCIDRs, { name: 'more' });
  await world.pass(20);
  expect((await get()).status?.conditions).toMatchObject([{ type: 'Ready', status: 'False', reason: 'Terminating' }]);
  await admin.delete(services, { namespace: 'default', name: 'held' });
  await world.pass(20);
  await expect(get()).rejects.toMatchObject({ reason: 'NotFound' });
});
