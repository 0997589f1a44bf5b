import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { writeAtomically, type Payload } from './atomic-writer.ts';

const payload = (files: Record<string, string>, mode = 0o644): Payload => new Map(Object.entries(files).map(([path, text]) => [path, { data: Buffer.from(text), mode }]));

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'atomic-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

test('shows files through one link, and turns it when they change', async () => {
  const path = folder();
  expect(await writeAtomically(path, payload({ a: 'one', 'deep/b': 'two' }), 'first')).toBe(true);
  expect(readlinkSync(join(path, '..data'))).toBe('..first');
  expect(readlinkSync(join(path, 'a'))).toBe('..data/a');
  expect(readFileSync(join(path, 'deep/b'), 'utf8')).toBe('two');
  expect(await writeAtomically(path, payload({ a: 'one', 'deep/b': 'two' }), 'again')).toBe(false);

  expect(await writeAtomically(path, payload({ a: 'new', c: 'three' }), 'second')).toBe(true);
  expect(readdirSync(path).sort()).toEqual(['..data', '..second', 'a', 'c']);
  expect(readFileSync(join(path, 'a'), 'utf8')).toBe('new');
});

test('keeps modes, and writes again when only they change', async () => {
  const path = folder();
  await writeAtomically(path, payload({ a: 'x' }, 0o400), 'first');
  expect(statSync(join(path, 'a')).mode & 0o777).toBe(0o400);
  expect(await writeAtomically(path, payload({ a: 'x' }, 0o600), 'second')).toBe(true);
  expect(lstatSync(join(path, 'a')).isSymbolicLink()).toBe(true);
});

test('goes on where a writer was killed between making the link and turning it', async () => {
  const path = folder();
  await writeAtomically(path, payload({ a: 'one' }), 'first');
  symlinkSync('..gone', join(path, '..data_tmp'));
  expect(await writeAtomically(path, payload({ a: 'two' }), 'second')).toBe(true);
  expect(readFileSync(join(path, 'a'), 'utf8')).toBe('two');
});
