import { clientOf, readPki } from '../../../cluster/cluster-client.ts';
import { freeNumber, takeNumber } from '../../../cluster/join/take-number.ts';
import { makeFabric, setAllPeers, startNodeProcess, untilNodesReady } from '../../../cluster/launch.ts';
import { withStartLock } from '../../../cluster/start-lock.ts';
import { addressPlan } from '../../../machine/index.ts';
import { clusterOptions, type Command } from '../../command.ts';
import { Progress } from '../../progress.ts';
import { profileOf, runningCluster, systemClock, verbLog } from '../../tools.ts';

export const command: Command = {
  usage: 'node add [--profile NAME]',
  name: 'node add',
  summary: 'Adds a node on this machine to a running cluster.',
  options: clusterOptions,
  async run(values, _positionals, io) {
    const profile = profileOf(values);
    const config = runningCluster(profile);
    const progress = new Progress(io, systemClock);
    const tools = { clock: systemClock, log: verbLog(), steps: progress };
    await withStartLock(profile, async () => {
      using client = clientOf(profile, config);
      const options = { client, profile: profile.name, plan: addressPlan(config.index), present: config.nodes, clock: systemClock, signal: io.signal };
      // Nodes of other machines have numbers, too, and take them at any time where they may join.
      const node = await (config.listenAddress === undefined ? freeNumber(options) : takeNumber(options));
      const grown = { ...config, nodes: [...config.nodes, node] };
      profile.write(grown);
      await progress.step(node.name, async () => {
        const fabric = await makeFabric(grown, tools);
        await startNodeProcess(profile, grown, node, fabric, tools);
        await setAllPeers(profile, grown);
        // Another may not run, one whose adding was cut short say: `wherry start` takes that up.
        await untilNodesReady(grown, readPki(profile), systemClock, io.signal, [node.name]);
      });
    });
  },
};
