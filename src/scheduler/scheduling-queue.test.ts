import { expect, test } from 'vitest';
import type { Pod } from '../api/generated/core-v1.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { describeCluster, nodeObject, podObject } from './scheduling-fixture.ts';
import { SchedulingQueue } from './scheduling-queue.ts';

function setUp() {
  const clock = new FakeClock();
  let ready = 0;
  const plugins = describeCluster({ nodes: [] }).plugins.map(({ plugin }) => plugin);
  const queue = new SchedulingQueue({ clock, pluginsOf: () => plugins, onReady: () => void ready++ });
  const popAll = (): string[] => {
    const names: string[] = [];
    for (let next = queue.pop(); next; next = queue.pop()) names.push(next.pod.metadata.name);
    return names;
  };
  return { clock, queue, popAll, readyCount: () => ready };
}
const prioritized = (name: string, priority: number): Pod => podObject(name, { spec: { priority } });

test('priority goes first, then who came first', async () => {
  const { clock, queue, popAll } = setUp();
  for (const pod of [prioritized('a', 0), prioritized('b', 5), prioritized('c', 5), prioritized('d', 0)]) {
    queue.set(pod, false);
    await clock.advance(1);
  }
  queue.delete('default/c');
  expect(popAll()).toEqual(['b', 'a', 'd']);
});

test('a rejected pod wakes by what may help it, and by nothing else', () => {
  const { queue, popAll } = setUp();
  queue.set(podObject('p', { requests: { cpu: '2' } }), false);
  popAll();
  queue.reject('default/p', new Set(['NodeResourcesFit']));
  queue.onEvent({ resource: 'Node', action: 'add', object: nodeObject('tiny', { allocatable: { cpu: '1' } }) });
  queue.onEvent({ resource: 'AssignedPod', action: 'add', object: podObject('other') });
  queue.onEvent({ resource: 'Node', action: 'update', previous: nodeObject('n', { spec: { unschedulable: true } }), object: nodeObject('n') });
  expect(popAll()).toEqual([]);
  queue.onEvent({ resource: 'Node', action: 'update', previous: nodeObject('n', { allocatable: { cpu: '1' } }), object: nodeObject('n') });
  expect(popAll()).toEqual(['p']);
  queue.reject('default/p', new Set(['NodeUnschedulable']));
  queue.onEvent({ resource: 'AssignedPod', action: 'delete', object: podObject('other') });
  expect(popAll()).toEqual([]);
  queue.onEvent({ resource: 'Node', action: 'update', previous: nodeObject('n', { spec: { unschedulable: true } }), object: nodeObject('n') });
  expect(popAll()).toEqual(['p']);
});

test('a pod in its backoff lets fresh ones go first', () => {
  const { queue } = setUp();
  queue.set(prioritized('again', 100), false);
  queue.pop();
  queue.reject('default/again', new Set());
  queue.onEvent({ resource: 'Node', action: 'add', object: nodeObject('n') });
  queue.set(prioritized('fresh', 0), false);
  expect(queue.pop()!.pod.metadata.name).toBe('fresh');
  expect(queue.pop()).toMatchObject({ key: 'default/again', attempts: 2 });
});

test('one whose backoff is over comes by its last try, before those who came later', async () => {
  const { clock, queue } = setUp();
  queue.set(prioritized('again', 0), false);
  queue.pop();
  queue.reject('default/again', new Set());
  queue.onEvent({ resource: 'Node', action: 'add', object: nodeObject('n') });
  await clock.advance(1);
  for (const name of ['one', 'two']) queue.set(prioritized(name, 0), false);
  queue.set(prioritized('urgent', 5), false);
  expect(queue.pop()!.pod.metadata.name).toBe('urgent');
  expect(queue.pop()!.pod.metadata.name).toBe('one');
  await clock.advance(1000);
  expect(queue.pop()!.pod.metadata.name).toBe('again');
  expect(queue.pop()!.pod.metadata.name).toBe('two');
});

test('what is activated is tried without its backoff, what is retried with it', () => {
  const { queue } = setUp();
  for (const name of ['activated', 'retried']) {
    queue.set(prioritized(name, 0), false);
    queue.pop();
    queue.reject(`default/${name}`, new Set());
  }
  queue.retry('default/retried');
  queue.activate('default/activated');
  expect(queue.counts()).toMatchObject({ active: 1, backoff: 1 });
  expect(queue.pop()!.pod.metadata.name).toBe('activated');
});

test('after an error the backoff is served in full: 1 s, doubling to 10 s', async () => {
  const { clock, queue, popAll } = setUp();
  queue.set(podObject('p'), false);
  popAll();
  for (const seconds of [1, 2, 4, 8, 10, 10]) {
    queue.fail('default/p');
    await clock.advance(seconds * 1000 - 1);
    expect(popAll()).toEqual([]);
    await clock.advance(1);
    expect(popAll()).toEqual(['p']);
  }
});

test('after five minutes a pod is tried whatever the hints say; disposal leaves no timer', async () => {
  const { clock, queue, popAll } = setUp();
  queue.set(podObject('p'), false);
  popAll();
  queue.reject('default/p', new Set(['NodeName']));
  await clock.advance(299_999);
  expect(popAll()).toEqual([]);
  await clock.advance(1);
  expect(queue.pop()).toMatchObject({ key: 'default/p', flushed: true });
  queue.reject('default/p', new Set(['NodeName']));
  queue.onEvent({ resource: 'Node', action: 'add', object: nodeObject('n') });
  queue.activate('default/p');
  expect(queue.pop()).toMatchObject({ key: 'default/p', flushed: false });
  queue.reject('default/p', new Set(['NodeName']));
  queue[Symbol.dispose]();
  expect(clock.pending).toBe(0);
});

test('gates keep a pod out until all are gone', () => {
  const { queue, popAll } = setUp();
  const gated = (...names: string[]) => podObject('p', { spec: { schedulingGates: names.map((name) => ({ name })) } });
  queue.set(gated('a', 'b'), false);
  queue.set(gated('b'), true);
  expect(popAll()).toEqual([]);
  queue.set(gated(), true);
  expect(popAll()).toEqual(['p']);
});

test('a change of the pod itself wakes it only if it matters; a namesake is another pod', () => {
  const { queue, popAll } = setUp();
  queue.set(podObject('p'), false);
  popAll();
  queue.reject('default/p', new Set(['NodeAffinity']));
  queue.set(podObject('p', { status: { phase: 'Pending' } }), false);
  expect(popAll()).toEqual([]);
  queue.set(podObject('p', { labels: { a: 'b' } }), true);
  expect(popAll()).toEqual(['p']);
  queue.set(podObject('p', { metadata: { uid: 'other' } }), false);
  expect(popAll()).toEqual(['p']);
});
