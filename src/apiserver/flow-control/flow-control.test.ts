import { describe, expect, test } from 'vitest';
import { flowSchemas, priorityLevelConfigurations } from '../../api/generated/resources.ts';
import { MetricRegistry } from '../../base/metrics.ts';
import { createMemoryEngine } from '../../storage/memory.ts';
import { silentLog } from '../../base/log.ts';
import type { KubeObject } from '../../api/object.ts';
import type { User } from '../../api/kind.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { startTestApiServer } from '../../testing/api-server.ts';
import { storedObjects } from '../authz/stored-objects.ts';
import { readRequestInfo } from '../http/request-info.ts';
import { allocateConcurrency } from './concurrency-allocation.ts';
import { FlowControl, type Ticket } from './flow-control.ts';
import { FlowMatcher } from './flow-matcher.ts';
import { suggestedLevels, suggestedSchemas } from './bootstrap-configuration.ts';
import { dumpFlowControl } from './flow-control-dumps.ts';
import { dealHand } from './shuffle-sharding.ts';
import { estimateWork } from './work-estimate.ts';

const account = (name: string, namespace = 'default'): User => ({ name: `system:serviceaccount:${namespace}:${name}`, groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'] });
const admin: User = { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] };
const query = new URLSearchParams();
const read = readRequestInfo('GET', '/api/v1/namespaces/default/pods/p', query);

/** Flow control over the suggested objects, on a clock that stands still. */
async function control(seats: number): Promise<{ control: FlowControl; clock: FakeClock } & Disposable> {
  const clock = new FakeClock();
  const engine = createMemoryEngine<KubeObject>({ clock, log: silentLog });
  const put = (resource: string, kind: string, name: string, spec: object): Promise<unknown> =>
    engine.put(`/registry/flowcontrol.apiserver.k8s.io/${resource}/${name}`, () => ({ apiVersion: 'flowcontrol.apiserver.k8s.io/v1', kind, metadata: { name, uid: `${kind}-${name}`, resourceVersion: '1', creationTimestamp: '' }, spec }) as unknown as KubeObject);
  for (const { name, spec } of suggestedLevels) await put('prioritylevelconfigurations', 'PriorityLevelConfiguration', name, spec);
  for (const { name, spec } of suggestedSchemas) await put('flowschemas', 'FlowSchema', name, spec);
  const made = new FlowControl({ objects: storedObjects(engine, (value: KubeObject) => value), figures: { objects: () => undefined }, clock, metrics: new MetricRegistry(), seats });
  return { control: made, clock, [Symbol.dispose]: () => made[Symbol.dispose]() };
}

test.each([
  [admin, 'GET', '/api/v1/pods', 'exempt'],
  [account('a'), 'GET', '/livez', 'probes'],
  [{ name: 'system:kube-scheduler', groups: ['system:authenticated'] }, 'PUT', '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler', 'system-leader-election'],
  [{ name: 'system:node:n', groups: ['system:nodes', 'system:authenticated'] }, 'PATCH', '/api/v1/nodes/n/status', 'system-node-high'],
  [{ name: 'system:node:n', groups: ['system:nodes', 'system:authenticated'] }, 'GET', '/api/v1/pods', 'system-nodes'],
  [{ name: 'system:kube-controller-manager', groups: ['system:authenticated'] }, 'GET', '/api/v1/pods', 'kube-controller-manager'],
  [account('x', 'kube-system'), 'GET', '/api/v1/pods', 'kube-system-service-accounts'],
  [account('x', 'kube-system-2'), 'GET', '/api/v1/pods', 'service-accounts'],
  [{ name: 'bob', groups: ['system:authenticated'] }, 'GET', '/apis', 'global-default'],
])('%o %s %s falls under %s %s', (user, method, path, schema) => {
  const matcher = new FlowMatcher(suggestedSchemas.map(({ name, spec }) => ({ apiVersion: '', kind: 'FlowSchema', metadata: { name, uid: '', resourceVersion: '', creationTimestamp: '' }, spec })));
  expect(matcher.match(user, readRequestInfo(method, path, query)).metadata.name).toBe(schema);
});

test('a hand holds different queues, and two flows seldom the same', () => {
  const hands = Array.from({ length: 200 }, (_, i) => dealHand(`flow ${i}`, 128, 6));
  for (const hand of hands) expect(new Set(hand).size).toBe(6);
  expect(hands.flat().every((card) => card >= 0 && card < 128)).toBe(true);
  expect(new Set(hands.map((hand) => [...hand].sort((a, b) => a - b).join(' '))).size).toBe(200);
  expect(new Set(hands.flat()).size).toBe(128);
});

test.each([
  ['all alike', 30, [[0, 99, 10], [0, 99, 10], [0, 99, 10]], [10, 10, 10]],
  ['by target', 30, [[0, 99, 10], [0, 99, 20]], [10, 20]],
  ['one needs its least', 30, [[25, 99, 25], [0, 99, 25]], [25, 5]],
  ['one may not have more', 30, [[0, 5, 20], [0, 99, 20]], [5, 25]],
  ['nobody wants anything', 10, [[5, 99, 5], [0, 99, 0]], [10, 0]],
])('seats are divided: %s', (_, sum, items, expected) => {
  const { seats } = allocateConcurrency(sum, items.map(([lower, upper, target]) => ({ lower: lower!, upper: upper!, target: target! })));
  seats.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 1));
});

