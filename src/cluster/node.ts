import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pod } from '../api/generated/core-v1.ts';
import type { KeyPair } from '../base/certificates.ts';
import { IPV6 } from '../base/address-family.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import { createHttpClient } from '../client/http-client.ts';
import { createInformerFactory } from '../client/informer-factory.ts';
import { connectRuntime } from '../cri/connect.ts';
import { startDns } from '../dns/dns.ts';
import { mountCommand } from '../kubelet/volumes/mount-command.ts';
import { defaultConfiguration, readConfiguration, withinGrace, type KubeletConfiguration } from '../kubelet/configuration.ts';
import { podCgroupPath } from '../kubelet/container/resources.ts';
import { startKubelet } from '../kubelet/kubelet.ts';
import { createWorkSender } from '../ledger/work-sender.ts';
import type { Kubelet } from '../kubelet/options.ts';
import { cgroupMode, cgroupProcesses, drainDeadInputs, findRuntime, nodeGround, PAUSE_IMAGE, removeCgroup, startRuntime, type NodeName } from '../machine/index.ts';
import { startNetworkPolicy } from '../policy/index.ts';
import { startProxy, type Proxy } from '../proxy/index.ts';
import { untilAccepted } from './accept-queue.ts';
import { collectLeftovers, type LeftoverCollector } from './collect-leftovers.ts';
import { keepMachineLinks, keepNodeRoutes, type LinksOptions } from './join/keep-links.ts';
import { KUBELET_FOLDER, showKubeletFolder } from './kubelet-folder.ts';
import { kubeletMachineFacts } from './kubelet-machine-facts.ts';

