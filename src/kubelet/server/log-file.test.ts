import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import { readLog, type LogOptions } from './log-file.ts';

const line = (second: number, text: string, stream = 'stdout', tag = 'F'): string => `2026-11-23T05:16:${String(second).padStart(2, '0')}.5Z ${stream} ${tag} ${text}\n`;
const log = line(1, 'one') + line(2, 'two', 'stderr') + line(3, 'thr', 'stdout', 'P') + line(3, 'ee') + line(4, '');

function file(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'log-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, '0.log'), text);
  return join(folder, '0.log');
}

async function read(path: string, options: Partial<LogOptions>, running = () => false): Promise<string> {
  let text = '';
  for await (const piece of readLog(path, { follow: false, timestamps: false, stream: 'All', ...options }, running, systemClock, new AbortController().signal)) text += piece;
  return text;
}

test.each<[string, Partial<LogOptions>, string]>([
  ['all', {}, 'one\ntwo\nthree\n\n'], ['the last lines of the file', { tailLines: 2 }, 'ee\n\n'], ['none', { tailLines: 0 }, ''], ['more than there are', { tailLines: 99 }, 'one\ntwo\nthree\n\n'],
  ['since', { sinceMs: Date.parse('2026-11-23T05:16:03Z') }, 'three\n\n'], ['so many bytes', { limitBytes: 5 }, 'one\nt'], ['one stream', { stream: 'Stderr' }, 'two\n'],
  ['with times', { timestamps: true, tailLines: 1 }, '2026-11-23T05:16:04.5Z \n'],
])('reads %s', async (_, options, expected) => {
  expect(await read(file(log), options)).toBe(expected);
});

test('reads long logs whole', async () => {
  const text = Array.from({ length: 5000 }, (_, i) => line(i % 60, `line ${i} ${'x'.repeat(50)}`)).join('');
  const path = file(text);
  expect((await read(path, {})).split('\n').length).toBe(5001);
  expect((await read(path, { tailLines: 3000 })).split('\n')[0]).toMatch(/^line 2000 /);
});

test('follows over a rotation until the container ends', async () => {
  const path = file(line(1, 'one'));
  let running = true;
  const whole = read(path, { follow: true }, () => running);
  await systemClock.sleep(50);
  appendFileSync(path, line(2, 'two'));
  await systemClock.sleep(50);
  renameSync(path, `${path}.old`);
  writeFileSync(path, line(3, 'three'));
  await systemClock.sleep(50);
  running = false;
  appendFileSync(path, line(4, 'four'));
  expect(await whole).toBe('one\ntwo\nthree\nfour\n');
});
