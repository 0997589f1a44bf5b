import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { UserError } from '../base/user-error.ts';
import { nodes as nodeResource } from '../api/generated/resources.ts';
import { createHttpClient } from '../client/http-client.ts';
import { addressPlan, checkMachine, createFabric, createNodeGround, explainMissing, findProcess, findRuntime, hidesNameserver, nodeGround, startRuntime, type AddressPlan, type Fabric, type NodeGround } from '../machine/index.ts';
import { claimClusterNumber, numberedClusters } from './cluster-number.ts';
import { endUnfinished, startDaemon } from './daemon.ts';
import { isFreePort } from './free-port.ts';
import { certifyAddress, loadOrCreatePki, type ClusterPki } from './pki.ts';
import { apiPortOf, nodeName, type ClusterConfig, type NodeConfig, type Profile, type RuntimeKind } from './profile.ts';

export const CLUSTER_NUMBERS = '/var/lib/wherry/clusters';

/** How long steps take is told to whoever watches. */
export interface Steps {
  step<T>(text: string, work: () => Promise<T> | T): Promise<T>;
}

export interface LaunchTools {
  readonly clock: Clock;
  readonly log: Log;
  readonly steps: Steps;
  /** Aborted: what is being started is ended, what runs stays. */
  readonly signal?: AbortSignal;
}

/** What the command line asks for; what is absent is as the cluster was made, or the default. */
export interface LaunchRequest {
  readonly nodes?: number;
  readonly runtime?: RuntimeKind;
  readonly egress?: boolean;
  /** A cluster keeps what it was made with. */
  readonly ipFamily?: 'ipv4' | 'dual';
  readonly apiPort?: number;
  /** An address of this machine, or `none`. */
  readonly listenAddress?: string;
  readonly registryMirrors?: Readonly<Record<string, string>>;
  readonly nodeGraceSeconds?: number;
  readonly ledger?: boolean;
  /** A file of documents that configure the API server, or `none`. Taken over when the server starts. */
  readonly apiServerConfig?: string;
  readonly schedulerConfig?: string;
}

export interface Launched {
  readonly config: ClusterConfig;
  readonly pki: ClusterPki;
  readonly plan: AddressPlan;
  /** Whether everything ran already. */
  readonly alreadyRunning: boolean;
}

/** Throws UserError for what is wrong in the configuration files that were given, before anything is made. */
async function checkConfigurations({ apiServerConfig, schedulerConfig }: LaunchRequest): Promise<void> {
  if (apiServerConfig === undefined && schedulerConfig === undefined) return;
  const { checkSchedulerConfiguration, checkServerConfiguration } = await import('./server-configuration-file.ts');
  if (apiServerConfig !== undefined) checkServerConfiguration(apiServerConfig);
  if (schedulerConfig !== undefined) checkSchedulerConfiguration(schedulerConfig);
}

/** Takes over the configuration files that were given; answers whether one of them is another than before. */
async function adoptConfigurations(profile: Profile, { apiServerConfig, schedulerConfig }: LaunchRequest): Promise<boolean> {
  if (apiServerConfig === undefined && schedulerConfig === undefined) return false;
  // What understands them is most of the server, which neither a start nor a node process otherwise loads.
  const { adoptSchedulerConfiguration, adoptServerConfiguration } = await import('./server-configuration-file.ts');
  const server = apiServerConfig !== undefined && adoptServerConfiguration(apiServerConfig, profile.serverConfigurationFile);
  const scheduler = schedulerConfig !== undefined && adoptSchedulerConfiguration(schedulerConfig, profile.schedulerConfigurationFile);
  return server || scheduler;
}

