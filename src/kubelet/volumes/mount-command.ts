import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import { promisify } from 'node:util';
import type { Mounter } from './mounter.ts';

const run = promisify(execFile);
/** The kernel takes a page of options; images of many layers need more, unless their folders are named from close by. */
const MANY_OPTIONS = 3000;

/** The kernel writes blanks and backslashes of a path as three octal digits. */
const unescaped = (path: string): string => path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));

async function mountPoints(): Promise<readonly string[]> {
  return (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => unescaped(line.split(' ')[4] ?? ''));
}

const isMounted = async (path: string): Promise<boolean> => (await mountPoints()).includes(path);
const mountsWithin = async (path: string): Promise<readonly string[]> => (await mountPoints()).filter((target) => target === path || target.startsWith(`${path}/`)).reverse();

/** Options of an overlay mount, with its many layers named relative to the folder that holds most of them. */
export function shortOptions(options: readonly string[]): { readonly options: readonly string[]; readonly cwd?: string } {
  const lower = options.find((option) => option.startsWith('lowerdir='));
  if (!lower || options.join(',').length < MANY_OPTIONS) return { options };
  const layers = lower.slice('lowerdir='.length).split(':');
  const cwd = dirname(dirname(layers[0]!));
  return { options: options.map((option) => (option === lower ? `lowerdir=${layers.map((layer) => relative(cwd, layer)).join(':')}` : option)), cwd };
}

/** Mounts by mount(8), as root on Linux. All are idempotent. */
export const mountCommand: Mounter = {
  isMounted,
  mountsWithin,
  async mountTmpfs(path, sizeBytes) {
    if (!await isMounted(path)) await run('mount', ['-t', 'tmpfs', ...(sizeBytes === undefined ? [] : ['-o', `size=${sizeBytes}`]), 'tmpfs', path]);
  },
  async mount(path, { type, source, options: wanted }) {
    if (await isMounted(path)) return;
    const { options, cwd } = shortOptions(wanted);
    await run('mount', ['-t', type, ...(options.length > 0 ? ['-o', options.join(',')] : []), source, path], cwd === undefined ? {} : { cwd });
    // A bind mount takes no other option at once.
    const restrictions = options.filter((option) => option !== 'bind' && option !== 'rbind');
    if (restrictions.length > 0 && restrictions.length < options.length) await run('mount', ['-o', ['remount', 'bind', ...restrictions].join(','), path]);
  },
  async unmount(path) {
    for (let [next] = await mountsWithin(path); next !== undefined; [next] = await mountsWithin(path)) await run('umount', [next]);
  },
};
