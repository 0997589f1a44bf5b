import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Clock } from '../base/clock.ts';
import { readJsonIfWhole } from '../base/read-if-there.ts';
import { commandOf, processIds, sendSignal, statOf } from './process-table.ts';

/**
 * A process that outlives the one that started it, told apart from every other that may get its number later: by when it
 * started (in clock ticks since boot) and by which boot that was.
 */
export interface ProcessRecord {
  readonly pid: number;
  readonly startTime: string;
  readonly bootId: string;
}

/** The record of a live process, or undefined when there is none of that number. */
export function describeProcess(pid: number): ProcessRecord | undefined {
  const startTime = readStartTime(pid);
  return startTime === undefined ? undefined : { pid, startTime, bootId: readBootId() };
}

/** Notes the process in `file`, for `findProcess` after a restart. */
export function recordProcess(file: string, pid: number): ProcessRecord {
  const record = describeProcess(pid);
  if (!record) throw new Error(`process ${pid} is gone`);
  writeFileSync(file, `${JSON.stringify(record)}\n`);
  return record;
}

/** The process noted in `file`, if that very process still runs; a note that was cut off names none. */
export function findProcess(file: string): ProcessRecord | undefined {
  const record = readJsonIfWhole(file) as ProcessRecord | undefined;
  return record && isAlive(record) ? record : undefined;
}

/** Live processes whose command line ends with `words`: for those that nobody could note, because whoever started them was killed on the way. Linux. */
export function processesEndingWith(words: readonly string[]): readonly ProcessRecord[] {
  const isOne = (pid: number): boolean => {
    const last = commandOf(pid).slice(-words.length);
    return last.length === words.length && last.every((word, i) => word === words[i]);
  };
  return processIds().filter(isOne).flatMap((pid) => describeProcess(pid) ?? []);
}

export function isAlive(record: ProcessRecord): boolean {
  return readStartTime(record.pid) === record.startTime && readBootId() === record.bootId;
}

/** Ends the process, by force after `graceMs`. Resolves when it is gone; a reused number is never touched. */
export async function stopProcess(record: ProcessRecord, options: { readonly clock: Clock; readonly graceMs?: number; readonly file?: string }): Promise<void> {
  const { clock, graceMs = 5_000, file } = options;
  const deadline = clock.monotonic() + graceMs;
  let forced = false;
  signalProcess(record, 'SIGTERM');
  while (isAlive(record)) {
    if (!forced && clock.monotonic() >= deadline) {
      signalProcess(record, 'SIGKILL');
      forced = true;
    }
    await clock.sleep(10);
  }
  if (file) rmSync(file, { force: true });
}

export function signalProcess(record: ProcessRecord, signal: NodeJS.Signals): void {
  if (isAlive(record)) sendSignal(record.pid, signal);
}

/** Field 22 of /proc/PID/stat; a zombie counts as gone. */
function readStartTime(pid: number): string | undefined {
  if (process.platform !== 'linux') return startTimeByPs(pid);
  const fields = statOf(pid);
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

/** Where there is no /proc (simulated clusters run on any system), ps tells. */
function startTimeByPs(pid: number): string | undefined {
  const { status, stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

let bootId: string | undefined;
function readBootId(): string {
  if (process.platform !== 'linux') return '';
  bootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return bootId;
}
