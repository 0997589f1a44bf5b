import { describe, expect, it } from 'vitest';
import type { Node, Service } from '../api/generated/core-v1.ts';
import { endpointSlices, events, nodes, services } from '../api/generated/resources.ts';
import { silentLog as log } from '../base/log.ts';
import { seededRandom } from '../base/random.ts';
import { createInformerFactory } from '../client/informer-factory.ts';
import { startTestApiServer, type TestApiServer } from '../testing/api-server.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { assignAddresses, type AddressPool } from './assign-addresses.ts';
import { startBalancer, type Routes } from './balancer.ts';
import { chooseNode } from './choose-node.ts';
import { explainPending, startPendingExplainer } from './pending-explainer.ts';

const pool: AddressPool = ['10.231.0.200', '10.231.0.202'];

function service(name: string, options: { address?: string; wanted?: string; age?: string } = {}): Service {
  return {
    apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'default', uid: name, resourceVersion: '1', creationTimestamp: options.age ?? '2026-01-01T00:00:00Z' },
    spec: { type: 'LoadBalancer', ...(options.wanted && { loadBalancerIP: options.wanted }) }, status: { loadBalancer: options.address ? { ingress: [{ ip: options.address }] } : {} },
  };
}

describe('who gets which address', () => {
  const last = (address: string): string => `10.231.0.${address}`;
  it.each<[string, Service[], Record<string, string>, string[]]>([
    ['the lowest that is free', [service('a'), service('b')], { a: '200', b: '201' }, []],
    ['the older one first', [service('a', { age: '2026-01-02T00:00:00Z' }), service('b')], { a: '201', b: '200' }, []],
    ['each keeps what it has', [service('a'), service('b', { address: last('200') })], { a: '201', b: '200' }, []],
    ['none twice', [service('a', { address: last('201') }), service('b', { address: last('201') })], { a: '201', b: '200' }, []],
    ['what it wants', [service('a'), service('b', { wanted: last('200') })], { a: '201', b: '200' }, []],
    ['what it wants by now', [service('a', { address: last('200'), wanted: last('202') })], { a: '202' }, []],
    ['not what another has', [service('a', { address: last('200') }), service('b', { wanted: last('200') })], { a: '200' }, ['address 10.231.0.200 belongs to another service']],
    ['not what is not ours', [service('a', { wanted: '192.0.2.1' })], {}, ['address 192.0.2.1 is not in the pool 10.231.0.200-10.231.0.202']],
    ['not what is foreign in its status', [service('a', { address: '192.0.2.1' })], { a: '200' }, []],
    ['no more than there are', ['a', 'b', 'c', 'd'].map((name) => service(name)), { a: '200', b: '201', c: '202' }, ['all addresses of the pool 10.231.0.200-10.231.0.202 are in use']],
  ])('%s', (_, all, expected, refusals) => {
    const { addresses, refused } = assignAddresses(all, pool);
    expect(Object.fromEntries([...addresses].map(([key, address]) => [key.replace('default/', ''), address.replace('10.231.0.', '')]))).toEqual(expected);
    expect([...refused.values()]).toEqual(refusals);
  });
});

