import { readdirSync, readFileSync } from 'node:fs';

/** The processes of this machine, as /proc numbers them. Linux. */
export function processIds(): readonly number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number);
}

/** The words of a process's command line; none where it has ended, or is the kernel's. */
export function commandOf(pid: number): readonly string[] {
  return read(pid, 'cmdline').split('\0').slice(0, -1);
}

/** What /proc/PID/stat says from the state on, which is field 3 there; empty where the process has ended. */
export function statOf(pid: number): readonly string[] {
  const stat = read(pid, 'stat');
  // The name before it may hold anything, in parentheses.
  return stat === '' ? [] : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** Sends the signal, where the process is still there. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function read(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return '';
    throw error;
  }
}
