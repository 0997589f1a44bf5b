import { systemClock } from '../base/clock.ts';
import { createLog, silentLog, type Log } from '../base/log.ts';
import { Profile } from '../cluster/profile.ts';
import type { Values } from './command.ts';

export { systemClock } from '../base/clock.ts';

export function profileOf(values: Values): Profile {
  return new Profile(values.profile as string, values['data-dir'] as string | undefined);
}

/** Verbs tell by their progress; their log is for who looks into them. */
export function verbLog(): Log {
  return process.env.WHERRY_DEBUG ? createLog({ clock: systemClock, level: 'debug', write: (line) => void process.stderr.write(line) }) : silentLog;
}
