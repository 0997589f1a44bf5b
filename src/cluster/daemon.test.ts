import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../base/clock.ts';
import { describeProcess, processesEndingWith } from '../machine/index.ts';
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
  const sleep = 'setInterval(() => {}, 1000)';
  let folder: string;
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'wherry-daemon-')); });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('is ended, also where it had no time to note the number; what only looks like it stays', async () => {
    const [program, pidFile] = [join(folder, 'program.mjs'), join(folder, 'node.pid')];
    const args = ['node-process', '--data-dir', folder];
    writeFileSync(program, sleep);
    // Its first act is to kill the one that makes it, which is held where it would note the number: nobody reads from that pipe.
    execFileSync('mkfifo', [`${pidFile}.unfinished.whole`]);
    const start = spawn(process.execPath, ['--input-type=module', '-e', `
      import { systemClock } from ${JSON.stringify(new URL('../base/clock.ts', import.meta.url).href)};
      import { startDaemon } from ${JSON.stringify(daemon)};
      process.argv[1] = ${JSON.stringify(program)};
      process.execArgv.length = 0;
      const prefix = ['sh', '-c', 'kill -9 $PPID; exec "$@"', 'sh'];
      await startDaemon({ what: 'it', prefix, args: ${JSON.stringify(args)}, logFile: ${JSON.stringify(join(folder, 'log'))}, pidFile: ${JSON.stringify(pidFile)}, clock: systemClock, timeoutMs: 60_000 });
    `], { stdio: ['ignore', 'ignore', 'inherit'] });
    const other = spawn(process.execPath, ['-e', sleep, '--', ...args, '--node', 'other'], { stdio: 'ignore' });
    try {
      expect(await once(start, 'exit')).toEqual([null, 'SIGKILL']);
      expect(processesEndingWith(args)).toHaveLength(1);
      await endUnfinished(pidFile, systemClock);
      expect(processesEndingWith(args)).toEqual([]);
      expect(describeProcess(other.pid!)).toBeDefined();
      expect(readdirSync(folder).filter((name) => name.endsWith('.unfinished'))).toEqual([]);
    } finally {
      for (const { pid } of processesEndingWith(args)) process.kill(pid, 'SIGKILL');
      other.kill('SIGKILL');
    }
  });

  test('a marker that was cut off names none, and is removed', async () => {
    const marker = join(folder, 'node.pid.unfinished');
    for (const text of ['', '{"args":["no']) {
      writeFileSync(marker, text);
      await endUnfinished(join(folder, 'node.pid'), systemClock);
      expect(existsSync(marker)).toBe(false);
    }
  });
});
