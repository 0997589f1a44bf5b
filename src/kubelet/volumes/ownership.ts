import { chmod, lchown, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { notPermitted } from './atomic-writer.ts';

/** Gives a volume to a group: every file readable and writable (or only readable) by it, folders with setgid; the root last, so that it tells of all. Upstream: volume.SetVolumeOwnership. */
export async function giveToGroup(path: string, gid: number, readOnly = false, onRootMismatch = false): Promise<void> {
  if (onRootMismatch) {
    const stat = await lstat(path);
    if (stat.gid === gid && (stat.mode & 0o2000) !== 0) return;
  }
  await apply(path, gid, readOnly);
}

async function apply(path: string, gid: number, readOnly: boolean): Promise<void> {
  const stat = await lstat(path);
  if (stat.isDirectory()) for (const name of await readdir(path)) await apply(join(path, name), gid, readOnly);
  await lchown(path, stat.uid, gid).catch(notPermitted);
  if (stat.isSymbolicLink()) return;
  const group = (readOnly ? 0o440 : 0o660) | (stat.isDirectory() ? 0o2110 : 0);
  await chmod(path, (stat.mode & 0o7777) | group).catch(notPermitted);
}