test('lists take seats by their bytes, writes by who hears of them', () => {
  const figures = { objects: () => ({ count: 1000, averageBytes: 2000 }), watchers: () => 25 };
  const list = readRequestInfo('GET', '/api/v1/pods', query);
  expect(estimateWork(list, query, figures, 37).initialSeats).toBe(10);
  expect(estimateWork(list, new URLSearchParams('limit=100'), figures, 37).initialSeats).toBe(2);
  expect(estimateWork(list, query, figures, 4).initialSeats).toBe(4);
  const [watch, later] = ['watch=1', 'watch=1&resourceVersion=5'].map((text) => new URLSearchParams(text));
  expect(estimateWork(readRequestInfo('GET', '/api/v1/pods', watch!), watch!, figures, 37).initialSeats).toBe(10);
  expect(estimateWork(readRequestInfo('GET', '/api/v1/pods', later!), later!, figures, 37).initialSeats).toBe(1);
  expect(estimateWork(readRequestInfo('POST', '/api/v1/namespaces/a/pods', query), query, figures, 37)).toEqual({ initialSeats: 1, finalSeats: 3, additionalMs: 5 });
});

describe('on a clock that stands still', () => {
  test('one noisy client fills its queues, and the quiet one is served next all the same', async () => {
    using made = await control(49);
    const { control: flows, clock } = made;
    const noisy = Array.from({ length: 1000 }, () => flows.start(account('noisy'), read, query)!);
    const [served, waiting, refused] = [noisy.filter((t) => !t.waiting && t.refused === undefined), noisy.filter((t) => t.waiting), noisy.filter((t) => t.refused !== undefined)];
    // 100 of 245 shares, a hand of six queues of fifty.
    expect([served.length, waiting.length, refused.length]).toEqual([20, 300, 680]);
    const order: string[] = [];
    const follow = (name: string, ticket: Ticket): void => void ticket.waiting!.then(() => order.push(name));
    for (const ticket of waiting) follow('noisy', ticket);
    const quiet = Array.from({ length: 3 }, () => flows.start(account('quiet'), read, query)!);
    for (const ticket of quiet) follow('quiet', ticket);
    for (const ticket of served) {
      await clock.advance(3);
      ticket.finish();
    }
    await clock.advance(0);
    // Noisy stands in six queues, quiet in one or more of its own: they take turns.
    expect(order.length).toBe(20);
    expect(order.slice(0, 9).filter((name) => name === 'quiet').length).toBeGreaterThanOrEqual(1);
    expect(order.filter((name) => name === 'quiet').length).toBe(3);
    expect(flows.start(admin, read, query)).toMatchObject({ waiting: undefined, refused: undefined, flowSchemaUid: 'FlowSchema-exempt' });
    const [header, ...lines] = dumpFlowControl(flows, 'dump_priority_levels', query)!.split('\n');
    expect(header).toMatch(/^PriorityLevelName, +ActiveQueues, +IsIdle,/);
    expect(lines.find((line) => line.startsWith('workload-low'))).toMatch(/^workload-low, +6, +false, +false, +283, +20, +40, +680, +0, +0$/);
    expect(dumpFlowControl(flows, 'dump_requests', new URLSearchParams('includeRequestDetails=1'))).toContain('system:serviceaccount:default:noisy');
  });

  test('who waits too long is refused, who goes away leaves its queue', async () => {
    using made = await control(5);
    const { control: flows, clock } = made;
    const start = (text = '') => flows.start(account('a'), read, new URLSearchParams(text))!;
    const first = [start(), start(), start()];
    const late = start('timeout=36s');
    const hasty = start('timeout=4s');
    const gone = start();
    gone.abandon();
    await gone.waiting;
    await clock.advance(1000);
    expect([late.refused, hasty.refused]).toEqual([undefined, 1]);
    await clock.advance(8_000);
    expect(late.refused).toBe(1);
    for (const ticket of first) ticket.finish();
    expect(start().waiting).toBeUndefined();
  });

  test('a level without demand lends its seats to one that needs them', async () => {
    using made = await control(49);
    const { control: flows, clock } = made;
    const tickets = Array.from({ length: 200 }, () => flows.start(account('busy'), read, query)!);
    const served = (): number => flows.levels.get('workload-low')!.queues.figures.executing;
    expect(served()).toBe(20);
    await clock.advance(10_000);
    expect(served()).toBeGreaterThan(25);
    expect([...flows.levels.all()].reduce((sum, { current }) => sum + current, 0)).toBeLessThanOrEqual(55);
    for (const ticket of tickets) ticket.abandon();
    for (const ticket of tickets) ticket.finish();
    for (const level of flows.levels.all()) expect(level.queues.figures).toMatchObject({ executing: 0, waiting: 0, seatsInUse: 0, seatsWaiting: 0 });
  });
});

