import { startApiServer, type ApiServer, type ServerConfiguration } from '../apiserver/index.ts';
import type { Clock } from '../base/clock.ts';
import { workQueueMetrics } from '../base/work-queue-metrics.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { User } from '../api/kind.ts';
import type { Client } from '../client/client.ts';
import { createInformerFactory } from '../client/informer-factory.ts';
import { apiCustomMetrics } from '../controllers/autoscaler/custom-metrics.ts';
import { authoritySigner } from '../controllers/certificate/authority-signer.ts';
import { startControllers } from '../controllers/controllers.ts';
import { nodeSix, numberOfPods, type AddressPlan } from '../machine/address-plan.ts';
import type { SchedulerConfig } from '../scheduler/scheduler-configuration.ts';
import { startScheduler } from '../scheduler/scheduler.ts';
import { HttpsReader } from './https-reader.ts';
import type { ClusterPki } from './pki.ts';
import { ensureSystemObjects } from './system-objects.ts';

export interface ServerOptions {
  readonly plan: AddressPlan;
  readonly pki: ClusterPki;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Absent: in memory. */
  readonly storageDir?: string;
  /** Addresses to listen on; absent: in process only. */
  readonly serving?: { readonly hosts: readonly string[]; readonly port: number };
  /** Services may have addresses of IPv6 as well. */
  readonly dual?: boolean;
  /** Where pods reach the API server. */
  readonly advertise?: { readonly address: string; readonly port: number };
  /** Pods have no network: the server sends nothing to their addresses. */
  readonly simulated?: boolean;
  readonly schedulerConfig?: SchedulerConfig;
  /** Without a sign of life for so long, a node counts as dead; absent: upstream's default. */
  readonly nodeGraceMs?: number;
  /** Keep a ledger of who wrote what because of what. Default true. */
  readonly ledger?: boolean;
  /** Try what people write first in idle moments, so that it is fast when they do. Default false. */
  readonly warmUp?: boolean;
  readonly configuration?: ServerConfiguration;
  readonly auditLog?: string;
}

/** The server process's contents: API server, controllers, scheduler; what is added to them is wired by the caller through `client`. */
export interface Server extends AsyncDisposable {
  readonly api: ApiServer;
  /** In process, as `system:apiserver`-like master: for what belongs to the cluster itself. */
  readonly admin: Client;
}

export const ADMIN: User = { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] };
const componentUser = (name: string): User => ({ name, groups: ['system:authenticated'] });

/** Starts the API server, then controllers and scheduler on it, each as its own user with its own rights. Resolves when all of them work. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { plan, pki, clock, random, log, storageDir, serving, dual, advertise, nodeGraceMs, simulated, ledger = true, warmUp = false, configuration, schedulerConfig, auditLog } = options;
  await using onFailure = new AsyncDisposableStack();
  const stack = onFailure.use(new AsyncDisposableStack());
  const api = stack.use(await startApiServer({
    ...(storageDir && { dataDir: storageDir }), clock, random, log: log.child('apiserver'), authority: pki.authority, serviceAccountKey: pki.serviceAccountKey,
    ...(serving && { serving: { ...serving, keyPair: pki.server } }), kubeletClient: pki.kubeletClient,
    ledger, warmUp, ...(configuration && { configuration }), ...(auditLog !== undefined && { auditLog }), ...(simulated && { simulatedRanges: [plan.pods, plan.services] }), serviceCidr: plan.services, ...(dual && { secondServiceCidr: plan.six.services }), nodePorts: [30000, 32767], ...(advertise && { advertise }),
  }));
  const admin = api.client(ADMIN, 'wherry');
  await ensureSystemObjects(admin, plan.dnsService);
  const informersFor = (user: string): { client: Client; informers: ReturnType<typeof createInformerFactory> } => {
    const client = api.client(componentUser(user), user.replace('system:', ''));
    return { client, informers: stack.use(createInformerFactory({ client, clock, random, log: log.child(user.replace('system:', '')) })) };
  };
  stack.use(startControllers({
    ...informersFor('system:kube-controller-manager'), clock, random, log: log.child('controllers'), queueMetrics: workQueueMetrics(api.metrics, clock), metrics: api.metrics,
    options: { rootCertificate: pki.authority.certificate, certificateSigner: authoritySigner(pki.authority, clock), clusterCidr: plan.pods, ...(dual && { secondNodeCidr: (first: string) => nodeSix(plan, numberOfPods(first)).pods }), ...(serving && { customMetrics: apiCustomMetrics(stack.use(new HttpsReader('system:kube-controller-manager', () => api.url!, pki, clock)).get) }), ...(nodeGraceMs !== undefined && { nodeMonitorGraceMs: nodeGraceMs }) },
  }));
  stack.use(await startScheduler({ ...informersFor('system:kube-scheduler'), ...(schedulerConfig && { config: schedulerConfig }), clock, random, log: log.child('scheduler'), metrics: api.metrics, ...(api.ledger && { work: { note: (note) => api.ledger!.work('system:kube-scheduler', note) } }) }));
  const running = stack.move();
  return { api, admin, [Symbol.asyncDispose]: () => running.disposeAsync() };
}
