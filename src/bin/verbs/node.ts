import { UserError } from '../../base/user-error.ts';
import { clientOf, readPki } from '../../cluster/cluster-client.ts';
import { drainNode, forgetNode } from '../../cluster/drain-node.ts';
import { groundOf, makeFabric, startNodeProcess, untilNodesReady } from '../../cluster/launch.ts';
import { MAX_NODES, nodeName, type NodeConfig } from '../../cluster/profile.ts';
import { findProcess } from '../../machine/index.ts';
import { withStartLock } from '../../cluster/start-lock.ts';
import { stopNode } from '../../cluster/teardown.ts';
import { clusterOptions, type Command } from '../command.ts';
import { Progress } from '../progress.ts';
import { profileOf, systemClock, verbLog } from '../tools.ts';

/** The usual grace of a pod. */
const DRAIN_MS = 30_000;

export const command: Command = {
  usage: 'node add | delete NAME | list [--profile NAME]',
  summary: 'Adds a node to a running cluster, takes one away with its pods, or lists the nodes.',
  options: clusterOptions,
  positionals: ['add|delete|list', '[NAME]'],
  async run(values, [verb, name], io) {
    const profile = profileOf(values);
    const config = profile.mustRead();
    if (verb === 'list') {
      for (const node of config.nodes) io.out(`${node.name}${config.runtime === 'simulated' ? '' : `\t${groundOf(profile, config, node).address}`}\n`);
      return;
    }
    if (verb !== 'add' && verb !== 'delete') throw new UserError(`"node ${verb}" is not a verb of wherry`, 'wherry node add, wherry node delete NAME, wherry node list');
    if (config.runtime === 'simulated') throw new UserError('the number of simulated nodes is fixed at the start', `wherry delete --profile ${profile.name}, then wherry start --runtime simulated --nodes N`);
    if (!findProcess(profile.serverPidFile)) throw new UserError(`the cluster "${profile.name}" does not run`, `wherry start --profile ${profile.name}`);
    const progress = new Progress(io, systemClock);
    const tools = { clock: systemClock, log: verbLog(), steps: progress };
    await withStartLock(profile, async () => {
      if (verb === 'add') {
        const taken = new Set(config.nodes.map(({ index }) => index));
        const index = Array.from({ length: MAX_NODES }, (_, i) => i + 1).find((i) => !taken.has(i));
        if (index === undefined) throw new UserError(`the cluster has ${MAX_NODES} nodes, which is all its addresses are for`);
        const node: NodeConfig = { name: nodeName(profile.name, index), index };
        const grown = { ...config, nodes: [...config.nodes, node] };
        profile.write(grown);
        await progress.step(node.name, async () => {
          const fabric = await makeFabric(grown, tools);
          await startNodeProcess(profile, grown, node, fabric, tools);
          await updatePeers(grown.nodes);
          await untilNodesReady(grown, readPki(profile), systemClock);
        });
        return;
      }
      const node = config.nodes.find((n) => n.name === name);
      if (!node) throw new UserError(name ? `there is no node ${name}` : 'which node?', `one of ${config.nodes.map((n) => n.name).join(', ')}`);
      if (config.nodes.length === 1) throw new UserError(`${name} is the only node`, `wherry delete --profile ${profile.name} removes the whole cluster`);
      const shrunk = { ...config, nodes: config.nodes.filter((n) => n !== node) };
      await progress.step(node.name, async () => {
        using client = clientOf(profile, config);
        // A node whose process is gone ends nothing any more.
        if (findProcess(profile.nodePidFile(node.name))) await drainNode(client, node.name, { clock: systemClock, patienceMs: DRAIN_MS });
        await stopNode(profile, config, node, tools, true);
        profile.write(shrunk);
        await updatePeers(shrunk.nodes);
        await forgetNode(client, node.name);
      });
    });

    async function updatePeers(all: readonly NodeConfig[]): Promise<void> {
      await Promise.all(all.map((node) => groundOf(profile, config, node).setPeers(all.filter((peer) => peer !== node).map(({ index }) => index))));
    }
  },
};
