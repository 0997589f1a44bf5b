import { describe, expect, test } from 'vitest';
import { conflict, internalError } from '../api/errors.ts';
import { pods } from '../api/generated/resources.ts';
import { silentLog } from '../base/log.ts';
import { startTestApiServer } from '../testing/api-server.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import type { StoredObjects } from './authz/stored-objects.ts';
import { trials, warmUp } from './warm-up.ts';

test('what is tried is what a server takes', async () => {
  await using api = await startTestApiServer();
  for (const [resource, object] of trials) {
    const { metadata } = object as { metadata: object };
    await api.admin.create(resource, { ...object, metadata: { ...metadata, namespace: 'default' } } as never, { dryRun: true });
  }
  expect((await api.admin.list(pods)).items).toEqual([]);
});

describe('warmUp', () => {
  function start(options: { readonly webhooks?: number; readonly fault?: Error } = {}) {
    const clock = new FakeClock();
    const stopping = new AbortController();
    const tried: string[] = [];
    const done = warmUp({
      clock, log: silentLog, objects: { list: () => Array.from({ length: options.webhooks ?? 0 }) } as unknown as StoredObjects,
      context: { user: { name: 'system:apiserver', groups: [] }, userAgent: '', signal: stopping.signal, warn: () => {} },
      verbs: {
        async create(_context, resource, namespace, _sent, { dryRun } = {}) {
          tried.push(`${resource.kind} ${namespace} ${dryRun}`);
          throw options.fault ?? conflict(pods, 'x');
        },
      },
    });
    return { clock, stopping, tried, done };
  }

  test('tries dry runs, one a pause, refused or not', async () => {
    const { clock, tried, done } = start();
    expect(tried).toEqual([]);
    await clock.advance(15);
    expect(tried).toEqual(['Deployment default true']);
    await clock.advance(2000);
    await done;
    expect(tried).toHaveLength(24);
    expect(clock.pending).toBe(0);
  });

  test('tries nothing where others would hear of it, after a fault, and when the server stops', async () => {
    const hooked = start({ webhooks: 1 });
    await hooked.clock.advance(2000);
    await hooked.done;
    expect(hooked.tried).toEqual([]);
    const faulty = start({ fault: internalError(new Error('a fault')) });
    await faulty.clock.advance(15);
    faulty.stopping.abort();
    await faulty.clock.advance(15);
    await faulty.done;
    expect(faulty.tried).toHaveLength(1);
    const broken = start({ fault: new TypeError('a fault') });
    await broken.clock.advance(2000);
    await broken.done;
    expect(broken.tried).toHaveLength(1);
  });
});
