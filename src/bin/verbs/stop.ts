import { withStartLock } from '../../cluster/start-lock.ts';
import { stopCluster } from '../../cluster/teardown.ts';
import { clusterOptions, type Command } from '../command.ts';
import { Progress } from '../progress.ts';
import { profileOf, systemClock, verbLog } from '../tools.ts';

export const command: Command = {
  usage: 'stop [--profile NAME]',
  summary: 'Stops a cluster: its processes, containers and networks. All that it stores is kept for the next start, and its addresses stay unreachable until then.',
  options: clusterOptions,
  async run(values, _positionals, io) {
    const profile = profileOf(values);
    const config = profile.mustRead();
    const progress = new Progress(io, systemClock);
    const ran = await withStartLock(profile, () => stopCluster(profile, config, { clock: systemClock, log: verbLog(), steps: progress }));
    progress.say(ran ? `The cluster "${profile.name}" is stopped; wherry start takes it up again.` : `The cluster "${profile.name}" did not run.`);
  },
};
