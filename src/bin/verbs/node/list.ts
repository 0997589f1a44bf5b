import { nodes as nodeResource } from '../../../api/generated/resources.ts';
import { clientOf } from '../../../cluster/cluster-client.ts';
import { machineAddressOf, machineNode } from '../../../cluster/join/annotations.ts';
import { groundOf } from '../../../cluster/launch.ts';
import { addressPlan, findProcess } from '../../../machine/index.ts';
import { clusterOptions, type Command } from '../../command.ts';
import { profileOf } from '../../tools.ts';

export const command: Command = {
  usage: 'node list [--profile NAME]',
  name: 'node list',
  summary: 'Lists the nodes and their addresses, also those of other machines while the cluster runs.',
  options: clusterOptions,
  async run(values, _positionals, io) {
    const profile = profileOf(values);
    const config = profile.mustRead();
    for (const node of config.nodes) io.out(`${node.name}${config.runtime === 'simulated' ? '' : `\t${groundOf(profile, config, node).address}`}\n`);
    if (config.listenAddress === undefined || !findProcess(profile.serverPidFile)) return;
    using client = clientOf(profile, config);
    for (const node of (await client.list(nodeResource)).items) {
      if (config.nodes.some(({ name }) => name === node.metadata.name)) continue;
      io.out(`${[node.metadata.name, machineNode(node, addressPlan(config.index))?.address ?? '', `on ${machineAddressOf(node) ?? 'another machine'}`].join('\t')}\n`);
    }
  },
};
