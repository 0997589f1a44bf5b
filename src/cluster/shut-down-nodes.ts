import { join } from 'node:path';
import { findProcess, isAlive, nodeGround, signalProcess } from '../machine/index.ts';
import { defaultConfiguration, readConfiguration } from '../kubelet/configuration.ts';
import type { LaunchTools } from './launch.ts';
import type { ClusterConfig, NodeConfig, Profile } from './profile.ts';

/** What a node process is sent to shut its node down, as a machine is told that its power will fail. A mere end leaves the pods running. */
export const SHUT_DOWN = 'SIGPWR';
/** Beyond what pods may take together. */
const SPARE_MS = 10_000;

/**
 * Lets the pods of these nodes end by their priority, where their `kubelet.yaml` gives them time for it (`shutdownGracePeriod`), while the API server is
 * there to be told. Resolves when their processes have ended or their time is over; at once where no time is given.
 */
export async function shutDownNodes(profile: Profile, config: ClusterConfig, nodes: readonly NodeConfig[], { clock, steps }: Pick<LaunchTools, 'clock' | 'steps'>): Promise<void> {
  const slow = (await Promise.all(nodes.map(async (node) => {
    const record = findProcess(profile.nodePidFile(node.name));
    const { directory } = nodeGround({ profile: config.profile, nodeName: node.name, number: node.index, index: config.index, dataDir: profile.folder });
    const { shutdown } = await readConfiguration(join(directory, 'kubelet.yaml'), defaultConfiguration);
    const patienceMs = shutdown.reduce((sum, { graceSeconds }) => sum + graceSeconds * 1000, 0);
    return record && patienceMs > 0 ? [{ record, patienceMs: patienceMs + SPARE_MS }] : [];
  }))).flat();
  if (slow.length === 0) return;
  await steps.step('pods, by priority', () => Promise.all(slow.map(async ({ record, patienceMs }) => {
    const deadline = clock.monotonic() + patienceMs;
    signalProcess(record, SHUT_DOWN);
    while (isAlive(record) && clock.monotonic() < deadline) await clock.sleep(50);
  })));
}
