import { expect, test } from 'vitest';
import { silentLog } from '../base/log.ts';
import { StorageUnavailableError } from './errors.ts';
import { RevisionStore } from './revision-store.ts';
import { createEngine, type Write } from './write-queue.ts';

/** A medium whose commits the test settles. */
function heldMedium() {
  const groups: { readonly writes: readonly Write<string>[]; readonly done: () => void; readonly fail: (error: Error) => void }[] = [];
  const engine = createEngine<string>(
    new RevisionStore({ log: silentLog }),
    { encode: () => undefined, commit: (writes) => new Promise((done, fail) => void groups.push({ writes, done, fail })), close: async () => {} },
    () => 0,
  );
  return { groups, engine };
}
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test('writes that come during a sync go together with the next, and are published in order', async () => {
  const { groups, engine } = heldMedium();
  const seen: string[] = [];
  engine.watch('', 0, (events) => void seen.push(events.map((e) => (e.type === 'put' ? e.entry.value : '-')).join('')));
  const first = [engine.put('a', () => '1'), engine.put('b', () => '2')];
  await turn();
  const second = [engine.put('a', () => '3'), engine.delete('b'), engine.put('b', () => '4')];
  await turn();
  expect(groups.map((g) => g.writes.length)).toEqual([2]);
  groups[0]!.done();
  await Promise.all(first);
  expect(seen).toEqual(['12']);
  groups[1]!.done();
  await Promise.all(second);
  expect(seen).toEqual(['12', '3-4']);
  expect(engine.revision).toBe(5);
});

test('when the disk refuses, everything under way falls, reads go on, and the next write starts from what is published', async () => {
  const { groups, engine } = heldMedium();
  const kept = engine.put('a', () => 'kept');
  await turn();
  groups[0]!.done();
  await kept;
  const lost = [engine.put('a', () => 'lost'), engine.put('c', () => 'lost')];
  await turn();
  lost.push(engine.put('a', () => 'built on the lost', { ifRevision: 2 }));
  groups[1]!.fail(new Error('no space left on device'));
  for (const result of await Promise.allSettled(lost)) {
    expect((result as PromiseRejectedResult).reason).toBeInstanceOf(StorageUnavailableError);
    expect((result as PromiseRejectedResult).reason.message).toContain('no space left on device');
  }
  expect(engine.get('a')!.value).toBe('kept');
  expect(engine.revision).toBe(1);
  const next = engine.put('a', (revision) => `at ${revision}`, { ifRevision: 1 });
  await turn();
  groups[2]!.done();
  expect((await next).value).toBe('at 2');
});
