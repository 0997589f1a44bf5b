import { expect, test } from 'vitest';
import type { Service } from '../../api/generated/core-v1.ts';
import type { KubeObject, ObjectKey } from '../../api/object.ts';
import { systemClock } from '../../base/clock.ts';
import { silentLog } from '../../base/log.ts';
import { seededRandom } from '../../base/random.ts';
import { createMemoryEngine } from '../../storage/memory.ts';
import { storedObjects } from '../authz/stored-objects.ts';
import type { Registry } from '../registry/store.ts';
import type { RequestContext } from '../request.ts';
import { formatAddress, parseRange } from './address-range.ts';
import { ServiceAllocation } from './service-allocation.ts';

function world(serviceCidr = '10.96.0.0/16') {
  const engine = createMemoryEngine<KubeObject>({ clock: systemClock, log: silentLog });
  const objects = storedObjects(engine, (o) => o);
  const registry = {
    store: () => ({
      create: (_c: unknown, _n: string, object: KubeObject) => engine.put(`/registry/networking.k8s.io/ipaddresses/${object.metadata.name}`, () => object),
      delete: (_c: unknown, key: ObjectKey) => engine.delete(`/registry/networking.k8s.io/ipaddresses/${key.name}`),
    }),
  } as unknown as Registry;
  const context = {} as RequestContext;
  const allocation = new ServiceAllocation({ objects, registry, random: seededRandom(1), log: silentLog, context, serviceCidr, nodePorts: [30000, 32767] });
  const key = (name: string): string => `/registry/core/services/a/${name}`;
  const service = (name: string, spec: object): Service => ({ apiVersion: 'v1', kind: 'Service', metadata: { namespace: 'a', name }, spec: { type: 'ClusterIP', ports: [{ port: 80, protocol: 'TCP' }], ...spec } }) as unknown as Service;
  const create = async (name: string, spec: object = {}): Promise<Service> => {
    const hooked = await allocation.beforeCreate(service(name, spec));
    await engine.put(key(name), () => hooked.object);
    await hooked.commit?.();
    return hooked.object as Service;
  };
  const update = async (previous: Service, spec: object): Promise<Service> => {
    const hooked = await allocation.beforeUpdate({ ...previous, spec: { ...previous.spec, ...spec } } as KubeObject, previous);
    await engine.put(key(previous.metadata.name), () => hooked.object);
    await hooked.commit?.();
    return hooked.object as Service;
  };
  const remove = async (s: Service): Promise<void> => {
    await engine.delete(key(s.metadata.name));
    await allocation.afterDelete(s);
  };
  const recorded = (): string[] => engine.range('/registry/networking.k8s.io/ipaddresses/').entries.map((e) => e.value.metadata.name);
  return { engine, allocation, service, create, update, remove, recorded };
}

test('addresses come from the upper band, are exclusive, and come back', async () => {
  const w = world();
  const one = await w.create('one');
  expect(one.spec).toMatchObject({ clusterIP: expect.stringMatching(/^10\.96\.\d+\.\d+$/) as string, ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' });
  expect(one.spec.clusterIPs).toEqual([one.spec.clusterIP]);
  expect(w.recorded()).toEqual([one.spec.clusterIP]);
  const range = parseRange('10.96.0.0/16')!;
  expect(formatAddress(range.dynamic)).toBe('10.96.1.1');
  expect((await w.create('fixed', { clusterIP: '10.96.0.10' })).spec.clusterIPs).toEqual(['10.96.0.10']);
  await expect(w.create('twice', { clusterIP: '10.96.0.10' })).rejects.toThrow('spec.clusterIPs: Invalid value: ["10.96.0.10"]: failed to allocate IP 10.96.0.10: provided IP is already allocated');
  await expect(w.create('far', { clusterIP: '10.1.0.10' })).rejects.toThrow('failed to allocate IP 10.1.0.10: the provided network does not match the current range');
  await w.remove(one);
  expect(w.recorded()).toEqual(['10.96.0.10']);
  expect((await w.create('again', { clusterIP: one.spec.clusterIP })).spec.clusterIP).toBe(one.spec.clusterIP);
  expect((await w.create('headless', { clusterIP: 'None', selector: { a: 'b' } })).spec).toMatchObject({ clusterIP: 'None', ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' });
  expect((await w.create('external', { type: 'ExternalName' })).spec.clusterIP).toBeUndefined();
});

test('a small range is used up to its last address, and a write that fails gives back', async () => {
  const w = world('10.0.0.0/29');
  const lost = await w.allocation.beforeCreate(w.service('lost', {}));
  await lost.rollback();
  const all = new Set<string>();
  for (let i = 0; i < 6; i++) all.add((await w.create(`s${i}`)).spec.clusterIP!);
  expect([...all].sort()).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6']);
  await expect(w.create('more')).rejects.toThrow('range is full');
});

test('node ports: given, asked for, shared by protocols, followed through changes of type', async () => {
  const w = world();
  const np = await w.create('np', { type: 'NodePort', ports: [{ port: 53, protocol: 'UDP' }, { port: 53, protocol: 'TCP' }, { port: 80, protocol: 'TCP' }] });
  const [udp, tcp, http] = np.spec.ports!.map((p) => p.nodePort);
  expect(udp).toBe(tcp);
  expect(http).not.toBe(tcp);
  expect(http).toBeGreaterThanOrEqual(30086);
  await expect(w.create('clash', { type: 'NodePort', ports: [{ port: 1, nodePort: http }] })).rejects.toThrow(`spec.ports[0].nodePort: Invalid value: ${http}: provided port is already allocated`);
  await expect(w.create('low', { type: 'NodePort', ports: [{ port: 1, nodePort: 80 }] })).rejects.toThrow('provided port is not in the valid range. The range of valid ports is 30000-32767');
  const lb = await w.create('lb', { type: 'LoadBalancer', externalTrafficPolicy: 'Local' });
  expect(lb.spec.healthCheckNodePort).toBeGreaterThanOrEqual(30000);
  expect((await w.create('bare', { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false })).spec.ports![0]!.nodePort).toBeUndefined();
  const inner = await w.update(np, { type: 'ClusterIP', ports: [{ port: 80, protocol: 'TCP' }] });
  expect(inner.spec.clusterIP).toBe(np.spec.clusterIP);
  expect((await w.create('reuse', { type: 'NodePort', ports: [{ port: 1, nodePort: http }] })).spec.ports![0]!.nodePort).toBe(http);
  const external = await w.update(inner, { type: 'ExternalName', clusterIP: undefined, clusterIPs: undefined });
  expect(w.recorded()).not.toContain(np.spec.clusterIP);
  expect((await w.update(external, { type: 'ClusterIP' })).spec.clusterIP).toBeDefined();
});

test('what a server left half done is put right', async () => {
  const w = world();
  await w.engine.put('/registry/core/services/a/s', () => w.service('s', { clusterIP: '10.96.3.3', clusterIPs: ['10.96.3.3'] }));
  await w.engine.put('/registry/networking.k8s.io/ipaddresses/10.96.9.9', () => ({ metadata: { name: '10.96.9.9', labels: { 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' } } }) as unknown as KubeObject);
  await w.allocation.repair();
  expect(w.recorded()).toEqual(['10.96.3.3']);
});