export interface NodeOptions {
  readonly node: NodeName;
  readonly server: string;
  /** PEM. */
  readonly authority: string;
  readonly keyPair: KeyPair;
  /** Of the kubelet's own server; default `keyPair`. */
  readonly servingKeyPair?: KeyPair;
  /** Where the cluster has, or may get, nodes of other machines: this machine's address, and what its links need where this process is to keep them. */
  readonly machines?: { readonly host: string; readonly keep?: Pick<LinksOptions, 'self' | 'wireguardKey' | 'enter'> };
  readonly runtimeSocket: string;
  /** For starting containerd again when it dies. */
  readonly egress: boolean;
  /** `10.96.0.10` */
  readonly dnsAddress: string;
  readonly serviceCidr: string;
  /** After so long without a sign of life the node counts as dead. */
  readonly nodeGraceSeconds?: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

const GIB = 2 ** 30;

/**
 * The disk is the user's own and mostly full of other things: on a large one upstream's percentages would end pods and remove images with many
 * gigabytes left. So they count as these amounts at most.
 */
const sharedDisk: KubeletConfiguration = {
  ...defaultConfiguration,
  thresholds: defaultConfiguration.thresholds.map((threshold) => (threshold.signal === 'nodefs.available' ? { ...threshold, amount: GIB } : threshold.signal === 'imagefs.available' ? { ...threshold, amount: 1.5 * GIB } : threshold)),
  images: { ...defaultConfiguration.images, roomyBytes: 3 * GIB },
};

/**
 * What a node process does, inside the node's namespaces: kubelet, service proxy, network policy and DNS, on one HTTPS client with the node's certificate.
 * Resolves when the node says that it is ready.
 */
export async function startNode(options: NodeOptions): Promise<AsyncDisposable & { readonly kubelet: Kubelet }> {
  const { clock, random, log, keyPair, authority } = options;
  const ground = nodeGround(options.node, { inside: true });
  await using onFailure = new AsyncDisposableStack();
  const stack = onFailure.use(new AsyncDisposableStack());
  const client = stack.use(createHttpClient({ server: options.server, ca: authority, certificate: keyPair.certificate, key: keyPair.key, userAgent: `kubelet/wherry (${ground.nodeName})` }));
  const informers = stack.use(createInformerFactory({ client, clock, random, log: log.child('informer') }));
  if (options.machines) {
    const { host: machineHost, keep } = options.machines;
    stack.use(keepNodeRoutes({ informers, plan: ground.plan, clock, log, machineHost, dual: ground.six !== undefined }));
    if (keep) stack.use(keepMachineLinks({ client, informers, plan: ground.plan, clock, log, names: () => [ground.nodeName], ...keep }));
  }
  const work = stack.use(createWorkSender({ client, clock, log: log.child('ledger') }));
  let leftovers: LeftoverCollector | undefined;
  const runtime = stack.use(connectRuntime(options.runtimeSocket, clock, async () => {
    // Its pods go on without it; it must be there for the next ones.
    if (findRuntime(ground, { clock })) return;
    log.warn('containerd is gone, starting it again');
    await startRuntime(ground, { clock, log, egress: options.egress }).catch((error: unknown) => log.error('cannot start containerd again', { error }));
    leftovers?.runtimeIsBack();
  }));
  const rootDir = join(ground.directory, 'kubelet');
  const resolvConf = join(ground.directory, 'resolv.conf');
  const staticPodPath = join(ground.directory, 'manifests');
  for (const folder of [rootDir, staticPodPath]) mkdirSync(folder, { recursive: true });
  const shown = showKubeletFolder(rootDir);
  shown.catch(() => { /* Awaited below. */ });
  const proxy = stack.use(await startProxy({
    informers, nodeName: ground.nodeName, nodeAddress: ground.address, clusterCidr: ground.plan.pods, serviceCidr: ground.plan.services, healthPort: 10256, statusPort: 10249, clock,
    log: log.child('proxy'),
  }));
  let proxySix: Proxy | undefined;
  if (ground.six) {
    const { pods, services } = ground.plan.six;
    proxySix = stack.use(await startProxy({ informers, family: IPV6, nodeName: ground.nodeName, nodeAddress: ground.six.address, clusterCidr: pods, serviceCidr: services, clock, log: log.child('proxy') }));
  }
  const policySix = ground.six && stack.use(startNetworkPolicy({ informers, family: IPV6, nodeName: ground.nodeName, clock, log: log.child('policy') }));
  const policy = stack.use(startNetworkPolicy({ informers, nodeName: ground.nodeName, dnsAddress: options.dnsAddress, clock, log: log.child('policy') }));
  stack.use(await startDns({ informers, addresses: [options.dnsAddress], clusterDomain: 'cluster.local', upstreams: nameservers(resolvConf), clock, random, log: log.child('dns') }));
  const drainPod = async (pod: Pod, signal: AbortSignal): Promise<void> => {
    const left = await Promise.all([proxy, proxySix].map((one) => one?.drained(pod, signal)));
    if (!left.includes(true) || pod.spec.hostNetwork) return;
    const graceMs = (pod.metadata.deletionGracePeriodSeconds ?? 30) * 1000;
    await untilAccepted(() => cgroupProcesses(podCgroupPath(pod, ground.cgroup)), { clock, patienceMs: Math.min(5_000, graceMs / 3), signal });
  };
  await shown;
  const kubelet = stack.use(await startKubelet({
    nodeName: ground.nodeName, client, informers, runtime, clock, random, log: log.child('kubelet'), rootDir, nodeAddress: ground.address, podCidr: ground.podCidr,
    clusterDns: [options.dnsAddress], clusterDomain: 'cluster.local', resolvConf,
    servingKeyPair: options.servingKeyPair ?? keyPair, clientAuthority: authority, port: 10250, listenAddress: ground.address,
    machine: kubeletMachineFacts(rootDir),
    cgroups: { version: cgroupMode() === 'v2' ? 'v2' : 'v1', root: ground.cgroup, remove: (path) => removeCgroup(path, { clock }) },
    unjamInput: () => drainDeadInputs(ground),
    mounter: mountCommand, driversRoot: KUBELET_FOLDER, work, pinnedImages: [PAUSE_IMAGE], configuration: await readConfiguration(join(ground.directory, 'kubelet.yaml'), withinGrace({ ...sharedDisk, staticPodPath }, options.nodeGraceSeconds)),
    protectPod: async (pod, addresses, signal) => {
      const isProtected = Promise.all([policy, policySix].map((one) => one?.protect(pod, addresses, signal)));
      if (!isStatic(pod)) return void await isProtected;
      // The API may be one of these: they cannot wait for what it would say. Their rules come with it.
      isProtected.catch(() => { /* Told by who waits for it, or too late to matter. */ });
      await Promise.race([isProtected, clock.sleep(STATIC_PATIENCE_MS, signal)]);
    },
    ...(ground.six && { six: ground.six }), drainPod,
  }));
  await kubelet.untilReady();
  leftovers = stack.use(collectLeftovers(ground, runtime, { clock, log: log.child('leftovers') }));
  const running = stack.move();
  return { kubelet, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

const STATIC_PATIENCE_MS = 3000;
const isStatic = (pod: Pod): boolean => pod.metadata.annotations?.['kubernetes.io/config.source'] === 'file';

/** Whom the node asks for names outside of the cluster. */
function nameservers(resolvConf: string): string[] {
  return [...readFileSync(resolvConf, 'utf8').matchAll(/^nameserver\s+(\S+)/gm)].map((match) => match[1]!);
}
