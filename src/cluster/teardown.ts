import { existsSync } from 'node:fs';
import { destroyFabric, findProcess, releaseNodeGround, stopProcess, findNodeNames } from '../machine/index.ts';
import { clusterNumberOf, releaseClusterNumber } from './cluster-number.ts';
import { endUnfinished } from './daemon.ts';
import { forgetKubeletFolder } from './kubelet-folder.ts';
import { CLUSTER_NUMBERS, type LaunchTools } from './launch.ts';
import { shutDownNodes } from './shut-down-nodes.ts';
import { DamagedConfigError, type ClusterConfig, type NodeConfig, type Profile } from './profile.ts';

async function endProcess(file: string, { clock }: Pick<LaunchTools, 'clock'>): Promise<void> {
  await endUnfinished(file, clock);
  const record = findProcess(file);
  if (record) await stopProcess(record, { clock, graceMs: 5_000, file });
}

/** Ends the node's process, its containers and its namespaces; what it stores stays unless `removeData`. */
export async function stopNode(profile: Profile, config: ClusterConfig, node: NodeConfig, tools: LaunchTools, removeData: boolean): Promise<void> {
  await endProcess(profile.nodePidFile(node.name), tools);
  await releaseNodeGround({ profile: config.profile, nodeName: node.name, number: node.index, index: config.index, dataDir: profile.folder }, { clock: tools.clock, removeData });
}

/**
 * Ends everything of the cluster that runs, and takes away its networks and mounts. Objects, images and volumes stay, and so does the leak guard, save with
 * `removeData`: no packet for one of its addresses may leave the machine while the cluster has them. Resolves to whether anything ran.
 */
export async function stopCluster(profile: Profile, config: ClusterConfig, tools: LaunchTools, removeData = false): Promise<boolean> {
  const { steps } = tools;
  const ran = findProcess(config.joined ? profile.nodePidFile(config.nodes[0]!.name) : profile.serverPidFile) !== undefined;
  if (!removeData && config.runtime !== 'simulated') await shutDownNodes(profile, config, config.nodes, tools);
  if (!config.joined) await steps.step('server', () => endProcess(profile.serverPidFile, tools));
  if (config.runtime === 'simulated') return ran;
  // A node that was being added when its process was killed is in the run folder, but not in the configuration.
  const strays = findNodeNames(profile.folder).filter((name) => !config.nodes.some((node) => node.name === name));
  const nodes = [...config.nodes, ...strays.map((name) => ({ name, index: name === config.profile ? 1 : Number(/-(\d+)$/.exec(name)?.[1] ?? 1) }))];
  await steps.step(nodes.length === 1 ? 'node' : `${nodes.length} nodes`, () => Promise.all(nodes.map((node) => stopNode(profile, config, node, tools, removeData))));
  await steps.step(config.joined ? 'network of the node' : 'network of the cluster', () => destroyFabric({ profile: config.profile, index: config.index, keepGuard: !removeData }));
  return ran;
}

/** What is known of a cluster that is to be removed, also where its configuration is damaged or gone; undefined where there is none. */
export function findRemains(profile: Profile): ClusterConfig | undefined {
  let damaged = false;
  try {
    const config = profile.read();
    if (config) return config;
  } catch (error) {
    if (!(error instanceof DamagedConfigError)) throw error;
    damaged = true;
  }
  const index = clusterNumberOf(CLUSTER_NUMBERS, profile.folder);
  if (index === undefined && !damaged && !existsSync(profile.pkiFile)) return undefined;
  // The nodes are found by their namespaces.
  return { layout: 1, profile: profile.name, index: index ?? 0, runtime: index === undefined ? 'simulated' : 'containerd', egress: true, apiPort: 0, nodes: [], registryMirrors: {}, addons: [], createdAt: 0 };
}

/** Stops the cluster and removes all of it. */
export async function deleteCluster(profile: Profile, config: ClusterConfig, tools: LaunchTools): Promise<void> {
  await stopCluster(profile, config, tools, true);
  await tools.steps.step('files', () => {
    profile.remove();
    releaseClusterNumber(CLUSTER_NUMBERS, profile.folder);
    forgetKubeletFolder(CLUSTER_NUMBERS);
  });
}

