import { mkdir, stat, writeFile } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import type { VolumeType } from './volume-type.ts';

const CHECKS: Readonly<Record<string, (stat: Stats) => boolean>> = {
  Directory: (s) => s.isDirectory(), File: (s) => s.isFile(), Socket: (s) => s.isSocket(), CharDevice: (s) => s.isCharacterDevice(), BlockDevice: (s) => s.isBlockDevice(),
};
const NOUNS: Readonly<Record<string, string>> = { Directory: 'directory', File: 'file', Socket: 'socket', CharDevice: 'character device', BlockDevice: 'block device' };

/** Checks or makes what the type of a host path asks for. Upstream: pkg/volume/hostpath, same words. */
export async function ensureHostPath(path: string, type = ''): Promise<void> {
  if (type === '') return;
  if (type === 'DirectoryOrCreate') return void await mkdir(path, { recursive: true, mode: 0o755 });
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (type === 'FileOrCreate') {
    if (!found) await writeFile(path, '', { mode: 0o644 });
    else if (!found.isFile()) throw new Error(`hostPath type check failed: ${path} is not a file`);
    return;
  }
  if (!found || !CHECKS[type]?.(found)) throw new Error(`hostPath type check failed: ${path} is not a ${NOUNS[type] ?? type}`);
}

export const hostPathVolume: VolumeType = {
  name: 'host-path',
  matches: (volume) => volume.hostPath !== undefined,
  async setUp({ volume }) {
    const { path, type } = volume.hostPath!;
    await ensureHostPath(path, type);
    return { path };
  },
};