describe('which node takes the traffic', () => {
  const node = (name: string, address: string, ready = true, labels = {}): Node => ({
    apiVersion: 'v1', kind: 'Node', metadata: { name, uid: name, resourceVersion: '1', creationTimestamp: '', labels }, spec: {},
    status: { addresses: [{ type: 'InternalIP', address }], conditions: [{ type: 'Ready', status: ready ? 'True' : 'Unknown' }] },
  });
  const both = [node('b', '10.231.0.12'), node('a', '10.231.0.11')];
  const slice = { apiVersion: '', kind: '', addressType: 'IPv4', metadata: { name: 's', namespace: 'default', uid: '', resourceVersion: '', creationTimestamp: '' }, endpoints: [{ addresses: ['10.244.2.1'], nodeName: 'b' }] };
  const local: Service = { ...service('x'), spec: { type: 'LoadBalancer', externalTrafficPolicy: 'Local' } };
  it.each<[string, string | undefined, string | undefined]>([
    ['the first', chooseNode(service('x'), both, []), '10.231.0.11'],
    ['the one it had', chooseNode(service('x'), both, [], '10.231.0.12'), '10.231.0.12'],
    ['another when that one died', chooseNode(service('x'), [node('a', '10.231.0.11'), node('b', '10.231.0.12', false)], [], '10.231.0.12'), '10.231.0.11'],
    ['none that is excluded', chooseNode(service('x'), [node('a', '10.231.0.11', true, { 'node.kubernetes.io/exclude-from-external-load-balancers': '' }), both[0]!], []), '10.231.0.12'],
    ['one with a backend, where clients keep their address', chooseNode(local, both, [slice], '10.231.0.11'), '10.231.0.12'],
    ['any, while nobody backs it', chooseNode(local, both, []), '10.231.0.11'],
    ['nobody', chooseNode(service('x'), [], []), undefined],
  ])('%s', (_, chosen, expected) => expect(chosen).toBe(expected));
});

class TestRoutes implements Routes {
  readonly all = new Map<string, string>();
  async list(): Promise<ReadonlyMap<string, string>> { return new Map(this.all); }
  async set(address: string, node: string): Promise<void> { this.all.set(address, node); }
  async remove(address: string): Promise<void> { if (!this.all.delete(address)) throw new Error(`no route to ${address}`); }
}

async function makeNode(api: TestApiServer, name = 'one', address = '10.231.0.11'): Promise<void> {
  const node = await api.admin.create(nodes, { metadata: { name }, spec: {} });
  await api.admin.updateStatus(nodes, { ...node, status: { ...node.status, addresses: [{ type: 'InternalIP', address }], conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: '' }] } });
}

const web = { metadata: { name: 'web', namespace: 'default' }, spec: { type: 'LoadBalancer', ports: [{ port: 8080, protocol: 'TCP' as const }] } };
const key = { namespace: 'default', name: 'web' };

describe('a running balancer', () => {
  it('gives, keeps and takes back', async () => {
    const clock = new FakeClock();
    const random = seededRandom(1);
    await using api = await startTestApiServer({ clock });
    await makeNode(api);
    const routes = new TestRoutes();
    const changes: string[] = [];
    const start = (takeBack: boolean) => {
      const informers = createInformerFactory({ client: api.admin, clock, random, log });
      return startBalancer({ client: api.admin, informers, pool, routes, clock, random, log, takeBack, onChange: ({ address }) => changes.push(address ?? 'gone') }).then((balancer) => ({ balancer, informers }));
    };
    const ingress = async () => (await api.admin.get(services, key)).status?.loadBalancer?.ingress;

    const addOn = await start(false);
    await api.admin.create(services, web);
    await api.admin.create(services, { ...web, metadata: { ...web.metadata, name: 'foreign' }, spec: { ...web.spec, loadBalancerClass: 'example.org/other' } });
    await clock.advance(1000);
    expect(await ingress()).toEqual([{ ip: '10.231.0.200', ipMode: 'VIP' }]);
    expect((await api.admin.get(services, { ...key, name: 'foreign' })).status?.loadBalancer?.ingress).toBe(undefined);
    expect([...routes.all]).toEqual([['10.231.0.200', '10.231.0.11']]);
    const told = (await api.admin.list(events, { namespace: 'default' })).items;
    expect(told.map(({ reason, message }) => `${reason} ${message}`)).toEqual(['EnsuredLoadBalancer Assigned the address 10.231.0.200. It can be reached from this machine: curl http://10.231.0.200:8080']);
    await addOn.balancer[Symbol.asyncDispose]();
    await addOn.informers[Symbol.asyncDispose]();
    expect(await ingress()).toHaveLength(1);

    routes.all.clear();
    routes.all.set('10.231.0.202', '10.231.0.11');
    const tunnel = await start(true);
    await clock.advance(1000);
    expect([...routes.all.keys()]).toEqual(['10.231.0.200']);
    await api.admin.patch(services, key, { type: 'application/merge-patch+json', body: { spec: { type: 'ClusterIP' } } });
    await clock.advance(1000);
    expect(await ingress()).toBe(undefined);
    expect([...routes.all]).toEqual([]);
    await api.admin.patch(services, key, { type: 'application/merge-patch+json', body: { spec: { type: 'LoadBalancer' } } });
    await clock.advance(1000);
    expect(await ingress()).toHaveLength(1);
    await tunnel.balancer[Symbol.asyncDispose]();
    await tunnel.informers[Symbol.asyncDispose]();
    expect(await ingress()).toBe(undefined);
    expect([...routes.all]).toEqual([]);
    // The API server itself cleared the status when the type changed.
    expect(changes).toEqual(['10.231.0.200', '10.231.0.200', 'gone']);
  });
});

