import { renameSync, watch, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { readServerConfiguration, type ServerConfiguration } from '../apiserver/index.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { UserError } from '../base/user-error.ts';
import { readIfThere } from '../base/read-if-there.ts';
import { readSchedulerConfiguration, type SchedulerConfig } from '../scheduler/scheduler-configuration.ts';

const NONE = 'none';
/** Who edits a file may write it in several steps. */
const SETTLED_MS = 200;

/** Of a cluster, or of the user. Empty where there is no such file. Throws UserError for what is wrong in it. */
export function readServerConfigurationFile(path: string): ServerConfiguration {
  const text = readIfThere(path);
  return text === undefined ? {} : readServerConfiguration(text, path);
}

/** Tells of the file's content whenever it changes. What is wrong in it is logged, and not told. */
export function followServerConfigurationFile(path: string, { clock, log, configure }: { readonly clock: Clock; readonly log: Log; readonly configure: (next: ServerConfiguration) => Promise<void> }): Disposable {
  let waiting: Disposable | undefined;
  const load = (): void => {
    waiting = undefined;
    try {
      void configure(readServerConfigurationFile(path)).catch((error: unknown) => log.error('the configuration stays as it was', { path, error }));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      log.error('the configuration stays as it was', { path, error });
    }
  };
  // The folder, for the file may be another one after the change, or gone.
  const watcher = watch(dirname(path), (_, name) => {
    if (name !== basename(path)) return;
    waiting?.[Symbol.dispose]();
    waiting = clock.timer(SETTLED_MS, load);
  });
  watcher.on('error', (error) => log.warn('changes of the configuration are not seen', { path, error }));
  return { [Symbol.dispose]: () => {
    waiting?.[Symbol.dispose]();
    watcher.close();
  } };
}

/** The text of what the user gives; undefined for `none`. Throws UserError for what is wrong in it. */
export function checkServerConfiguration(given: string): string | undefined {
  return check(given, readServerConfiguration, 'a file with an audit Policy, an EncryptionConfiguration, an AuthenticationConfiguration, an AuthorizationConfiguration or an AdmissionConfiguration, or none: --api-server-config FILE|none');
}

/** The scheduler's, in the same way. */
export function readSchedulerConfigurationFile(path: string): SchedulerConfig {
  const text = readIfThere(path);
  return text === undefined ? {} : readSchedulerConfiguration(text, path);
}

export function checkSchedulerConfiguration(given: string): string | undefined {
  return check(given, readSchedulerConfiguration, 'a file with a KubeSchedulerConfiguration, or none: --scheduler-config FILE|none');
}

function check(given: string, read: (text: string, source: string) => unknown, remedy: string): string | undefined {
  if (given === NONE) return undefined;
  const text = readIfThere(given);
  if (text === undefined) throw new UserError(`there is no file ${given}`, remedy);
  read(text, given);
  return text;
}

/**
 * Takes over what the user gives: a copy, since the cluster cannot read its data without the keys. `none` takes it away. What was there before stays
 * as `KEPT.before`, for the same reason. Answers whether it is another than before. Throws UserError.
 */
export function adoptServerConfiguration(given: string, kept: string): boolean {
  return adopt(checkServerConfiguration(given), kept);
}

export function adoptSchedulerConfiguration(given: string, kept: string): boolean {
  return adopt(checkSchedulerConfiguration(given), kept);
}

function adopt(text: string | undefined, kept: string): boolean {
  const before = readIfThere(kept);
  if (text === before) return false;
  if (before !== undefined) renameSync(kept, `${kept}.before`);
  if (text !== undefined) {
    writeFileSync(`${kept}.new`, text, { mode: 0o600 });
    renameSync(`${kept}.new`, kept);
  }
  return true;
}
