import { afterEach, describe, expect, test } from 'vitest';
import type { Clock } from '../base/clock.ts';
import { seededRandom } from '../base/random.ts';
import type { Entry, StorageEngine, StorageEvent } from './engine.ts';
import { CompactedError, FutureRevisionError, RevisionMismatchError, StorageUnavailableError } from './errors.ts';
import type { HistoryOptions } from './revision-store.ts';

export interface Value {
  readonly text: string;
  readonly revision: number;
}

export type MakeEngine = (options: HistoryOptions & { readonly clock: Pick<Clock, 'monotonic'> }) => StorageEngine<Value>;

const value = (text: string) => (revision: number): Value => ({ text, revision });

/** What every engine must do. Each engine's test calls it with its maker. */
export function engineSuite(name: string, make: MakeEngine): void {
  describe(`${name} engine`, () => {
    let engine: StorageEngine<Value>;
    let elapsed: number;
    const start = (options: HistoryOptions = {}): void => {
      elapsed = 0;
      engine = make({ ...options, clock: { monotonic: () => elapsed } });
    };
    afterEach(() => engine[Symbol.asyncDispose]());

    const texts = (prefix: string, revision?: number): string[] =>
      engine.range(prefix, { ...(revision !== undefined && { revision }) }).entries.map((e) => `${e.key}=${e.value.text}`);

    test('a value knows the revision it was written under', async () => {
      start();
      const first = await engine.put('/a', value('one'));
      const second = await engine.put('/a', value('two'));
      expect(first).toMatchObject({ key: '/a', createRevision: first.modRevision, value: { text: 'one', revision: first.modRevision } });
      expect(second).toMatchObject({ createRevision: first.createRevision, modRevision: first.modRevision + 1 });
      expect(engine.get('/a')).toEqual(second);
      expect(engine.revision).toBe(second.modRevision);
    });

    test('of two writers with the same expectation one wins, even before the first is durable', async () => {
      start();
      const base = await engine.put('/a', value('base'));
      const results = await Promise.allSettled([
        engine.put('/a', value('left'), { ifRevision: base.modRevision }),
        engine.put('/a', value('right'), { ifRevision: base.modRevision }),
        engine.put('/a', value('new'), { ifRevision: 0 }),
      ]);
      expect(results.map((r) => r.status)).toEqual(['fulfilled', 'rejected', 'rejected']);
      const fault = (results[1] as PromiseRejectedResult).reason as RevisionMismatchError<Value>;
      expect(fault).toBeInstanceOf(RevisionMismatchError);
      expect(fault.present!.value.text).toBe('left');
      expect(engine.get('/a')!.value.text).toBe('left');
    });

    test('whoever is told of a conflict can read what it is with', async () => {
      start();
      const base = await engine.put('/a', value('base'));
      const writing = engine.put('/a', value('left'));
      const told = await engine.put('/a', value('right'), { ifRevision: base.modRevision }).catch((error: unknown) => [error, engine.get('/a')!.value.text]);
      expect(told).toEqual([expect.any(RevisionMismatchError), 'left']);
      await writing;
    });

    test('a value is not seen before it is published', async () => {
      start();
      const writing = engine.put('/a', value('x'));
      expect(engine.get('/a')).toBeUndefined();
      await writing;
      expect(engine.get('/a')).toBeDefined();
    });

    test('deletes answer what was there, and nothing where nothing was', async () => {
      start();
      const entry = await engine.put('/a', value('x'));
      await expect(engine.delete('/a', { ifRevision: 99 })).rejects.toBeInstanceOf(RevisionMismatchError);
      const [first, second] = await Promise.all([engine.delete('/a'), engine.delete('/a')]);
      expect(first).toEqual({ previous: entry, revision: entry.modRevision + 1 });
      expect(second).toBeUndefined();
      const again = await engine.put('/a', value('y'), { ifRevision: 0 });
      expect(again.createRevision).toBe(again.modRevision);
    });

    test('a throwing maker leaves no trace', async () => {
      start();
      const before = engine.revision;
      await expect(engine.put('/a', () => { throw new Error('no'); })).rejects.toThrow('no');
      await engine.put('/b', value('x'));
      expect(engine.revision).toBe(before + 1);
    });

    test('ranges page in the order of keys, at the revision of the first page', async () => {
      start();
      for (const k of ['d', 'b', 'e', 'a', 'c']) await engine.put(`/p/${k}`, value(k));
      await engine.put('/q/x', value('x'));
      const first = engine.range('/p/', { limit: 2 });
      expect(first.entries.map((e) => e.key)).toEqual(['/p/a', '/p/b']);
      expect(first).toMatchObject({ more: true, remaining: 3 });
      await engine.put('/p/c', value('changed'));
      await engine.delete('/p/d');
      await engine.put('/p/bb', value('late'));
      const second = engine.range('/p/', { limit: 2, after: '/p/b', revision: first.revision });
      expect(second.entries.map((e) => e.value.text)).toEqual(['c', 'd']);
      expect(second).toMatchObject({ more: true, remaining: 1, revision: first.revision });
      expect(engine.range('/p/', { limit: 9, after: '/p/d', revision: first.revision })).toMatchObject({ more: false, remaining: 0 });
      expect(texts('/p/')).toEqual(['/p/a=a', '/p/b=b', '/p/bb=late', '/p/c=changed', '/p/e=e']);
      expect(engine.count('/p/')).toBe(5);
      expect(() => engine.range('/p/', { revision: engine.revision + 1 })).toThrow(FutureRevisionError);
    });

    test('a watch replays history, then follows, each event once, also for one that a listener starts', async () => {
      start();
      const from = engine.revision;
      await engine.put('/p/a', value('1'));
      await engine.put('/other', value('x'));
      await engine.put('/p/a', value('2'));
      const seen: string[] = [];
      const inner: string[] = [];
      let watchedInside: Disposable | undefined;
      const note = (into: string[]) => (events: readonly StorageEvent<Value>[]): void => {
        for (const e of events) into.push(e.type === 'put' ? `${e.previous ? 'set' : 'new'} ${e.entry.value.text}` : `gone ${e.previous.value.text}@${e.revision - from}`);
      };
      const watching = engine.watch('/p/', from, (events) => {
        note(seen)(events);
        if (seen.includes('gone 2@4')) watchedInside ??= engine.watch('/p', from, note(inner));
      });
      expect(seen).toEqual(['new 1', 'set 2']);
      await Promise.all([engine.delete('/p/a'), engine.put('/p/a', value('3'))]);
      expect(seen).toEqual(['new 1', 'set 2', 'gone 2@4', 'new 3']);
      expect(inner).toEqual(seen);
      watching[Symbol.dispose]();
      await engine.put('/p/a', value('4'));
      expect(seen).toHaveLength(4);
      expect(inner.at(-1)).toBe('set 4');
      watchedInside![Symbol.dispose]();
    });

    test('a failing listener harms nobody; progress is told for every batch', async () => {
      start();
      const seen: number[] = [];
      engine.watch('/', engine.revision, () => { throw new Error('bad listener'); });
      engine.watch('/', engine.revision, (events) => void seen.push(events.length));
      const progress: number[] = [];
      engine.onProgress((revision) => void progress.push(revision));
      await engine.put('/a', value('x'));
      expect(seen).toEqual([1]);
      expect(progress).toEqual([engine.revision]);
    });

    test('compaction forgets history but not state', async () => {
      start();
      const one = await engine.put('/a', value('1'));
      const two = await engine.put('/a', value('2'));
      await engine.put('/a', value('3'));
      await engine.compact(two.modRevision);
      expect(engine.compactedRevision).toBe(two.modRevision);
      expect(() => engine.range('/', { revision: one.modRevision })).toThrow(CompactedError);
      expect(() => engine.watch('/', one.modRevision, () => {})).toThrow(CompactedError);
      expect(texts('/', two.modRevision)).toEqual(['/a=2']);
      expect(texts('/')).toEqual(['/a=3']);
    });

    test('history is bounded by number and by age', async () => {
      start({ maxRevisions: 10, maxAgeMs: 1000 });
      for (let i = 0; i < 100; i++) await engine.put('/a', value(String(i)));
      expect(engine.revision - engine.compactedRevision).toBeLessThanOrEqual(20);
      elapsed += 1001;
      const last = await engine.put('/a', value('last'));
      expect(engine.compactedRevision).toBe(last.modRevision - 1);
    });

    test('disposal stores what was asked before, and refuses what comes after', async () => {
      start();
      const writing = engine.put('/a', value('x'));
      await engine[Symbol.asyncDispose]();
      await expect(writing).resolves.toMatchObject({ key: '/a' });
      await expect(engine.put('/b', value('x'))).rejects.toBeInstanceOf(StorageUnavailableError);
    });

    test.each([1, 2, 3])('random traffic agrees with a model (seed %i)', async (seed) => {
      start({ maxRevisions: 400 });
      const random = seededRandom(seed);
      const pick = (n: number): number => Math.floor(random.next() * n);
      const states: Map<string, Entry<Value>>[] = [];
      const base = engine.revision;
      states[base] = new Map();
      const followed = new Map<string, Entry<Value>>();
      let lastSeen = base;
      engine.watch('/', base, (events) => {
        for (const e of events) {
          const revision = e.type === 'put' ? e.entry.modRevision : e.revision;
          expect(revision).toBe(++lastSeen);
          const key = e.type === 'put' ? e.entry.key : e.key;
          expect(e.previous).toEqual(followed.get(key));
          if (e.type === 'put') followed.set(key, e.entry);
          else followed.delete(key);
          states[revision] = new Map(followed);
        }
      });
      for (let round = 0; round < 60; round++) {
        const writes: Promise<unknown>[] = [];
        for (let i = pick(20); i >= 0; i--) {
          const key = `/${'abc'[pick(3)]}/${pick(40)}`;
          const current = engine.get(key)?.modRevision ?? 0;
          const expected = pick(2) ? { ifRevision: pick(4) ? current : current + 1 } : {};
          writes.push(pick(3) ? engine.put(key, value(`${round}.${i}`), expected) : engine.delete(key, expected));
        }
        for (const result of await Promise.allSettled(writes)) {
          if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(RevisionMismatchError);
        }
        expect(lastSeen).toBe(engine.revision);
        const prefix = ['/', '/a/', '/b/1', '/c'][pick(4)]!;
        const at = engine.compactedRevision + pick(engine.revision - engine.compactedRevision + 1);
        const expected = [...states[at]!.values()].filter((e) => e.key.startsWith(prefix)).sort((l, r) => (l.key < r.key ? -1 : 1));
        const limit = 1 + pick(15);
        const pages: Entry<Value>[] = [];
        let remaining: number;
        do {
          const after = pages.at(-1)?.key;
          const page = engine.range(prefix, { revision: at, limit, ...(after !== undefined && { after }) });
          pages.push(...page.entries);
          ({ remaining } = page);
          expect(remaining).toBe(expected.length - pages.length);
        } while (remaining > 0);
        expect(pages).toEqual(expected);
        expect(engine.count(prefix)).toBe([...followed.keys()].filter((k) => k.startsWith(prefix)).length);
        const replayed: number[] = [];
        engine.watch(prefix, at, (events) => replayed.push(...events.map((e) => (e.type === 'put' ? e.entry.modRevision : e.revision))))[Symbol.dispose]();
        expect(replayed.every((r, i) => r > at && (i === 0 || r > replayed[i - 1]!))).toBe(true);
      }
    });
  });
}
