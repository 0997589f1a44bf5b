import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { open } from 'lmdb';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../base/clock.ts';
import { silentLog } from '../base/log.ts';
import { seededRandom } from '../base/random.ts';
import { DirectoryLockedError } from './directory-lock.ts';
import type { ValueCodec } from './engine.ts';
import { engineSuite, type Value } from './engine-suite.ts';
import { CompactedError } from './errors.ts';
import { NewerFormatError, openLmdbEngine } from './lmdb.ts';

const directories: string[] = [];
const freshDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'storage-'));
  directories.push(directory);
  return directory;
};
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

const codec: ValueCodec<Value> = { encode: (v) => Buffer.from(JSON.stringify(v)), decode: (b) => JSON.parse(Buffer.from(b).toString()) };
const openAt = (directory: string) => openLmdbEngine<Value>({ directory, codec, clock: systemClock, log: silentLog });
const value = (text: string) => (revision: number): Value => ({ text, revision });

engineSuite('lmdb', (options) => openLmdbEngine({ ...options, directory: freshDirectory(), codec, log: silentLog }));

describe('lmdb on disk', () => {
  test('a restart keeps state and revision, and counts history as compacted', async () => {
    const directory = freshDirectory();
    const first = openAt(directory);
    const kept = await first.put('/a', value('x'));
    await first.put('/b', value('y'));
    await first.delete('/b');
    const { revision } = first;
    await first[Symbol.asyncDispose]();
    await using second = openAt(directory);
    expect(second).toMatchObject({ revision, compactedRevision: revision });
    expect(second.range('').entries).toEqual([kept]);
    expect(() => second.watch('/', revision - 1, () => {})).toThrow(CompactedError);
    expect((await second.put('/c', value('z'))).modRevision).toBe(revision + 1);
  });

  test('groups of two engines at once, small and large, keep what each of their writes said', async () => {
    const where = [freshDirectory(), freshDirectory()];
    const text = (engine: number, group: number, i: number): string => `${engine}-${group}-${i} `.repeat(group === 1 ? 4000 : 10);
    const engines = where.map(openAt);
    for (const group of [0, 1, 2]) await Promise.all(engines.flatMap((engine, e) => Array.from({ length: 40 }, (_, i) => engine.put(`/${group}/${i}`, value(text(e, group, i))))));
    for (const engine of engines) await engine[Symbol.asyncDispose]();
    for (const [e, directory] of where.entries()) {
      await using again = openAt(directory);
      expect(again.revision).toBe(120);
      for (const group of [0, 1, 2]) for (let i = 0; i < 40; i++) expect(again.get(`/${group}/${i}`)?.value.text).toBe(text(e, group, i));
    }
  });

  test('a directory has one user; a dead one does not count', async () => {
    const directory = freshDirectory();
    writeFileSync(join(directory, 'pid'), `${process.pid} 1\n`);
    await using engine = openAt(directory);
    expect(() => openAt(directory)).toThrow(DirectoryLockedError);
    expect(() => openAt(directory)).toThrow(`in use by process ${process.pid}`);
    await engine.put('/a', value('still works'));
  });

  test('a newer format is refused, and left as it is', async () => {
    const directory = freshDirectory();
    const raw = open({ path: directory, encoding: 'binary' });
    const nine = Buffer.alloc(8);
    nine.writeDoubleBE(9);
    await raw.put('\x01format', nine);
    await raw.close();
    expect(() => openAt(directory)).toThrow(NewerFormatError);
    expect(() => openAt(directory)).toThrow('has format 9, this release reads up to 1');
  });

  test('ten kills at random moments lose no acknowledged write and leave no gap', async () => {
    const directory = freshDirectory();
    const random = seededRandom(11);
    const writer = `
      import { openLmdbEngine } from ${JSON.stringify(new URL('lmdb.ts', import.meta.url).href)};
      import { systemClock } from ${JSON.stringify(new URL('../base/clock.ts', import.meta.url).href)};
      import { silentLog } from ${JSON.stringify(new URL('../base/log.ts', import.meta.url).href)};
      const codec = { encode: (v) => Buffer.from(JSON.stringify(v)), decode: (b) => JSON.parse(Buffer.from(b).toString()) };
      const engine = openLmdbEngine({ directory: ${JSON.stringify(directory)}, codec, clock: systemClock, log: silentLog });
      console.log('R ' + engine.revision);
      for (let worker = 0; worker < 16; worker++) (async () => {
        for (let n = 0; ; n++) {
          const key = '/' + worker + '/' + (n % 5);
          if (n % 10 === 9) { const gone = await engine.delete(key); if (gone) console.log('D ' + key + ' ' + gone.revision); }
          else { const entry = await engine.put(key, (revision) => ({ text: 'x'.repeat(n % 3000), revision })); console.log('P ' + key + ' ' + entry.modRevision); }
        }
      })();`;
    const acknowledged = new Map<string, { revision: number; there: boolean }>();
    let newest = 0;
    for (let round = 0; round < 10; round++) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', writer], { stdio: ['ignore', 'pipe', 'inherit'] });
      const exited = once(child, 'exit');
      let armed = false;
      for await (const line of createInterface({ input: child.stdout })) {
        const [what, key, revision] = line.split(' ');
        if (what === 'R') {
          expect(Number(key)).toBeGreaterThanOrEqual(newest);
        } else if (revision && !(Number(revision) < (acknowledged.get(key!)?.revision ?? 0))) {
          acknowledged.set(key!, { revision: Number(revision), there: what === 'P' });
          newest = Math.max(newest, Number(revision));
        }
        if (!armed) setTimeout(() => child.kill('SIGKILL'), 20 + random.next() * 120);
        armed = true;
      }
      await exited;
      await using engine = openAt(directory);
      expect(engine.revision).toBeGreaterThanOrEqual(newest);
      for (const [key, { revision, there }] of acknowledged) {
        const entry = engine.get(key);
        // A later write may have reached the disk without its acknowledgement having reached us; only keys that end in 4 are ever deleted.
        if (there && !(key.endsWith('4') && !entry)) expect(entry?.modRevision, `${key}, written at ${revision}`).toBeGreaterThanOrEqual(revision);
        if (!there && entry) expect(entry.modRevision).toBeGreaterThan(revision);
        if (entry) expect(entry.value.revision).toBe(entry.modRevision);
      }
    }
    expect(newest).toBeGreaterThan(500);
  }, 60_000);
});