test('the objects of every cluster are kept, and each schema tells whether its level is there', async () => {
  const clock = new FakeClock();
  await using api = await startTestApiServer({ clock });
  const { admin: client } = api;
  const dangling = async (name: string) => (await client.get(flowSchemas, { name })).status?.conditions;
  expect(await dangling('service-accounts')).toMatchObject([{ type: 'Dangling', status: 'False', reason: 'Found' }]);
  const own = { metadata: { name: 'own' }, spec: { priorityLevelConfiguration: { name: 'mine' }, matchingPrecedence: 50, rules: [{ subjects: [{ kind: 'User', user: { name: 'bob' } }], nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }] }] } };
  await client.create(flowSchemas, own);
  await clock.advance(1000);
  expect(await dangling('own')).toMatchObject([{ status: 'True', reason: 'NotFound', message: 'This FlowSchema references the PriorityLevelConfiguration object named "mine" but there is no such object' }]);
  await client.create(priorityLevelConfigurations, { metadata: { name: 'mine' }, spec: { type: 'Limited', limited: { nominalConcurrencyShares: 5, limitResponse: { type: 'Reject' } } } });
  await client.delete(flowSchemas, { name: 'catch-all' });
  const probes = await client.get(flowSchemas, { name: 'probes' });
  await client.update(flowSchemas, { ...probes, spec: { ...probes.spec, matchingPrecedence: 3 } });
  const nodes = await client.get(flowSchemas, { name: 'system-nodes' });
  await client.update(flowSchemas, { ...nodes, metadata: { ...nodes.metadata, annotations: { 'apf.kubernetes.io/autoupdate-spec': 'false' } }, spec: { ...nodes.spec, matchingPrecedence: 499 } });
  await clock.advance(2000);
  expect(await dangling('own')).toMatchObject([{ status: 'False', reason: 'Found' }]);
  expect((await client.get(flowSchemas, { name: 'catch-all' })).metadata.annotations).toEqual({ 'apf.kubernetes.io/autoupdate-spec': 'true' });
  expect((await client.get(flowSchemas, { name: 'probes' })).spec.matchingPrecedence).toBe(2);
  expect((await client.get(flowSchemas, { name: 'system-nodes' })).spec.matchingPrecedence).toBe(499);
});
