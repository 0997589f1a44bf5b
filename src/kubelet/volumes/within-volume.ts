import { chmod, mkdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, normalize, relative } from 'node:path';
import { configError } from '../container/config-error.ts';

/** A path in a volume, with no way out of it through symbolic links; made as a folder where it is missing. */
export async function withinVolume(root: string, subPath: string, fixed = false): Promise<string> {
  const path = join(root, normalize(subPath));
  if (await stat(path).catch(() => undefined) === undefined) {
    if (fixed) throw configError(`failed to prepare subPath for volumeMount: ${subPath} is not in the volume`);
    await mkdir(path, { recursive: true, mode: 0o777 });
    const { mode } = await stat(dirname(path));
    await chmod(path, mode & 0o7777);
  }
  const [realRoot, real] = await Promise.all([realpath(root), realpath(path)]);
  // `..data` and its like are names of ours, not the way out.
  if (/^\.\.(\/|$)/.test(relative(realRoot, real))) throw configError(`failed to prepare subPath for volumeMount: subpath "${path}" not within volume path "${root}"`);
  return real;
}
