import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../base/clock.ts';
import { endUnfinished } from './daemon.ts';

const daemon = new URL('./daemon.ts', import.meta.url).href;

test('a process whose parent is gone when it is ready goes on', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', `
    import { tellParent } from ${JSON.stringify(daemon)};
    // Once told to a channel that is just being closed, once to none.
    process.once('message', () => tellParent({ ready: true }));
    process.once('disconnect', () => { tellParent({ ready: true }); setTimeout(() => process.exit(7), 50); });
    process.send('here');
  `], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  await once(child, 'message');
  child.send('go');
  child.disconnect();
  expect(await once(child, 'exit')).toEqual([7, null]);
});

describe.skipIf(process.platform !== 'linux')('what a killed start had begun', () => {
  test('is ended, also where it had no time to note the number', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wherry-daemon-'));
    const marker = join(folder, 'node.pid.unfinished');
    const args = ['node-process', '--data-dir', folder];
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', '--', ...args], { stdio: 'ignore' });
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', '--', ...args, '--node', 'other'], { stdio: 'ignore' });
    try {
      writeFileSync(marker, JSON.stringify({ args }));
      const ended = once(child, 'exit');
      await endUnfinished(join(folder, 'node.pid'), systemClock);
      expect((await ended)[0], 'by a signal').toBeNull();
      expect(existsSync(marker)).toBe(false);
      expect(other.exitCode ?? other.signalCode).toBeNull();
    } finally {
      for (const one of [child, other]) one.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
