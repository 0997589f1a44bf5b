import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { readServerConfiguration, type ServerConfiguration } from '../apiserver/index.ts';
import { UserError } from '../base/user-error.ts';

const NONE = 'none';

/** Of a cluster, or of the user. Empty where there is no such file. Throws UserError for what is wrong in it. */
export function readServerConfigurationFile(path: string): ServerConfiguration {
  const text = readIfThere(path);
  return text === undefined ? {} : readServerConfiguration(text, path);
}

/** The text of what the user gives; undefined for `none`. Throws UserError for what is wrong in it. */
export function checkServerConfiguration(given: string): string | undefined {
  if (given === NONE) return undefined;
  const text = readIfThere(given);
  if (text === undefined) throw new UserError(`there is no file ${given}`, 'a file with an audit Policy, an EncryptionConfiguration or an AuthenticationConfiguration, or none: --api-server-config FILE|none');
  readServerConfiguration(text, given);
  return text;
}

/**
 * Takes over what the user gives: a copy, since the cluster cannot read its data without the keys. `none` takes it away. What was there before stays
 * as `KEPT.before`, for the same reason. Answers whether it is another than before. Throws UserError.
 */
export function adoptServerConfiguration(given: string, kept: string): boolean {
  const before = readIfThere(kept);
  const text = checkServerConfiguration(given);
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
