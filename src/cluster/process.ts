import { rmSync } from 'node:fs';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import { UserError } from '../base/user-error.ts';
import { recordProcess } from '../machine/index.ts';
import { tellParent } from './daemon.ts';
import { settleMemory } from './settle-memory.ts';

export interface ProcessTools {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Aborts when the process is asked to end. */
  readonly signal: AbortSignal;
}

/**
 * The life of one of our background processes: notes itself in its pid file, starts, tells its parent, waits for the signal to end, and
 * stops in order. A fault at the start goes to the parent in words and to the log with its stack. Resolves to the exit code.
 */
export async function liveAsProcess(pidFile: string, { clock, log, signal }: ProcessTools, start: () => Promise<AsyncDisposable>): Promise<number> {
  recordProcess(pidFile, process.pid);
  process.on('uncaughtException', (error) => {
    log.error('uncaught', { error, stack: error.stack });
    process.exit(1);
  });
  process.on('unhandledRejection', (error) => {
    log.error('unhandled rejection', { error, stack: (error as Error).stack });
  });
  let running: AsyncDisposable;
  try {
    running = await start();
  } catch (error) {
    const { message, stack, cause } = error as Error;
    const code = (cause as NodeJS.ErrnoException | undefined)?.code;
    log.error('cannot start', { error, stack });
    rmSync(pidFile, { force: true });
    tellParent({ failed: message, ...(error instanceof UserError && error.remedy && { remedy: error.remedy }), ...(code && { code }) });
    return 1;
  }
  tellParent({ ready: true });
  log.info('ready');
  using _settling = settleMemory(clock);
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  log.info('ending', { reason: (signal.reason as Error).message });
  await running[Symbol.asyncDispose]();
  rmSync(pidFile, { force: true });
  return 0;
}
