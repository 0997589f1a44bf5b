import { removeContext } from '../../client/kubeconfig-file.ts';
import { kubeconfigPaths } from '../../client/kubeconfig.ts';
import { isJoined } from '../../cluster/profile.ts';
import { withStartLock } from '../../cluster/start-lock.ts';
import { deleteCluster, findRemains } from '../../cluster/teardown.ts';
import { clusterOptions, type Command } from '../command.ts';
import { Progress } from '../progress.ts';
import { profileOf, systemClock, verbLog } from '../tools.ts';

export const command: Command = {
  usage: 'delete [--profile NAME]',
  summary: 'Removes a cluster and everything of it: processes, containers, images, networks, mounts, files, and its entry in the kubeconfig.',
  options: clusterOptions,
  async run(values, _positionals, io) {
    const profile = profileOf(values);
    const config = findRemains(profile);
    const progress = new Progress(io, systemClock);
    if (isJoined(config)) {
      const [{ leaveCluster }, { goodbye }] = await Promise.all([import('../../cluster/join/leave-cluster.ts'), import('./node/leave.ts')]);
      const told = await withStartLock(profile, () => leaveCluster(profile, config, { clock: systemClock, log: verbLog(), steps: progress }));
      return progress.say(goodbye(config.nodes[0]!.name, config.joined.server, told));
    }
    if (config) await withStartLock(profile, () => deleteCluster(profile, config, { clock: systemClock, log: verbLog(), steps: progress }));
    for (const path of kubeconfigPaths(process.env)) removeContext(path, profile.name);
    progress.say(config ? `The cluster "${profile.name}" is gone.` : `There is no cluster "${profile.name}".`);
  },
};
