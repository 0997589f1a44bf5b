import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../base/user-error.ts';
import { addressPlan, findRuntime, type NodeGround } from '../machine/index.ts';
import { groundOf } from './launch.ts';
import { startNode } from './node.ts';
import { FIRST_FILE } from './daemon.ts';
import { issueNodeCertificate, loadOrCreatePki } from './pki.ts';
import { liveAsProcess, type ProcessTools } from './process.ts';
import type { NodeOptions } from './node.ts';
import type { ClusterConfig, Profile } from './profile.ts';
import { SHUT_DOWN } from './shut-down-nodes.ts';
import { keepHeapSmall } from './small-heap.ts';

/** A node process is to take no more of the machine than this, garbage included. */
const RESIDENT_BYTES = 135e6;

/** The main of a node process, which runs in the namespaces of the node. */
export function runNodeProcess(profile: Profile, name: string, tools: ProcessTools): Promise<number> {
  mkdirSync(profile.runDir, { recursive: true });
  return liveAsProcess(profile.nodePidFile(name), tools, async () => {
    const { clock, random, log } = tools;
    const config = profile.mustRead();
    const node = config.nodes.find((n) => n.name === name);
    if (!node) throw new UserError(`the cluster "${profile.name}" has no node ${name}`);
    const plan = addressPlan(config.index);
    const ground = groundOf(profile, config, node);
    const runtime = findRuntime(ground, { clock });
    if (!runtime) throw new UserError(`the containerd of node ${name} does not run`, 'wherry start');
    const heap = keepHeapSmall(RESIDENT_BYTES, clock);
    const running = await startNode({
      node: { profile: config.profile, nodeName: name, number: node.index, index: config.index, dataDir: profile.folder, dual: config.ipFamily === 'dual' },
      server: `https://${plan.host}:${config.apiPort}`, ...(await (config.joined ? ofJoined(profile, config, ground, tools) : ofOwn(profile, config, ground, tools))), runtimeSocket: runtime.socket, ...(config.nodeGraceSeconds !== undefined && { nodeGraceSeconds: config.nodeGraceSeconds }), egress: config.egress, dnsAddress: plan.dnsService, serviceCidr: plan.services, clock, random, log,
    });
    // Then it ends as it always does.
    process.once(SHUT_DOWN, () => void running.kubelet.shutDown().finally(() => process.kill(process.pid, 'SIGTERM')));
    return { async [Symbol.asyncDispose]() {
      heap[Symbol.dispose]();
      await running[Symbol.asyncDispose]();
    } };
  });
}

type Credentials = Pick<NodeOptions, 'authority' | 'keyPair' | 'servingKeyPair' | 'machines'>;

/** A node of the machine that has the cluster's keys. */
async function ofOwn(profile: Profile, { listenAddress }: ClusterConfig, { nodeName, address, plan }: NodeGround, { clock }: ProcessTools): Promise<Credentials> {
  const pki = await loadOrCreatePki(profile, plan, clock.now());
  return { authority: pki.authority.certificate, keyPair: await issueNodeCertificate(pki, nodeName, address, clock.now()), ...(listenAddress !== undefined && { machines: { host: listenAddress } }) };
}

/** A node that joined another machine's cluster. It is alone on its machine, so that its process keeps the machine's links. */
async function ofJoined(profile: Profile, config: ClusterConfig, { address, plan, directory }: NodeGround, { clock, log }: ProcessTools): Promise<Credentials> {
  const [{ currentIdentity }, { describeMachine }, { showVolumes }] = await Promise.all([import('./join/joined-node.ts'), import('./join/this-machine.ts'), import('./join/volumes-folder.ts')]);
  const { address: host, backend, volumes } = config.joined!;
  await showVolumes(profile, volumes, join(directory, 'volumes'));
  const identity = await currentIdentity(profile, { server: `https://${plan.host}:${config.apiPort}`, address, clock, log });
  const enter = (argv: readonly string[]): string[] => ['nsenter', `--net=/proc/${process.pid}/fd/${FIRST_FILE}`, '--', ...argv];
  const machine = await describeMachine(profile, host, { ...(backend && { wants: backend }), enter, remedy: 'wherry stop, then wherry start' });
  return { authority: identity.authority, keyPair: identity.client, servingKeyPair: identity.serving, machines: { host, keep: { ...machine, enter } } };
}
