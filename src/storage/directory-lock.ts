import { openSync, closeSync, readFileSync, rmSync, writeSync, linkSync } from 'node:fs';
import { join } from 'node:path';

/** Another living process works in the directory. */
export class DirectoryLockedError extends Error {
  override readonly name = 'DirectoryLockedError';
  readonly pid: number;

  constructor(directory: string, pid: number) {
    super(`${directory} is in use by process ${pid}: stop that one first, or choose another data directory`);
    this.pid = pid;
  }
}

/**
 * Takes `directory` for this process by a file `pid` in it, that names the process and, so that a number used again is not taken for
 * it, when that process started. What a killed process left is taken over. Throws DirectoryLockedError.
 */
export function lockDirectory(directory: string): Disposable {
  const path = join(directory, 'pid');
  const own = `${process.pid} ${startTime(process.pid)}\n`;
  const draft = `${path}.${process.pid}`;
  const fd = openSync(draft, 'w', 0o600);
  writeSync(fd, own);
  closeSync(fd);
  try {
    for (;;) {
      try {
        // A link appears with its content, so that nobody reads a half-written file.
        linkSync(draft, path);
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = readHolder(path);
      if (holder && holder.started !== '' && startTime(holder.pid) === holder.started) throw new DirectoryLockedError(directory, holder.pid);
      rmSync(path, { force: true });
    }
  } finally {
    rmSync(draft, { force: true });
  }
  return { [Symbol.dispose]: () => rmSync(path, { force: true }) };
}

function readHolder(path: string): { readonly pid: number; readonly started: string } | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const [pid, started = ''] = text.trim().split(' ');
  return { pid: Number(pid), started };
}

/** When the process started, in a form good only for comparison; empty when there is no such process. Elsewhere than on Linux only whether there is one. */
function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field may hold spaces and parentheses; the state is the third, the start the 22nd. A zombie holds nothing any more.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? '' : fields[19]!;
  } catch {
    // No /proc, or no such process: a signal 0 tells which.
  }
  if (process.platform === 'linux') return '';
  try {
    process.kill(pid, 0);
    return 'alive';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? 'alive' : '';
  }
}