describe('the way to a service', () => {
  it('leads to a node that has a backend, as soon as there is one, and stays while connections may go by it', async () => {
    const clock = new FakeClock();
    const random = seededRandom(1);
    await using api = await startTestApiServer({ clock });
    await makeNode(api);
    await makeNode(api, 'two', '10.231.0.12');
    const routes = new TestRoutes();
    await using informers = createInformerFactory({ client: api.admin, clock, random, log });
    await using balancer = await startBalancer({ client: api.admin, informers, pool, routes, clock, random, log });
    expect(balancer).toBeDefined();
    const way = async (): Promise<string | undefined> => {
      await clock.advance(1000);
      return routes.all.get('10.231.0.200');
    };
    await api.admin.create(services, web);
    expect(await way()).toBe('10.231.0.11');
    const slice = (nodeName: string) => ({ metadata: { name: 'web-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } }, addressType: 'IPv4', ports: [{ port: 8080, protocol: 'TCP' as const }], endpoints: [{ addresses: ['10.244.1.5'], nodeName }] });
    const made = await api.admin.create(endpointSlices, slice('two'));
    expect(await way()).toBe('10.231.0.12');
    const moved = await api.admin.update(endpointSlices, { ...made, endpoints: slice('one').endpoints });
    expect(await way()).toBe('10.231.0.12');
    await api.admin.update(endpointSlices, { ...moved, endpoints: [] });
    await way();
    await api.admin.update(endpointSlices, { ...(await api.admin.get(endpointSlices, { namespace: 'default', name: 'web-1' })), endpoints: slice('one').endpoints });
    expect(await way()).toBe('10.231.0.11');
  });
});

describe('a service that waits', () => {
  it('says why, once it has waited a little', async () => {
    const clock = new FakeClock();
    const random = seededRandom(1);
    await using api = await startTestApiServer({ clock });
    await using informers = createInformerFactory({ client: api.admin, clock, random, log });
    await using explainer = startPendingExplainer({ client: api.admin, informers, clock, random, log, profile: 'lab' });
    expect(explainer).toBeDefined();
    await api.admin.create(services, web);
    await clock.advance(1000);
    expect((await api.admin.list(events, {})).items).toEqual([]);
    await clock.advance(2000);
    const [event] = (await api.admin.list(events, {})).items;
    expect(event).toMatchObject({ reason: 'WaitingForLoadBalancer', type: 'Normal', involvedObject: { kind: 'Service', name: 'web' } });
    expect(event!.message).toContain('"wherry tunnel --profile lab"');
    expect(event!.message).toMatch(/answers on port 3\d{4} of every node/);
  });

  it('of another class waits for others', () => {
    expect(explainPending({ ...service('x'), spec: { type: 'LoadBalancer', loadBalancerClass: 'a/b' } })).toContain('loadBalancerClass "a/b"');
  });
});
