import { watch } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Clock } from '../../base/clock.ts';

export interface LogOptions {
  readonly follow: boolean;
  readonly timestamps: boolean;
  /** Lines of the file, from its end. */
  readonly tailLines?: number;
  /** Milliseconds since 1970. */
  readonly sinceMs?: number;
  readonly limitBytes?: number;
  readonly stream: 'All' | 'Stdout' | 'Stderr';
}

const BLOCK = 64 * 1024;
const NEWLINE = 10;
/** While a log is followed, so often is asked whether its container still runs (milliseconds). */
const CHECK_MS = 1000;

/** Offset at which the last `count` lines begin. */
export async function tailOffset(file: FileHandle, count: number): Promise<number> {
  const { size } = await file.stat();
  if (count === 0) return size;
  const buffer = Buffer.alloc(BLOCK);
  let left = count + 1;
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - BLOCK);
    await file.read(buffer, 0, end - start, start);
    for (let i = end - start - 1; i >= 0; i--) {
      if (buffer[i] !== NEWLINE) continue;
      // A file that does not end with a newline ends with a line all the same.
      if (end === size && i === end - start - 1 && left === count + 1) {
        left--;
        continue;
      }
      if (left === count + 1) left--;
      if (--left === 0) return start + i + 1;
    }
    end = start;
  }
  return 0;
}

/** One line of a CRI log, `TIME STREAM TAG TEXT`, as the client shall see it; undefined: not to be shown. */
export function renderLine(line: Buffer, options: LogOptions): Buffer | undefined {
  const afterTime = line.indexOf(32);
  const afterStream = line.indexOf(32, afterTime + 1);
  const afterTag = line.indexOf(32, afterStream + 1);
  if (afterTime < 0 || afterStream < 0) return undefined;
  const time = line.toString('latin1', 0, afterTime);
  const stream = line.toString('latin1', afterTime + 1, afterStream);
  const tag = line.toString('latin1', afterStream + 1, afterTag < 0 ? line.length : afterTag);
  if (options.sinceMs !== undefined && Date.parse(time) < options.sinceMs) return undefined;
  if (options.stream !== 'All' && stream !== options.stream.toLowerCase()) return undefined;
  const text = afterTag < 0 ? Buffer.alloc(0) : line.subarray(afterTag + 1);
  const partial = tag.split(':')[0] === 'P';
  return Buffer.concat([...(options.timestamps ? [Buffer.from(`${time} `)] : []), text, ...(partial ? [] : [Buffer.from('\n')])]);
}

/**
 * The text of a container's log, piece by piece. With `follow` it goes on, over rotations too, until the container has ended
 * (`running` answers false) or the signal aborts. Upstream: kuberuntime/logs.
 */
export async function* readLog(path: string, options: LogOptions, running: () => boolean, clock: Clock, signal: AbortSignal): AsyncGenerator<Buffer> {
  let file = await open(path, 'r');
  let left = options.limitBytes ?? Infinity;
  const news = options.follow ? followFolder(path) : undefined;
  try {
    let position = options.tailLines === undefined ? 0 : await tailOffset(file, options.tailLines);
    let rest: Buffer = Buffer.alloc(0);
    while (!signal.aborted) {
      // Asked before reading: what was written before the end is in the file then.
      const goesOn = options.follow && running();
      const read = await readFrom(file, position);
      position += read.length;
      rest = rest.length > 0 ? Buffer.concat([rest, read]) : read;
      const pieces: Buffer[] = [];
      let start = 0;
      for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE, start)) {
        const piece = renderLine(rest.subarray(start, end), options);
        if (piece) pieces.push(piece);
        start = end + 1;
      }
      rest = rest.subarray(start);
      const output = Buffer.concat(pieces).subarray(0, left);
      left -= output.length;
      if (output.length > 0) yield output;
      if (left <= 0) return;
      if (read.length === BLOCK) continue;
      if (read.length > 0 && goesOn) continue;
      const rotated = options.follow ? await replacement(path, file) : undefined;
      if (rotated) {
        await file.close();
        file = rotated;
        position = 0;
        continue;
      }
      if (!goesOn) return;
      await news!.next(clock, signal);
    }
  } finally {
    news?.[Symbol.dispose]();
    await file.close();
  }
}

async function readFrom(file: FileHandle, position: number): Promise<Buffer> {
  const buffer = Buffer.alloc(BLOCK);
  const { bytesRead } = await file.read(buffer, 0, BLOCK, position);
  return buffer.subarray(0, bytesRead);
}

/** The file that is under the path now, where it is another one. */
async function replacement(path: string, file: FileHandle): Promise<FileHandle | undefined> {
  try {
    const [now, before] = await Promise.all([stat(path), file.stat()]);
    return now.ino === before.ino ? undefined : await open(path, 'r');
  } catch (error) {
    // Moved away, and the new one is not there yet.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Tells when something happens to the file: by the folder's watch, and at least every CHECK_MS. */
function followFolder(path: string): Disposable & { next(clock: Clock, signal: AbortSignal): Promise<void> } {
  let wake: (() => void) | undefined;
  let pending = false;
  const notice = (_event: string, name: string | null): void => {
    if (name !== null && name !== basename(path)) return;
    pending = true;
    wake?.();
  };
  const watcher = watch(dirname(path), notice);
  // The folder went with its pod: the periodic look finds that out.
  watcher.on('error', () => wake?.());
  return {
    async next(clock, signal) {
      if (pending) {
        pending = false;
        return;
      }
      await new Promise<void>((resolve) => {
        const done = (): void => {
          timer[Symbol.dispose]();
          signal.removeEventListener('abort', done);
          wake = undefined;
          pending = false;
          resolve();
        };
        const timer = clock.timer(CHECK_MS, done);
        signal.addEventListener('abort', done, { once: true });
        wake = done;
      });
    },
    [Symbol.dispose]: () => watcher.close(),
  };
}
