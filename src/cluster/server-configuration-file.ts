import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readServerConfiguration, type ServerConfiguration } from '../apiserver/index.ts';
import { UserError } from '../base/user-error.ts';
import { readSchedulerConfiguration, type SchedulerConfig } from '../scheduler/scheduler-configuration.ts';

/** Of a cluster, or of the user. Empty where there is no such file. Throws UserError for what is wrong in it. */
export function readServerConfigurationFile(path: string): ServerConfiguration {
  const text = readIfThere(path);
  return text === undefined ? {} : readServerConfiguration(text, path);
}

/** The scheduler's, in the same way. */
export function readSchedulerConfigurationFile(path: string): SchedulerConfig {
  const text = readIfThere(path);
  return text === undefined ? {} : readSchedulerConfiguration(text, path);
}

export function adoptServerConfiguration(given: string, kept: string): boolean {
  return adopt(given, kept, readServerConfiguration, 'a file with an audit Policy, an EncryptionConfiguration or an AuthenticationConfiguration, or none: --api-server-config FILE|none');
}

export function adoptSchedulerConfiguration(given: string, kept: string): boolean {
  return adopt(given, kept, readSchedulerConfiguration, 'a file with a KubeSchedulerConfiguration, or none: --scheduler-config FILE|none');
}

/** Takes over what the user gives: a copy, since the cluster cannot read its data without the keys. `none` takes it away. Answers whether it is another than before. Throws UserError. */
function adopt(given: string, kept: string, read: (text: string, source: string) => unknown, remedy: string): boolean {
  const before = readIfThere(kept);
  if (given === 'none') {
    rmSync(kept, { force: true });
    return before !== undefined;
  }
  const text = readIfThere(given);
  if (text === undefined) throw new UserError(`there is no file ${given}`, remedy);
  read(text, given);
  if (text === before) return false;
  writeFileSync(`${kept}.new`, text, { mode: 0o600 });
  renameSync(`${kept}.new`, kept);
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
