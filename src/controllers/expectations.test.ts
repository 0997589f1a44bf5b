import { expect, test } from 'vitest';
import type { Pod } from '../api/generated/core-v1.ts';
import { pods } from '../api/generated/resources.ts';
import { keyOf } from '../api/object.ts';
import type { Informer, InformerHandler } from '../client/informer.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { Expectations } from './expectations.ts';

/** A cache that shows what the test tells it to. */
class StagedCache {
  readonly #objects = new Map<string, Pod>();
  #handler: InformerHandler<Pod> = {};

  readonly informer: Informer<Pod> = {
    resource: pods, synced: true, untilSynced: async () => {}, list: () => [...this.#objects.values()], byIndex: () => [], addIndex: () => {},
    get: (key) => this.#objects.get(key),
    subscribe: (handler) => {
      this.#handler = handler;
      return { [Symbol.dispose]: () => {} };
    },
  };

  show(pod: Pod): void {
    const previous = this.#objects.get(keyOf(pod));
    this.#objects.set(keyOf(pod), pod);
    if (previous) this.#handler.update?.(previous, pod);
    else this.#handler.add?.(pod);
  }

  end(pod: Pod): void {
    this.#objects.delete(keyOf(pod));
    this.#handler.delete?.(pod);
  }
}

const pod = (name: string, more: object = {}): Pod => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', uid: `uid-${name}`, resourceVersion: '1', creationTimestamp: '', ...more }, spec: { containers: [] } });

function staged(): { cache: StagedCache; clock: FakeClock; expectations: Expectations<Pod> } {
  const cache = new StagedCache();
  const clock = new FakeClock();
  return { cache, clock, expectations: new Expectations(cache.informer, clock) };
}

test('a creation is settled when the cache shows it', async () => {
  const { cache, expectations } = staged();
  await expectations.create('set', async () => pod('a'));
  await expectations.create('set', async () => pod('b'));
  expect(expectations.settled('set')).toBe(false);
  cache.show(pod('a'));
  expect(expectations.settled('set')).toBe(false);
  expect(expectations.settled('another')).toBe(true);
  cache.show(pod('b'));
  expect(expectations.settled('set')).toBe(true);
});

test('a creation whose answer comes after its event is settled', async () => {
  const { cache, expectations } = staged();
  await expectations.create('set', async () => {
    cache.show(pod('a'));
    return pod('a');
  });
  expect(expectations.settled('set')).toBe(true);
});

test('a creation whose answer comes after its end is settled', async () => {
  const { cache, expectations } = staged();
  await expectations.create('set', async () => {
    cache.show(pod('a'));
    cache.end(pod('a'));
    return pod('a');
  });
  expect(expectations.settled('set')).toBe(true);
});

test('a refused creation is not waited for', async () => {
  const { expectations } = staged();
  await expect(expectations.create('set', async () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(expectations.settled('set')).toBe(true);
});

test('a deletion is settled when the cache shows that the pod is ending, or another one of its name', async () => {
  for (const next of [pod('a', { deletionTimestamp: 'now' }), pod('a', { uid: 'another' })]) {
    const { cache, expectations } = staged();
    cache.show(pod('a'));
    await expectations.delete('set', pod('a'), async () => {});
    expect(expectations.settled('set')).toBe(false);
    cache.show(next);
    expect(expectations.settled('set')).toBe(true);
  }
});

test('what never shows up is forgotten after five minutes', async () => {
  const { clock, expectations } = staged();
  await expectations.create('set', async () => pod('a'));
  await clock.advance(Expectations.timeoutMs - 1);
  expect(expectations.settled('set')).toBe(false);
  await clock.advance(1);
  expect(expectations.settled('set')).toBe(true);
});
