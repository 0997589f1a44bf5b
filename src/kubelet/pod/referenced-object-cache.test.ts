import { expect, test } from 'vitest';
import type { Pod } from '../../api/generated/core-v1.ts';
import { expired, forbidden } from '../../api/errors.ts';
import { silentLog } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { ReferencedObjectCache } from './referenced-object-cache.ts';

const pod = { metadata: { namespace: 'a' }, spec: { containers: [], volumes: [{ name: 'v', configMap: { name: 'settings' } }] } } as unknown as Pod;

/** A server with one config map; `breakWatch` ends the watch with a refusal. */
function setUp() {
  const clock = new FakeClock();
  const calls: string[] = [];
  let breakWatch = (_: Error): void => undefined;
  let revision = 100;
  const client = {
    async list() {
      calls.push('list');
      return { items: [{ metadata: { name: 'settings', resourceVersion: '1' } }], metadata: { resourceVersion: String(revision++) } };
    },
    async watch(_: unknown, { signal, resourceVersion }: { signal: AbortSignal; resourceVersion: string }) {
      calls.push(`watch from ${resourceVersion}`);
      const broken = new Promise<never>((_resolve, reject) => { breakWatch = reject; });
      const ended = new Promise<void>((resolve) => { signal.addEventListener('abort', () => { calls.push('end'); resolve(); }); });
      return { [Symbol.asyncIterator]: () => ({ next: () => Promise.race([broken, ended.then(() => ({ done: true, value: undefined }))]) }) };
    },
  };
  const cache = new ReferencedObjectCache({ client: client as unknown as Client, clock, log: silentLog, changed: () => undefined });
  return { clock, calls, cache, breakWatch: (error: Error) => breakWatch(error) };
}

test('what no pod needs is followed for a minute: the next pod of the kind finds it', async () => {
  const { clock, calls, cache } = setUp();
  await cache.configMap('a', 'settings');
  cache.keepOnly([]);
  await clock.advance(50_000);
  await cache.configMap('a', 'settings');
  cache.keepOnly([pod]);
  await clock.advance(100_000);
  expect(calls).toEqual(['list', 'watch from 100']);
  cache.keepOnly([]);
  await clock.advance(60_000);
  expect(calls).toEqual(['list', 'watch from 100', 'end']);
  await cache.configMap('a', 'settings');
  expect(calls).toEqual(['list', 'watch from 100', 'end', 'list', 'watch from 101']);
});

test('what no pod needs may no longer be read: when its watch ends, so does its place here', async () => {
  const { clock, calls, cache, breakWatch } = setUp();
  await cache.configMap('a', 'settings');
  cache.keepOnly([]);
  breakWatch(forbidden({ group: '', resource: 'configmaps' }, 'settings', 'no pod of this node refers to it'));
  await clock.advance(5_000);
  expect(calls).toEqual(['list', 'watch from 100', 'end']);
});

test('what has not changed for longer than the server remembers is followed from when it was read', async () => {
  const { clock, calls, cache, breakWatch } = setUp();
  await cache.configMap('a', 'settings');
  breakWatch(expired('too old resource version'));
  await clock.advance(5_000);
  expect(calls).toEqual(['list', 'watch from 100', 'list', 'watch from 101']);
});
