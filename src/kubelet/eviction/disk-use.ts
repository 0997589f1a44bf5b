import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DiskUse } from './ranking.ts';

/** What a folder and all in it takes on disk, as du(1) counts; nothing where it is not, or goes away meanwhile. */
export async function diskUse(path: string): Promise<DiskUse> {
  try {
    const stat = await lstat(path);
    let bytes = stat.blocks * 512;
    let inodes = 1;
    if (stat.isDirectory()) {
      for (const name of await readdir(path)) {
        const part = await diskUse(join(path, name));
        bytes += part.bytes;
        inodes += part.inodes;
      }
    }
    return { bytes, inodes };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { bytes: 0, inodes: 0 };
    throw error;
  }
}
