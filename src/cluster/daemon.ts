import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { readJsonIfWhole } from '../base/read-if-there.ts';
import { UserError } from '../base/user-error.ts';
import { describeProcess, findProcess, processesEndingWith, recordProcess, stopProcess, type ProcessRecord } from '../machine/index.ts';

/** What a process of ours tells the one that started it, once, over the IPC channel. */
export type DaemonMessage = { readonly ready: true } | { readonly failed: string; readonly remedy?: string; /** Of the fault behind it, `EADDRINUSE`. */ readonly code?: string };

export interface DaemonOptions {
  /** For messages: `the server`. */
  readonly what: string;
  /** Put before our own program: `nsenter --net=…`. */
  readonly prefix?: readonly string[];
  /** A verb of ours and its arguments. */
  readonly args: readonly string[];
  readonly logFile: string;
  /** Where the process will note itself. Until it is ready it is noted beside it, for whoever comes after a parent that was killed. */
  readonly pidFile: string;
  /** Opened here for the process, which has them as its descriptors from `FIRST_FILE` on. */
  readonly files?: readonly string[];
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Aborted before the process is ready: it is killed. */
  readonly signal?: AbortSignal;
}

/** After input, output, faults, and the channel to the parent. */
export const FIRST_FILE = 4;

/**
 * Starts our own program as a process that outlives this one, its output in the log file, and resolves to its pid when it says that it is ready.
 * Rejects with what it said, or with the end of its log, when it fails, ends or stays silent.
 */
export async function startDaemon(options: DaemonOptions): Promise<number> {
  const { what, prefix = [], args, logFile, pidFile, files = [], clock, timeoutMs, signal } = options;
  signal?.throwIfAborted();
  for (const file of [logFile, pidFile]) mkdirSync(dirname(file), { recursive: true });
  // Before there is a process: whoever is killed while it makes one cannot say its number any more.
  writeFileSync(unfinished(pidFile), JSON.stringify({ args }));
  const output = openSync(logFile, 'a', 0o600);
  const argv = [...prefix, process.execPath, ...process.execArgv, process.argv[1]!, ...args];
  const handed = files.map((file) => openSync(file, 'r'));
  const child = spawn(argv[0]!, argv.slice(1), { detached: true, stdio: ['ignore', output, output, 'ipc', ...handed], env: { ...process.env, UV_THREADPOOL_SIZE: '4' } });
  for (const descriptor of [output, ...handed]) closeSync(descriptor);
  try {
    if (child.pid !== undefined && describeProcess(child.pid)) noteUnfinished(pidFile, child.pid);
    await new Promise<void>((resolve, reject) => {
      const timer = clock.timer(timeoutMs, () => reject(new UserError(`${what} is not ready after ${timeoutMs / 1000} s\n${tail(logFile)}`, `read ${logFile}`)));
      const onAbort = (): void => done(signal!.reason as Error);
      const done = (error?: Error): void => {
        timer[Symbol.dispose]();
        signal?.removeEventListener('abort', onAbort);
        if (error) reject(error);
        else resolve();
      };
      signal?.addEventListener('abort', onAbort);
      child.once('error', (error) => done(new UserError(`${what} does not start: ${error.message}`)));
      child.once('exit', (code, signal) => done(new UserError(`${what} ended at its start (${signal ?? `code ${code}`})\n${tail(logFile)}`, `read ${logFile}`)));
      child.on('message', (message: DaemonMessage) => done('ready' in message ? undefined : new UserError(message.failed, message.remedy, { cause: { code: message.code } })));
    });
  } catch (error) {
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) child.kill('SIGKILL');
    throw error;
  } finally {
    rmSync(unfinished(pidFile), { force: true });
    child.removeAllListeners();
    if (child.connected) child.disconnect();
    child.unref();
  }
  return child.pid!;
}

function unfinished(pidFile: string): string {
  return `${pidFile}.unfinished`;
}

/** In the place of the arguments, at once: there is no moment at which neither is there. */
function noteUnfinished(pidFile: string, pid: number): void {
  const whole = `${unfinished(pidFile)}.whole`;
  recordProcess(whole, pid);
  renameSync(whole, unfinished(pidFile));
}

/** Ends what a start that was killed itself had begun to start: nobody knows how far it came. */
export async function endUnfinished(pidFile: string, clock: Clock): Promise<void> {
  const file = unfinished(pidFile);
  const record = findProcess(file);
  await Promise.all((record ? [record] : unnoted(file)).map((one) => stopProcess(one, { clock, graceMs: 0 })));
  rmSync(file, { force: true });
}

/**
 * Of a start that was killed between making the process and noting its number. A marker that was cut off stands for none: there was no process yet.
 * Where there is no /proc, nobody can find it.
 */
function unnoted(file: string): readonly ProcessRecord[] {
  if (process.platform !== 'linux') return [];
  const marker = readJsonIfWhole(file) as { readonly args?: readonly string[] } | undefined;
  return marker?.args ? processesEndingWith(marker.args) : [];
}

function tail(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-5).map((line) => `  | ${line}`).join('\n');
}

/** Tells the parent, where there still is one; a process started by hand has none. */
export function tellParent(message: DaemonMessage): void {
  if (process.connected) process.send!(message, () => { if (process.connected) process.disconnect(); });
}