/** Starts the processes of a cluster that do not run yet, having made the cluster where there is none. Resolves when every node is ready. */
export async function launchCluster(profile: Profile, request: LaunchRequest, tools: LaunchTools): Promise<Launched> {
  const { clock } = tools;
  await checkConfigurations(request);
  const existing = profile.read();
  const runtime = existing?.runtime ?? request.runtime ?? 'containerd';
  if (runtime === 'containerd') requireMachine();
  if (runtime === 'simulated' && request.listenAddress !== undefined) throw new UserError('simulated pods have no addresses that another machine could reach', 'leave out --listen-address');
  if (request.listenAddress !== undefined && request.listenAddress !== existing?.listenAddress && existing && findProcess(profile.serverPidFile)) {
    throw new UserError(`the cluster "${profile.name}" runs already, and takes the address where it listens when it starts`, 'wherry stop, then this command again');
  }
  let config = existing ? changedConfig(existing, request) : await newConfig(profile, request, runtime, clock);
  const plan = addressPlan(config.index);
  let pki = await loadOrCreatePki(profile, plan, clock.now());
  if (config.listenAddress !== undefined) pki = await certifyAddress(profile, pki, plan, config.listenAddress, clock.now());
  for (let attempt = 1; ; attempt++) {
    profile.write(config);
    if (await adoptConfigurations(profile, request) && findProcess(profile.serverPidFile)) {
      throw new UserError(`the server of the cluster "${profile.name}" runs already, and takes its configuration when it starts`, `wherry stop, then wherry start (the configuration is kept)`);
    }
    try {
      return { config, pki, plan, alreadyRunning: !(await startProcesses(profile, config, pki, tools)) };
    } catch (error) {
      // A port that was free when we looked may have gone to a cluster that is started at the same time.
      const lostPort = ((error as Error).cause as { code?: string } | undefined)?.code === 'EADDRINUSE';
      if (!lostPort || existing || request.apiPort !== undefined || attempt === PORT_ATTEMPTS) throw error;
      config = { ...config, apiPort: await freePort(config.apiPort + 1) };
    }
  }
}

const PORT_ATTEMPTS = 10;

/** Resolves to whether something had to be started. */
async function startProcesses(profile: Profile, config: ClusterConfig, pki: ClusterPki, tools: LaunchTools): Promise<boolean> {
  const { clock, steps, signal } = tools;
  await Promise.all([profile.serverPidFile, ...config.nodes.map(({ name }) => profile.nodePidFile(name))].map((file) => endUnfinished(file, clock)));
  const serverRuns = findProcess(profile.serverPidFile) !== undefined;
  const args = ['--profile', profile.name, '--data-dir', profile.folder];
  const startServerProcess = async (until?: AbortSignal): Promise<void> => {
    if (!serverRuns) await startDaemon({ what: 'the server', args: ['server-process', ...args], logFile: profile.serverLog, pidFile: profile.serverPidFile, clock, timeoutMs: 60_000, ...(until && { signal: until }) });
  };
  let nodesStarted = 0;
  if (config.runtime === 'simulated') {
    await steps.step(`server with ${config.nodes.length} simulated node${config.nodes.length > 1 ? 's' : ''}`, () => startServerProcess(signal));
  } else {
    const fabric = await steps.step('network of the cluster', () => makeFabric(config, tools));
    const [, started] = await steps.step(`server and ${config.nodes.length === 1 ? 'node' : `${config.nodes.length} nodes`}`, () => untilOneFails(signal, (until) => [
      startServerProcess(until),
      Promise.all(config.nodes.map((node) => startNodeProcess(profile, config, node, fabric, tools, until))),
    ] as const));
    nodesStarted = started.filter(Boolean).length;
  }
  await steps.step('nodes ready', () => untilNodesReady(config, pki, clock, signal));
  return !serverRuns || nodesStarted > 0;
}

/** All of it at once. Where one fails, the rest, which would wait for it in vain, is ended before the fault is told. */
async function untilOneFails<A, B>(signal: AbortSignal | undefined, work: (until: AbortSignal) => readonly [Promise<A>, Promise<B>]): Promise<[A, B]> {
  const abort = new AbortController();
  const parts = work(signal ? AbortSignal.any([signal, abort.signal]) : abort.signal);
  try {
    return await Promise.all(parts);
  } catch (error) {
    abort.abort(error);
    await Promise.allSettled(parts);
    throw error;
  }
}

export function requireMachine(): void {
  const check = checkMachine();
  if (check.missing.length > 0) throw new UserError(explainMissing(check).trimEnd(), check.install ? `${check.install}, or without real containers: wherry start --runtime simulated` : 'without real containers: wherry start --runtime simulated');
}

