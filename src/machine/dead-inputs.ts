import { closeSync, constants, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { socketOfRuntime } from './containerd.ts';
import type { NodeGround } from './node-ground.ts';
import { processIds } from './process-table.ts';
import { findShims } from './runtime-leftovers.ts';

/**
 * Empties the input pipes of commands that have ended. A shim of containerd keeps both ends of such a pipe open: when a command ends without having
 * read its input, the shim waits for ever until the pipe has room, and containerd for the shim, before it says how the command ended. A pipe that nobody but the
 * shim has open is a dead command's (or one's that has got nothing yet, which makes no difference). Answers how many bytes there were.
 */
export function drainDeadInputs(ground: NodeGround): number {
  const shims = new Set(findShims(socketOfRuntime(ground)).map(({ pid }) => pid));
  const pipes = new Map<string, { readonly reader: string; readonly shim: number }>();
  for (const shim of shims) {
    for (const { path, target } of openFiles(shim)) if (target.startsWith('pipe:') && isReader(path)) pipes.set(target, { reader: path, shim });
  }
  for (const pid of processIds()) {
    for (const { target } of openFiles(pid)) if (pipes.has(target) && pipes.get(target)!.shim !== pid) pipes.delete(target);
  }
  let bytes = 0;
  for (const [pipe, { reader }] of pipes) bytes += drain(reader, pipe);
  return bytes;
}

function openFiles(pid: number): { readonly path: string; readonly target: string }[] {
  const directory = `/proc/${pid}/fd`;
  return unlessGone(() => readdirSync(directory), []).map((number) => ({ path: `${directory}/${number}`, target: unlessGone(() => readlinkSync(`${directory}/${number}`), '') }));
}

/** The link's own mode tells for what the file is open. */
function isReader(path: string): boolean {
  const mode = unlessGone(() => lstatSync(path).mode, 0);
  return (mode & 0o600) === 0o400;
}

function drain(path: string, pipe: string): number {
  // Opening a pipe by /proc makes one more end of it.
  const file = unlessGone(() => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), undefined);
  if (file === undefined) return 0;
  const buffer = Buffer.allocUnsafe(64 * 1024);
  let bytes = 0;
  try {
    // Its number may be another file's by now.
    if (readlinkSync(`/proc/self/fd/${file}`) !== pipe) return 0;
    for (let got = 1; got > 0; bytes += got) got = readSync(file, buffer);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
  } finally {
    closeSync(file);
  }
  return bytes;
}

function unlessGone<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'ENXIO'].includes((error as NodeJS.ErrnoException).code!)) return otherwise;
    throw error;
  }
}
