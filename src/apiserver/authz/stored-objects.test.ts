import { expect, test } from 'vitest';
import type { ConfigMap } from '../../api/generated/core-v1.ts';
import { configMaps } from '../../api/generated/resources.ts';
import type { KubeObject } from '../../api/object.ts';
import { silentLog } from '../../base/log.ts';
import { createMemoryEngine } from '../../storage/memory.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { storedObjects } from './stored-objects.ts';

test('lists are as new as the last write, for those as well who are told of it first', async () => {
  await using engine = createMemoryEngine<KubeObject>({ clock: new FakeClock(), log: silentLog });
  const objects = storedObjects(engine, (object) => object);
  const put = (namespace: string, name: string): Promise<unknown> => engine.put(`/registry/core/configmaps/${namespace}/${name}`, () => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name } }) as KubeObject);
  const names = (namespace?: string): readonly string[] => objects.list<ConfigMap>(configMaps, namespace).map(({ metadata }) => metadata.name);
  const told: (readonly string[])[] = [];
  using _following = objects.follow(configMaps, { put: () => void told.push(names('a')), delete: () => void told.push(names('a')) });
  expect(names()).toEqual([]);
  await put('a', 'one');
  await put('b', 'other');
  expect(names('a')).toEqual(['one']);
  expect(objects.list(configMaps, 'a')).toBe(objects.list(configMaps, 'a'));
  await put('a', 'two');
  expect(names('a')).toEqual(['one', 'two']);
  expect(names()).toEqual(['one', 'two', 'other']);
  await engine.delete('/registry/core/configmaps/a/one');
  expect(names('a')).toEqual(['two']);
  expect(told).toEqual([['one'], ['one'], ['one', 'two'], ['two']]);
});
