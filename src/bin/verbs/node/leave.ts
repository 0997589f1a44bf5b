import { UserError } from '../../../base/user-error.ts';
import { leaveCluster } from '../../../cluster/join/leave-cluster.ts';
import { isJoined } from '../../../cluster/profile.ts';
import { withStartLock } from '../../../cluster/start-lock.ts';
import { clusterOptions, type Command } from '../../command.ts';
import { Progress } from '../../progress.ts';
import { profileOf, systemClock, verbLog } from '../../tools.ts';

export const command: Command = {
  usage: 'node leave [--profile NAME]',
  name: 'node leave',
  summary: 'Ends this machine\'s being a node of another machine\'s cluster: ends its pods, each with its grace, removes everything of it, and tells the cluster.',
  options: clusterOptions,
  async run(values, _positionals, io) {
    const profile = profileOf(values);
    const config = profile.mustRead();
    if (!isJoined(config)) throw new UserError(`the profile "${profile.name}" is a cluster of this machine's own`, 'wherry delete removes it, wherry node delete NAME one node of it');
    const progress = new Progress(io, systemClock);
    const told = await withStartLock(profile, () => leaveCluster(profile, config, { clock: systemClock, log: verbLog(), steps: progress }));
    progress.say(goodbye(config.nodes[0]!.name, config.joined.server, told));
  },
};

export function goodbye(node: string, server: string, told: boolean): string {
  return told ? `The node ${node} is gone.` : `The node ${node} is gone from here; the cluster at ${server} could not be told. There: kubectl delete node ${node}`;
}