async function newConfig(profile: Profile, request: LaunchRequest, runtime: RuntimeKind, clock: Clock): Promise<ClusterConfig> {
  profile.claimFolder();
  // Simulated nodes have no addresses on the machine, and may be started by anyone.
  const index = runtime === 'containerd' ? claimClusterNumber(CLUSTER_NUMBERS, profile.folder, (number) => !hidesNameserver(addressPlan(number))) : 0;
  const apiPort = request.apiPort ?? (await freePort(6443 + index));
  const nodes = Array.from({ length: request.nodes ?? 1 }, (_, i): NodeConfig => ({ name: nodeName(profile.name, i + 1), index: i + 1 }));
  return {
    layout: 1, profile: profile.name, index, runtime, egress: request.egress ?? true, apiPort, nodes, registryMirrors: request.registryMirrors ?? {}, addons: [],
    ...(request.ipFamily === 'dual' && { ipFamily: 'dual' }), ...(request.listenAddress !== undefined && request.listenAddress !== 'none' && { listenAddress: request.listenAddress }),
    ...(request.nodeGraceSeconds !== undefined && { nodeGraceSeconds: request.nodeGraceSeconds }), ...(request.ledger !== undefined && { ledger: request.ledger }), createdAt: clock.now(),
  };
}

/** What a later start may change; what it may not is refused with the way to get it. */
function changedConfig(existing: ClusterConfig, request: LaunchRequest): ClusterConfig {
  const refuse = (what: string, remedy: string): never => { throw new UserError(`the cluster "${existing.profile}" ${what}`, remedy); };
  if (request.nodes !== undefined && request.nodes !== existing.nodes.length) {
    refuse(`has ${existing.nodes.length} node${existing.nodes.length === 1 ? '' : 's'}, not ${request.nodes}`, request.nodes > existing.nodes.length ? 'wherry node add' : 'wherry node delete NAME');
  }
  if (request.runtime !== undefined && request.runtime !== existing.runtime) refuse(`was made with --runtime ${existing.runtime}`, `another cluster: wherry start --profile NAME --runtime ${request.runtime}`);
  if (request.ipFamily !== undefined && request.ipFamily !== (existing.ipFamily ?? 'ipv4')) refuse(`was made with --ip-family ${existing.ipFamily ?? 'ipv4'}`, `another cluster: wherry start --profile NAME --ip-family ${request.ipFamily}`);
  const { listenAddress = existing.listenAddress } = request;
  const { listenAddress: _former, ...rest } = existing;
  return {
    ...rest, ...(listenAddress !== undefined && listenAddress !== 'none' && { listenAddress }), egress: request.egress ?? existing.egress, apiPort: request.apiPort ?? existing.apiPort, registryMirrors: { ...existing.registryMirrors, ...request.registryMirrors },
    ...(request.nodeGraceSeconds !== undefined && { nodeGraceSeconds: request.nodeGraceSeconds }), ...(request.ledger !== undefined && { ledger: request.ledger }),
  };
}

/** The first port from `preferred` on that nobody listens on, nor will: other clusters of this machine that are stopped come back to theirs. */
async function freePort(preferred: number): Promise<number> {
  const taken = new Set(numberedClusters(CLUSTER_NUMBERS).map(apiPortOf));
  for (let port = preferred; port < preferred + 100; port++) if (!taken.has(port) && await isFreePort(port)) return port;
  throw new UserError(`no port from ${preferred} to ${preferred + 99} is free for the API server`, 'choose one: wherry start --api-port PORT');
}

export function makeFabric(config: ClusterConfig, { log }: Pick<LaunchTools, 'log'>): Promise<Fabric> {
  const mirrors = Object.entries(config.registryMirrors).map(([host, url]) => ({ host, url }));
  const { joined, listenAddress, apiPort } = config;
  const machines = joined ? { server: serverBehind(joined.server, apiPort) } : listenAddress !== undefined ? {} : undefined;
  return createFabric({ profile: config.profile, index: config.index, egress: config.egress, dual: config.ipFamily === 'dual', mirrors, ...(machines && { machines }), log });
}

