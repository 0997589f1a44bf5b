import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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
 * The files are small and go to the page cache, so they are written at once: thirty turns through the thread pool cost a pod's start more
 * than the writing. Answers whether anything changed. `prepare` is applied to the new folder before it is shown (ownership).
 */
export async function writeAtomically(directory: string, payload: Payload, stamp: string, prepare?: (path: string) => Promise<void>): Promise<boolean> {
  mkdirSync(directory, { recursive: true });
  const dataLink = join(directory, '..data');
  const previous = ifThere(() => readlinkSync(dataLink));
  if (previous !== undefined && isSame(join(directory, previous), payload)) return false;
  const folder = `..${stamp}`;
  mkdirSync(join(directory, folder), { mode: 0o755 });
  chmodSync(join(directory, folder), 0o755);
  for (const [path, { data, mode, uid }] of payload) {
    const file = join(directory, folder, path);
    if (path.includes('/')) mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, data, { mode: 0o600 });
    chmodSync(file, mode);
    if (uid !== undefined) give(file, uid);
  }
  await prepare?.(join(directory, folder));
  const fresh = join(directory, '..data_tmp');
  // One that a kubelet killed at this very place left behind.
  rmSync(fresh, { force: true });
  symlinkSync(folder, fresh);
  renameSync(fresh, dataLink);
  showEntries(directory, new Set([...payload.keys()].map((path) => path.split('/')[0]!)));
  if (previous !== undefined && previous !== folder) rmSync(join(directory, previous), { recursive: true, force: true });
  return true;
}

function showEntries(directory: string, wanted: ReadonlySet<string>): void {
  const there = new Set<string>();
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.name.startsWith('..')) continue;
    if (!wanted.has(entry.name) && entry.isSymbolicLink()) rmSync(join(directory, entry.name));
    else there.add(entry.name);
  }
  for (const name of wanted) if (!there.has(name)) symlinkSync(join('..data', name), join(directory, name));
}

function isSame(folder: string, payload: Payload): boolean {
  const present = ifThere(() => readdirSync(folder, { recursive: true, withFileTypes: true }))?.filter((entry) => !entry.isDirectory()).length;
  if (present !== payload.size) return false;
  for (const [path, { data, mode }] of payload) {
    const file = join(folder, path);
    const stat = ifThere(() => lstatSync(file));
    if (!stat || stat.size !== data.length || (stat.mode & 0o777 & ~0o040) !== (mode & 0o777 & ~0o040) || !data.equals(readFileSync(file))) return false;
  }
  return true;
}

function ifThere<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'EINVAL') throw error;
    return undefined;
  }
}

function give(file: string, uid: number): void {
  try {
    chownSync(file, uid, -1);
  } catch (error) {
    notPermitted(error as NodeJS.ErrnoException);
  }
}

/** Without root the files are the kubelet's own, and simulated containers do not mind. */
export function notPermitted(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPERM') throw error;
}
