import { chmod, lstat, mkdir, readFile, readlink, readdir, rename, rm, symlink, writeFile, chown } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface PayloadFile {
  readonly data: Buffer;
  readonly mode: number;
  /** Owner, where not root. */
  readonly uid?: number;
}

export type Payload = ReadonlyMap<string, PayloadFile>;

/**
 * Puts files into a volume so that a reader sees all of the old or all of the new, never a mixture: they are written to a folder of
 * their own, and `..data` is turned to it in one step. Upstream: pkg/volume/util/atomic_writer.go; the same layout, since programs
 * watch `..data`.
 *
 *     key -> ..data/key      ..data -> ..2026_11_23_08_15_00.123456789      ..2026_11_23_08_15_00.123456789/key
 *
 * Answers whether anything changed. `prepare` is applied to the new folder before it is shown (ownership).
 */
export async function writeAtomically(directory: string, payload: Payload, stamp: string, prepare?: (path: string) => Promise<void>): Promise<boolean> {
  await mkdir(directory, { recursive: true });
  const dataLink = join(directory, '..data');
  const previous = await readlink(dataLink).catch(absent);
  if (previous !== undefined && await isSame(join(directory, previous), payload)) return false;
  const folder = `..${stamp}`;
  await mkdir(join(directory, folder), { mode: 0o755 });
  await chmod(join(directory, folder), 0o755);
  for (const [path, { data, mode, uid }] of payload) {
    const file = join(directory, folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, data, { mode: 0o600 });
    await chmod(file, mode);
    if (uid !== undefined) await chown(file, uid, -1).catch(notPermitted);
  }
  await prepare?.(join(directory, folder));
  const fresh = join(directory, '..data_tmp');
  // One that a kubelet killed at this very place left behind.
  await rm(fresh, { force: true });
  await symlink(folder, fresh);
  await rename(fresh, dataLink);
  await showEntries(directory, new Set([...payload.keys()].map((path) => path.split('/')[0]!)));
  if (previous !== undefined && previous !== folder) await rm(join(directory, previous), { recursive: true, force: true });
  return true;
}

async function showEntries(directory: string, wanted: ReadonlySet<string>): Promise<void> {
  for (const name of wanted) if (await lstat(join(directory, name)).catch(absent) === undefined) await symlink(join('..data', name), join(directory, name));
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (!entry.name.startsWith('..') && !wanted.has(entry.name) && entry.isSymbolicLink()) await rm(join(directory, entry.name));
  }
}

async function isSame(folder: string, payload: Payload): Promise<boolean> {
  const present = (await readdir(folder, { recursive: true, withFileTypes: true }).catch(absent))?.filter((entry) => !entry.isDirectory()).length;
  if (present !== payload.size) return false;
  for (const [path, { data, mode }] of payload) {
    const file = join(folder, path);
    const stat = await lstat(file).catch(absent);
    if (!stat || stat.size !== data.length || (stat.mode & 0o777 & ~0o040) !== (mode & 0o777 & ~0o040) || !data.equals(await readFile(file))) return false;
  }
  return true;
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'EINVAL') throw error;
}

/** Without root the files are the kubelet's own, and simulated containers do not mind. */
export function notPermitted(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPERM') throw error;
}
