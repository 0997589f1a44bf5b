import { systemClock } from '../../base/clock.ts';
import { createLog } from '../../base/log.ts';
import { systemRandom } from '../../base/random.ts';
import { runNodeProcess } from '../../cluster/node-process.ts';
import { clusterOptions, type Command } from '../command.ts';
import { profileOf } from '../tools.ts';

/** Not for people: `wherry start` runs it in the background, in the namespaces of the node. */
export const command: Command = {
  usage: 'node-process --profile NAME --node NAME',
  summary: 'One node of a cluster: kubelet, service proxy, DNS.',
  options: { ...clusterOptions, node: { type: 'string', value: 'NAME', description: 'the node' } },
  async run(values, _positionals, io) {
    const log = createLog({ clock: systemClock, write: io.out, component: `node/${String(values.node)}`, ...(process.env.WHERRY_DEBUG && { level: 'debug' as const }) });
    return runNodeProcess(profileOf(values), values.node as string, { clock: systemClock, random: systemRandom, log, signal: io.signal });
  },
};
