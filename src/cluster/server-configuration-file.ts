import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { readServerConfiguration, type ServerConfiguration } from '../apiserver/index.ts';
import { UserError } from '../base/user-error.ts';
import { readSchedulerConfiguration, type SchedulerConfig } from '../scheduler/scheduler-configuration.ts';

const NONE = 'none';

/** Of a cluster, or of the user. Empty where there is no such file. Throws UserError for what is wrong in it. */
export function readServerConfigurationFile(path: string): ServerConfiguration {
  const text = readIfThere(path);
  return text === undefined ? {} : readServerConfiguration(text, path);
}

/** The text of what the user gives; undefined for `none`. Throws UserError for what is wrong in it. */
export function checkServerConfiguration(given: string): string | undefined {
  return check(given, readServerConfiguration, 'a file with an audit Policy, an EncryptionConfiguration or an AuthenticationConfiguration, or none: --api-server-config FILE|none');
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

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
