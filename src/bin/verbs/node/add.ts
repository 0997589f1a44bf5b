import { UserError } from '../../../base/user-error.ts';
import { nodes as nodeResource } from '../../../api/generated/resources.ts';
import { clientOf, readPki } from '../../../cluster/cluster-client.ts';
import { numberOf } from '../../../cluster/join/annotations.ts';
import { makeFabric, setAllPeers, startNodeProcess, untilNodesReady } from '../../../cluster/launch.ts';
import { MAX_NODES, nodeName, type NodeConfig } from '../../../cluster/profile.ts';
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
      // Nodes of other machines have numbers, too.
      const taken = new Set([...config.nodes.map(({ index }) => index), ...(await client.list(nodeResource)).items.map((node) => numberOf(node, addressPlan(config.index)))]);
      const index = Array.from({ length: MAX_NODES }, (_, i) => i + 1).find((i) => !taken.has(i));
      if (index === undefined) throw new UserError(`the cluster has ${MAX_NODES} nodes, which is all its addresses are for`);
      const node: NodeConfig = { name: nodeName(profile.name, index), index };
      const grown = { ...config, nodes: [...config.nodes, node] };
      profile.write(grown);
      await progress.step(node.name, async () => {
        const fabric = await makeFabric(grown, tools);
        await startNodeProcess(profile, grown, node, fabric, tools);
        await setAllPeers(profile, grown);
        await untilNodesReady(grown, readPki(profile), systemClock);
      });
    });
  },
};
