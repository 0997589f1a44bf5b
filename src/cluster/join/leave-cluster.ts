import { isReason, StatusError } from '../../api/errors.ts';
import { nodes as nodeResource } from '../../api/generated/resources.ts';
import { ConnectionError } from '../../client/connection-error.ts';
import type { Client } from '../../client/client.ts';
import { findProcess } from '../../machine/index.ts';
import { drainNode } from '../drain-node.ts';
import type { LaunchTools } from '../launch.ts';
import { deleteCluster } from '../teardown.ts';
import type { JoinedCluster, Profile } from '../profile.ts';
import { isOnMachine, LEAVING } from './annotations.ts';
import { readIdentity } from './identity.ts';
import { nodeClient } from './joined-node.ts';
import { forgetVolumes, madeFolders } from './volumes-folder.ts';

/** The usual grace of a pod. */
const DRAIN_MS = 30_000;
const TIMEOUT_MS = 5_000;
const FORGET_MS = 10_000;

/** Ends the node's pods, each with its grace, then removes the node. Resolves to whether the cluster knows. */
export async function leaveCluster(profile: Profile, config: JoinedCluster, tools: LaunchTools): Promise<boolean> {
  const { steps, clock } = tools;
  const { name } = config.nodes[0]!;
  const identity = readIdentity(profile);
  // A node whose process is gone ends nothing any more.
  if (identity && findProcess(profile.nodePidFile(name))) {
    await steps.step('pods of the node', async () => {
      using client = nodeClient(config.joined.server, identity, TIMEOUT_MS);
      await ifAnswered(drainNode(client, name, { clock, patienceMs: DRAIN_MS }));
    });
  }
  return removeJoined(profile, config, tools);
}

/** Removes all of the node from this machine, then tells the cluster, which forgets it. */
export async function removeJoined(profile: Profile, config: JoinedCluster, tools: LaunchTools): Promise<boolean> {
  const identity = readIdentity(profile);
  const made = madeFolders(profile);
  await deleteCluster(profile, config, tools);
  forgetVolumes(made);
  if (!identity) return false;
  using client = nodeClient(config.joined.server, identity, TIMEOUT_MS);
  return await ifAnswered(sayGoodbye(client, config, tools)) ?? false;
}

async function sayGoodbye(client: Client, { nodes, joined }: JoinedCluster, { clock }: LaunchTools): Promise<boolean> {
  const { name } = nodes[0]!;
  try {
    // A join that fails because another machine has the name must not send that one away.
    if (!isOnMachine(await client.get(nodeResource, { name }), joined.address)) return false;
    await client.patch(nodeResource, { name }, { type: 'application/merge-patch+json', body: { metadata: { annotations: { [LEAVING]: 'true' } } } });
    const deadline = clock.monotonic() + FORGET_MS;
    while (clock.monotonic() < deadline) {
      await client.get(nodeResource, { name });
      await clock.sleep(50);
    }
    return false;
  } catch (error) {
    if (isReason(error, 'NotFound')) return true;
    throw error;
  }
}

/** Undefined where the cluster is out of reach, or has no use for us any more: a machine must be able to leave it all the same. */
async function ifAnswered<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ConnectionError || error instanceof StatusError) return undefined;
    throw error;
  }
}
