import { systemClock } from '../base/clock.ts';
import { createLog, silentLog, type Log } from '../base/log.ts';
import { UserError } from '../base/user-error.ts';
import { Profile, type ClusterConfig } from '../cluster/profile.ts';
import { findProcess } from '../machine/index.ts';
import type { Values } from './command.ts';

export { systemClock } from '../base/clock.ts';

export function profileOf(values: Values): Profile {
  return new Profile(values.profile as string, values['data-dir'] as string | undefined);
}

/** The configuration of a cluster of this machine's own; throws UserError where the profile is a node of another machine's. */
export function ownCluster(profile: Profile): ClusterConfig {
  const config = profile.mustRead();
  if (config.joined) throw new UserError(`the profile "${profile.name}" is a node of the cluster at ${config.joined.server}, which is ruled from that machine`, 'there: the same command');
  return config;
}

/** The same of one with real nodes, whose server runs. */
export function runningCluster(profile: Profile): ClusterConfig {
  const config = ownCluster(profile);
  if (config.runtime === 'simulated') throw new UserError('the number of simulated nodes is fixed at the start', `wherry delete --profile ${profile.name}, then wherry start --runtime simulated --nodes N`);
  if (!findProcess(profile.serverPidFile)) throw new UserError(`the cluster "${profile.name}" does not run`, `wherry start --profile ${profile.name}`);
  return config;
}

/** Verbs tell by their progress; their log is for who looks into them. */
export function verbLog(): Log {
  return process.env.WHERRY_DEBUG ? createLog({ clock: systemClock, level: 'debug', write: (line) => void process.stderr.write(line) }) : silentLog;
}
