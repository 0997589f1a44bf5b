import { systemClock } from '../../base/clock.ts';
import { createLog } from '../../base/log.ts';
import { systemRandom } from '../../base/random.ts';
import { runServerProcess } from '../../cluster/server-process.ts';
import { clusterOptions, type Command } from '../command.ts';
import { profileOf } from '../tools.ts';

/** Not for people: `wherry start` runs it in the background. */
export const command: Command = {
  usage: 'server-process --profile NAME',
  summary: 'The server of a cluster: API server, controllers, scheduler, load balancer.',
  options: clusterOptions,
  async run(values, _positionals, io) {
    const log = createLog({ clock: systemClock, write: io.out, component: 'server', ...(process.env.WHERRY_DEBUG && { level: 'debug' as const }) });
    return runServerProcess(profileOf(values), { clock: systemClock, random: systemRandom, log, signal: io.signal });
  },
};
