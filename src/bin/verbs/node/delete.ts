import { isReason } from '../../../api/errors.ts';
import { nodes as nodeResource } from '../../../api/generated/resources.ts';
import { UserError } from '../../../base/user-error.ts';
import type { Client } from '../../../client/client.ts';
import { clientOf } from '../../../cluster/cluster-client.ts';
import { drainNode, forgetNode } from '../../../cluster/drain-node.ts';
import { machineAddressOf } from '../../../cluster/join/annotations.ts';
import { setAllPeers } from '../../../cluster/launch.ts';
import { withStartLock } from '../../../cluster/start-lock.ts';
import { stopNode } from '../../../cluster/teardown.ts';
import { findProcess } from '../../../machine/index.ts';
import { clusterOptions, type Command } from '../../command.ts';
import { Progress } from '../../progress.ts';
import { profileOf, runningCluster, systemClock, verbLog } from '../../tools.ts';

/** The usual grace of a pod. */
const DRAIN_MS = 30_000;

export const command: Command = {
  usage: 'node delete NAME [--profile NAME]',
  name: 'node delete',
  summary: 'Takes a node of this machine away, having ended its pods, each with its grace.',
  options: clusterOptions,
  positionals: ['[NAME]'],
  async run(values, [name], io) {
    const profile = profileOf(values);
    const config = runningCluster(profile);
    const progress = new Progress(io, systemClock);
    const tools = { clock: systemClock, log: verbLog(), steps: progress };
    await withStartLock(profile, async () => {
      using client = clientOf(profile, config);
      const node = config.nodes.find((n) => n.name === name);
      const others = `one of ${config.nodes.map((n) => n.name).join(', ')}`;
      if (!node) throw name === undefined ? new UserError('which node?', others) : ((await faultOfJoined(client, name)) ?? new UserError(`there is no node ${name}`, others));
      if (config.nodes.length === 1) throw new UserError(`${name} is the only node`, `wherry delete --profile ${profile.name} removes the whole cluster`);
      const shrunk = { ...config, nodes: config.nodes.filter((n) => n !== node) };
      await progress.step(node.name, async () => {
        // A node whose process is gone ends nothing any more.
        if (findProcess(profile.nodePidFile(node.name))) await drainNode(client, node.name, { clock: systemClock, patienceMs: DRAIN_MS });
        await stopNode(profile, config, node, tools, true);
        profile.write(shrunk);
        await setAllPeers(profile, shrunk);
        await forgetNode(client, node.name);
      });
    });
  },
};

/** What to say of a node that another machine brought. */
async function faultOfJoined(client: Client, name: string): Promise<UserError | undefined> {
  try {
    const machine = machineAddressOf(await client.get(nodeResource, { name }));
    return machine === undefined ? undefined : new UserError(`the node ${name} is another machine (${machine})`, `there: wherry node leave; if that machine is gone for good: wherry kubectl delete node ${name}`);
  } catch (error) {
    if (isReason(error, 'NotFound')) return undefined;
    throw error;
  }
}
