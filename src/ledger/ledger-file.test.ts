import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../base/log.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { openLedgerFile } from './ledger-file.ts';
import { Ledger, type NewWrite } from './ledger.ts';

let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'ledger-')); });
afterEach(() => rmSync(folder, { recursive: true }));

const write = (revision: number): NewWrite => ({
  verb: 'create', revision, about: { group: '', resource: 'pods', kind: 'Pod', namespace: 'default', name: `p${revision}`, uid: `uid-${revision}` },
  user: 'me', by: 'kubectl-create', causes: [], wanted: true, changes: {}, tookMs: 1,
});
const open = (clock = new FakeClock(), capacity = 10) => openLedgerFile({ path: join(folder, 'ledger.jsonl'), clock, log: silentLog, capacity });
const revisions = (ledger: Ledger): number[] => ledger.entries.map((entry) => (entry.kind === 'write' ? entry.revision : 0));

test('the ring keeps the newest entries, whatever comes', () => {
  const ledger = new Ledger({ clock: new FakeClock(), capacity: 10 });
  for (let i = 1; i <= 1005; i++) {
    ledger.write(write(i));
    expect(ledger.size).toBe(Math.min(i, 10));
  }
  expect(revisions(ledger)).toEqual([996, 997, 998, 999, 1000, 1001, 1002, 1003, 1004, 1005]);
});

test('after a restart it goes on where it was', async () => {
  {
    await using file = await open();
    for (let i = 1; i <= 4; i++) file.ledger.write(write(i));
  }
  await using file = await open();
  expect(revisions(file.ledger)).toEqual([1, 2, 3, 4]);
  file.ledger.write(write(5));
  expect(file.ledger.entries.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5]);
});

test('entries are appended in batches, and the file stays bounded', async () => {
  const clock = new FakeClock();
  await using file = await open(clock);
  for (let i = 1; i <= 200; i++) {
    file.ledger.write(write(i));
    if (i % 5 === 0) await clock.advance(250);
  }
  await file[Symbol.asyncDispose]();
  const lines = readFileSync(join(folder, 'ledger.jsonl'), 'utf8').trimEnd().split('\n');
  expect(lines.length).toBeLessThanOrEqual(20);
  await using again = await open();
  expect(revisions(again.ledger)).toEqual([191, 192, 193, 194, 195, 196, 197, 198, 199, 200]);
});

test('half a line left by a kill costs that line alone', async () => {
  {
    await using file = await open();
    file.ledger.write(write(1));
  }
  appendFileSync(join(folder, 'ledger.jsonl'), '{"id":2,"kind":"wri');
  {
    await using file = await open();
    expect(revisions(file.ledger)).toEqual([1]);
    file.ledger.write(write(3));
  }
  await using file = await open();
  expect(revisions(file.ledger)).toEqual([1, 3]);
});
