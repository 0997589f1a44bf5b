import { destroyFabric, findProcess, releaseNodeGround, stopProcess, findNodeNames } from '../machine/index.ts';
import { releaseClusterNumber } from './cluster-number.ts';
import { CLUSTER_NUMBERS, type LaunchTools } from './launch.ts';
import type { ClusterConfig, NodeConfig, Profile } from './profile.ts';

async function endProcess(file: string, { clock }: Pick<LaunchTools, 'clock'>): Promise<void> {
  const record = findProcess(file);
  if (record) await stopProcess(record, { clock, graceMs: 5_000, file });
}

/** Ends the node's process, its containers and its namespaces; what it stores stays unless `removeData`. */
export async function stopNode(profile: Profile, config: ClusterConfig, node: NodeConfig, tools: LaunchTools, removeData: boolean): Promise<void> {
  await endProcess(profile.nodePidFile(node.name), tools);
  await releaseNodeGround({ profile: config.profile, nodeName: node.name, number: node.index, index: config.index, dataDir: profile.folder }, { clock: tools.clock, removeData });
}

/** Ends everything of the cluster that runs, and takes away its networks and mounts. Objects, images and volumes stay. Resolves to whether anything ran. */
export async function stopCluster(profile: Profile, config: ClusterConfig, tools: LaunchTools, removeData = false): Promise<boolean> {
  const { steps } = tools;
  const ran = findProcess(profile.serverPidFile) !== undefined;
  await steps.step('server', () => endProcess(profile.serverPidFile, tools));
  if (config.runtime === 'simulated') return ran;
  // A node that was being added when its process was killed is in the run folder, but not in the configuration.
  const strays = findNodeNames(profile.folder).filter((name) => !config.nodes.some((node) => node.name === name));
  const nodes = [...config.nodes, ...strays.map((name, i) => ({ name, index: Number(/-(\d+)$/.exec(name)?.[1] ?? i + 1) }))];
  await steps.step(nodes.length === 1 ? 'node' : `${nodes.length} nodes`, () => Promise.all(nodes.map((node) => stopNode(profile, config, node, tools, removeData))));
  await steps.step('network of the cluster', () => destroyFabric({ profile: config.profile, index: config.index }));
  return ran;
}

/** Stops the cluster and removes all of it. */
export async function deleteCluster(profile: Profile, config: ClusterConfig, tools: LaunchTools): Promise<void> {
  await stopCluster(profile, config, tools, true);
  await tools.steps.step('files', () => {
    profile.remove();
    releaseClusterNumber(CLUSTER_NUMBERS, profile.folder);
  });
}

