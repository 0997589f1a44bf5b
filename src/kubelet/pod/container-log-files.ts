import { createReadStream, createWriteStream, statSync } from 'node:fs';
import { readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { CriRuntime } from '../../cri/runtime.ts';

/** A container keeps so many log files, the current one among them, each of about so many bytes. */
const MAX_FILES = 5;
const MAX_BYTES = 10 * 2 ** 20;

/** Older parts of a log, oldest first: `0.log.20261123-081500` and, once packed, `….gz`. */
async function olderParts(path: string): Promise<string[]> {
  const prefix = `${basename(path)}.`;
  const names = await readdir(dirname(path)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names.filter((name) => name.startsWith(prefix)).sort().map((name) => join(dirname(path), name));
}

/** The log and its older parts. */
export async function removeLog(path: string): Promise<void> {
  if (!path) return;
  for (const file of [path, ...await olderParts(path)]) await rm(file, { force: true });
}

/** Starts a new log file where the current one has grown too large; answers how many bytes it had. Upstream: kubelet/logs/container_log_manager.go; same file names. */
export async function rotateLog(container: { readonly id: string; readonly logPath: string }, runtime: CriRuntime, nowMs: number): Promise<number> {
  const { id, logPath } = container;
  // At once: asked of every container again and again, and a turn through the thread pool costs ten times as much.
  const size = statSync(logPath, { throwIfNoEntry: false })?.size ?? 0;
  if (size < MAX_BYTES) return size;
  const parts = (await olderParts(logPath)).filter((part) => !part.endsWith('.tmp'));
  for (const part of parts.splice(0, Math.max(0, parts.length - (MAX_FILES - 2)))) await rm(part, { force: true });
  for (const part of parts) if (!part.endsWith('.gz')) await compress(part);
  const moved = `${logPath}.${new Date(nowMs).toISOString().slice(0, 19).replaceAll('-', '').replace('T', '-').replaceAll(':', '')}`;
  await rename(logPath, moved);
  try {
    await runtime.reopenContainerLog(id);
  } catch (error) {
    await rename(moved, logPath);
    throw error;
  }
  return size;
}

async function compress(part: string): Promise<void> {
  await pipeline(createReadStream(part), createGzip(), createWriteStream(`${part}.tmp`));
  await rename(`${part}.tmp`, `${part}.gz`);
  await rm(part);
}
