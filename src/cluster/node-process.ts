import { mkdirSync } from 'node:fs';
import { UserError } from '../base/user-error.ts';
import { addressPlan, findRuntime } from '../machine/index.ts';
import { groundOf } from './launch.ts';
import { startNode } from './node.ts';
import { issueNodeCertificate, loadOrCreatePki } from './pki.ts';
import { liveAsProcess, type ProcessTools } from './process.ts';
import type { Profile } from './profile.ts';
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
    const pki = await loadOrCreatePki(profile, plan, clock.now());
    const ground = groundOf(profile, config, node);
    const runtime = findRuntime(ground, { clock });
    if (!runtime) throw new UserError(`the containerd of node ${name} does not run`, 'wherry start');
    const heap = keepHeapSmall(RESIDENT_BYTES, clock);
    const running = await startNode({
      node: { profile: config.profile, nodeName: name, number: node.index, index: config.index, dataDir: profile.folder, dual: config.ipFamily === 'dual' },
      server: `https://${plan.host}:${config.apiPort}`, authority: pki.authority.certificate, keyPair: await issueNodeCertificate(pki, name, ground.address, clock.now()),
      runtimeSocket: runtime.socket, egress: config.egress, dnsAddress: plan.dnsService, serviceCidr: plan.services, clock, random, log,
    });
    return { async [Symbol.asyncDispose]() {
      heap[Symbol.dispose]();
      await running[Symbol.asyncDispose]();
    } };
  });
}