function serverBehind(server: string, knownPort: number): { readonly address: string; readonly port: number; readonly knownPort: number } {
  const { hostname, port } = new URL(server);
  return { address: hostname, port: Number(port || 443), knownPort };
}

export function groundOf(profile: Profile, config: ClusterConfig, node: NodeConfig): NodeGround {
  return nodeGround({ profile: config.profile, nodeName: node.name, number: node.index, index: config.index, dataDir: profile.folder, dual: config.ipFamily === 'dual' });
}

/** Makes the node's ground, starts its containerd and its node process where they do not run. Resolves to whether something had to be started. */
export async function startNodeProcess(profile: Profile, config: ClusterConfig, node: NodeConfig, fabric: Fabric, { clock, log }: LaunchTools, signal?: AbortSignal): Promise<boolean> {
  const peers = config.nodes.filter(({ index }) => index !== node.index).map(({ index }) => index);
  const ground = await createNodeGround({ profile: config.profile, nodeName: node.name, number: node.index, dataDir: profile.folder, fabric, peers, clock, log });
  const hadRuntime = findRuntime(ground, { clock }) !== undefined;
  // The node process waits for the runtime by itself: both start at once.
  const runtime = startRuntime(ground, { clock, log, mirrors: fabric.mirrors, egress: config.egress });
  if (findProcess(profile.nodePidFile(node.name))) {
    await runtime;
    return !hadRuntime;
  }
  await runtime;
  await startDaemon({
    what: `the node ${node.name}`, prefix: ground.enter([]), args: ['node-process', '--profile', profile.name, '--data-dir', profile.folder, '--node', node.name],
    logFile: profile.nodeLog(node.name), pidFile: profile.nodePidFile(node.name), clock, timeoutMs: 60_000,
    // From there it keeps the ways to the other machines, which are the machine's and not the node's.
    ...(config.joined && { files: ['/proc/self/ns/net'] }), ...(signal && { signal }),
  });
  return true;
}

/** Gives every node of this machine its routes to the pods of the others here. One whose making was cut short gets them when it is started. */
export async function setAllPeers(profile: Profile, config: ClusterConfig): Promise<void> {
  await Promise.all(config.nodes.filter(({ name }) => findProcess(profile.nodePidFile(name))).map((node) => groundOf(profile, config, node).setPeers(config.nodes.filter((peer) => peer !== node).map(({ index }) => index))));
}

/** The first node bears it, as in other local clusters. A node may not give it to itself. */
const CONTROL_PLANE = 'node-role.kubernetes.io/control-plane';

/** Waits until every node of the cluster, or each of those that are named, says Ready. */
export async function untilNodesReady(config: ClusterConfig, pki: ClusterPki, clock: Clock, signal?: AbortSignal, names: readonly string[] = config.nodes.map(({ name }) => name)): Promise<void> {
  using client = createHttpClient({ server: `https://127.0.0.1:${config.apiPort}`, ca: pki.authority.certificate, certificate: pki.admin.certificate, key: pki.admin.key, userAgent: 'wherry' });
  const wanted = new Set(names);
  const patience = new AbortController();
  const until = signal ? AbortSignal.any([signal, patience.signal]) : patience.signal;
  using _limit = clock.timer(60_000, () => patience.abort(new UserError(`not ready after 60 s: ${[...wanted].join(', ')}`, 'wherry status, and the logs that it names')));
  for await (const { type, object } of await client.watch(nodeResource, { signal: until })) {
    const ready = object.status?.conditions?.find((condition) => condition.type === 'Ready')?.status === 'True';
    if (type === 'DELETED' || !ready) continue;
    if (object.metadata.name === config.nodes[0]!.name && object.metadata.labels?.[CONTROL_PLANE] === undefined) {
      await client.patch(nodeResource, { name: object.metadata.name }, { type: 'application/merge-patch+json', body: { metadata: { labels: { [CONTROL_PLANE]: '' } } } });
    }
    wanted.delete(object.metadata.name);
    if (wanted.size === 0) return;
  }
  throw until.reason ?? new UserError('the API server ended the watch of the nodes', 'wherry status');
}
