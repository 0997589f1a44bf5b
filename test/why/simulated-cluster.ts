import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { systemRandom } from '../../src/base/random.ts';
import { createHttpClient, type HttpClient } from '../../src/client/http-client.ts';
import { createPki, issueNodeCertificate } from '../../src/cluster/pki.ts';
import { startServer, type Server } from '../../src/cluster/server.ts';
import { startSimulatedNode } from '../../src/cluster/simulated-node.ts';
import { createWorkSender } from '../../src/ledger/work-sender.ts';
import { addressPlan, nodePods } from '../../src/machine/address-plan.ts';

export interface SimulatedCluster extends AsyncDisposable {
  readonly server: Server;
  readonly folder: string;
  /** As `kubectl create` of upstream would: over HTTPS, as the administrator. */
  readonly kubectl: HttpClient;
}

/** A whole cluster in this process: server, two simulated nodes that speak HTTPS, and a person with a client. */
export async function startSimulatedCluster(options: { readonly ledger?: boolean; readonly storageDir?: string } = {}): Promise<SimulatedCluster> {
  await using onFailure = new AsyncDisposableStack();
  const stack = onFailure.use(new AsyncDisposableStack());
  const folder = mkdtempSync(join(tmpdir(), 'why-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const plan = addressPlan(0);
  const clock = systemClock;
  const pki = await createPki(plan, clock.now());
  const server = stack.use(await startServer({ plan, pki, clock, random: systemRandom, log: silentLog, simulated: true, serving: { hosts: ['127.0.0.1'], port: 0 }, ...options }));
  const ca = pki.authority.certificate;
  const connection = { server: server.api.url!, ca };
  for (const [i, name] of ['boat', 'boat-2'].entries()) {
    const keyPair = await issueNodeCertificate(pki, name, '127.0.0.1', clock.now());
    const client = stack.use(createHttpClient({ ...connection, ...keyPair, userAgent: `kubelet/wherry (${name})` }));
    const work = stack.use(createWorkSender({ client, clock, log: silentLog }));
    stack.use(await startSimulatedNode({
      name, client, work, podCidr: nodePods(plan, i + 1), dnsAddress: plan.dnsService, serving: { keyPair, authority: ca }, folder: join(folder, name), clock, random: systemRandom, log: silentLog,
    }));
  }
  const kubectl = stack.use(createHttpClient({ ...connection, certificate: pki.admin.certificate, key: pki.admin.key, userAgent: 'kubectl/v1.36.0 (linux/amd64) kubernetes/0000000' }));
  const running = stack.move();
  return { server, folder, kubectl, [Symbol.asyncDispose]: () => running.disposeAsync() };
}
