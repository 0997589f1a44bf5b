import { expect, test } from 'vitest';
import { expired } from '../api/errors.ts';
import { pods } from '../api/generated/resources.ts';
import type { Pod } from '../api/generated/core-v1.ts';
import { silentLog } from '../base/log.ts';
import { seededRandom } from '../base/random.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import type { Client, WatchEvent, WatchOptions } from './client.ts';
import { createInformerFactory } from './informer-factory.ts';

const pod = (name: string, resourceVersion: number, labels: Record<string, string> = {}, uid = name): Pod =>
  ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', uid, resourceVersion: String(resourceVersion), creationTimestamp: '', labels }, spec: { containers: [] } });

/** The wire between informer and server, in the test's hands: each list and watch waits until the test answers it. */
function heldWire() {
  const lists: { readonly answer: (revision: number, ...items: Pod[]) => void; readonly fail: (error: Error) => void }[] = [];
  const watches: { readonly from: string | undefined; readonly send: (...events: WatchEvent<Pod>[]) => void; readonly end: (error?: Error) => void; readonly ended: () => boolean }[] = [];
  const client = {
    list: () => new Promise((resolve, reject) => void lists.push({
      answer: (revision, ...items) => resolve({ apiVersion: 'v1', kind: 'PodList', metadata: { resourceVersion: String(revision) }, items }),
      fail: reject,
    })),
    async watch(_resource: unknown, options: WatchOptions) {
      const queue: (WatchEvent<Pod> | Error | 'end')[] = [];
      let wake: (() => void) | undefined;
      const push = (...events: typeof queue): void => {
        queue.push(...events);
        wake?.();
      };
      let ended = false;
      options.signal?.addEventListener('abort', () => push('end'));
      watches.push({ from: options.resourceVersion, send: push, end: (error) => push(error ?? 'end'), ended: () => ended });
      return (async function* () {
        try {
          for (;;) {
            while (queue.length === 0) await new Promise<void>((resolve) => (wake = resolve));
            const next = queue.shift()!;
            if (next === 'end') return;
            if (next instanceof Error) throw next;
            yield next;
          }
        } finally {
          ended = true;
        }
      })();
    },
  };
  return { lists, watches, client: client as unknown as Client };
}

function setUp() {
  const wire = heldWire();
  const clock = new FakeClock();
  const factory = createInformerFactory({ client: wire.client, clock, random: seededRandom(1), log: silentLog });
  const informer = factory.informer(pods);
  const told: string[] = [];
  informer.subscribe({
    add: (p) => void told.push(`+${p.metadata.name}@${p.metadata.resourceVersion}`),
    update: (before, p) => void told.push(`~${p.metadata.name}@${before.metadata.resourceVersion}→${p.metadata.resourceVersion}`),
    delete: (p) => void told.push(`-${p.metadata.name}`),
  });
  return { ...wire, clock, factory, informer, told };
}

test('lists, follows, and keeps its indexes', async () => {
  const { lists, watches, clock, factory, informer, told } = setUp();
  expect(factory.informer(pods)).toBe(informer);
  informer.addIndex('app', (p) => (p.metadata.labels?.['app'] ? [p.metadata.labels['app']] : []));
  expect(informer.synced).toBe(false);
  lists[0]!.answer(10, pod('a', 3, { app: 'x' }), pod('b', 4, { app: 'x' }));
  await factory.untilSynced();
  await clock.advance(0);
  expect(told.splice(0)).toEqual(['+a@3', '+b@4']);
  expect(watches[0]!.from).toBe('10');
  watches[0]!.send({ type: 'MODIFIED', object: pod('a', 11, { app: 'y' }) }, { type: 'ADDED', object: pod('c', 12) }, { type: 'DELETED', object: pod('b', 13) });
  await clock.advance(0);
  expect(told).toEqual(['~a@3→11', '+c@12', '-b']);
  expect(informer.byIndex('app', 'x')).toEqual([]);
  expect(informer.byIndex('app', 'y').map((p) => p.metadata.name)).toEqual(['a']);
  expect(informer.list('default')).toHaveLength(2);
  expect(informer.list('other')).toEqual([]);
  expect(informer.get('default/c')).toBeDefined();
  const late: string[] = [];
  informer.subscribe({ add: (p) => void late.push(p.metadata.name) });
  expect(late).toEqual(['a', 'c']);
  await factory[Symbol.asyncDispose]();
  expect(watches[0]!.ended()).toBe(true);
  expect(clock.pending).toBe(0);
});

test('a broken watch goes on from the last revision, a bookmark counting, after a growing delay', async () => {
  const { lists, watches, clock, factory } = setUp();
  lists[0]!.answer(10);
  await clock.advance(0);
  watches[0]!.send({ type: 'BOOKMARK', object: pod('', 25) });
  watches[0]!.end(new Error('connection reset'));
  await clock.advance(150);
  expect(watches).toHaveLength(1);
  await clock.advance(400);
  expect(watches[1]!.from).toBe('25');
  watches[1]!.end(new Error('connection refused'));
  await clock.advance(390);
  expect(watches).toHaveLength(2);
  await clock.advance(500);
  expect(watches).toHaveLength(3);
  expect(lists).toHaveLength(1);
  await factory[Symbol.asyncDispose]();
});

test('when history is gone it lists anew and tells the differences, also of a name taken by another object', async () => {
  const { lists, watches, clock, factory, told } = setUp();
  lists[0]!.answer(10, pod('a', 1), pod('b', 2), pod('c', 3), pod('d', 4));
  await clock.advance(0);
  told.length = 0;
  watches[0]!.end(expired('too old resource version'));
  await clock.advance(0);
  lists[1]!.answer(50, pod('a', 1), pod('b', 22), pod('d', 30, {}, 'another'));
  await clock.advance(0);
  expect(told).toEqual(['~b@2→22', '-d', '+d@30', '-c']);
  expect(watches[1]!.from).toBe('50');
  await factory[Symbol.asyncDispose]();
});

test('a first list that fails is tried again; ending during the wait leaves nothing behind', async () => {
  const { lists, clock, factory, informer } = setUp();
  lists[0]!.fail(new Error('refused'));
  await clock.advance(400);
  expect(lists).toHaveLength(2);
  lists[1]!.fail(new Error('refused'));
  await clock.advance(0);
  expect(informer.synced).toBe(false);
  const stopped = new AbortController();
  const waiting = informer.untilSynced(stopped.signal);
  stopped.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  await factory[Symbol.asyncDispose]();
  expect(clock.pending).toBe(0);
});
