import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Mounter } from '../options.ts';

const run = promisify(execFile);

async function isMounted(path: string): Promise<boolean> {
  return (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').some((line) => line.split(' ')[4] === path);
}

/** Mounts by mount(8), as root on Linux. Both are idempotent. */
export const mountCommand: Mounter = {
  async mountTmpfs(path, sizeBytes) {
    if (!await isMounted(path)) await run('mount', ['-t', 'tmpfs', ...(sizeBytes === undefined ? [] : ['-o', `size=${sizeBytes}`]), 'tmpfs', path]);
  },
  async unmount(path) {
    if (await isMounted(path)) await run('umount', [path]);
  },
};
