import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../api/generated/core-v1.ts';
import { nodes, pods, services } from '../api/generated/resources.ts';
import { createEventRecorder } from '../client/event-recorder.ts';
import { isRuntimeError } from '../cri/runtime.ts';
import { noSink } from '../ledger/entry.ts';
import { defaultConfiguration } from './configuration.ts';
import { CgroupTree } from './container/cgroup-tree.ts';
import { parseResolvConf } from './container/dns.ts';
import { UserNamespaces } from './container/user-namespaces.ts';
import { CsiDrivers } from './csi/csi-drivers.ts';
import { ClaimRecords } from './devices/claim-records.ts';
import { DraDrivers } from './devices/dra-drivers.ts';
import { PodDevices } from './devices/pod-devices.ts';
import { PodResourcesServer } from './devices/pod-resources-server.ts';
import { ImageCollector } from './images/image-collector.ts';
import { ImagePuller } from './images/image-puller.ts';
import { NodeAgent } from './node/node-agent.ts';
import { shutDownPods, SHUTTING_DOWN, shutdownRefusal } from './node/shutdown.ts';
import type { Kubelet, KubeletOptions } from './options.ts';
import { Orphans } from './orphans.ts';
import { Evictor } from './eviction/evictor.ts';
import { admitPod, type AdmissionPolicy } from './pod/admission.ts';
import { emptyObservation, type PodObservation } from './pod/observation.ts';
import { PodWorker } from './pod/pod-worker.ts';
import { ReferencedObjectCache } from './pod/referenced-object-cache.ts';
import { relist } from './pod/relist.ts';
import { compareDeferred } from './pod/resize-order.ts';
import { RestartBackoff } from './pod/restart-backoff.ts';
import { StatusWriter } from './pod/status-writer.ts';
import type { WorkerContext } from './pod/worker-context.ts';
import { PluginRegistry } from './plugins/plugin-registry.ts';
import { ProbeCounts } from './probes/probe-counts.ts';
import { realNetwork } from './probes/probe-network.ts';
import { startKubeletServer, type KubeletServer } from './server/kubelet-server.ts';
import { KubeletMetrics } from './kubelet-metrics.ts';
import { mountCommand } from './volumes/mount-command.ts';
import { isMirror, StaticPods } from './static/static-pods.ts';
import { TokenSource } from './volumes/token-source.ts';
import { VolumesInUse } from './volumes/volumes-in-use.ts';

export const KUBELET_VERSION = 'v1.36.0';

/** Even where events are pushed, all is listed again so often, in case one was lost. Upstream's evented PLEG does the same. */
const RELIST_MS = 5 * 60_000;
/** Up to so much sooner, by chance: nodes that started together, in one process, would all list at once. */
const RELIST_SPREAD = 0.5;
const MOST_UNCLAIMED = 1000;
const MAX_PODS = 110;
/** Pods of manifests that come later wait so long for the API to answer first. */
const PATIENCE_MS = 2000;

/**
 * A kubelet: registers its node, runs the pods assigned to it on `runtime`, and serves logs, exec and statistics. Disposing leaves the
 * pods running; the next kubelet with the same `rootDir` and runtime takes them up. Resolves when it serves and has begun to register.
 */
export async function startKubelet(options: KubeletOptions): Promise<Kubelet> {
  const { client, informers, runtime, clock, random, log, rootDir, nodeName, cgroups, work = noSink, configuration = defaultConfiguration } = options;
  const ended = new AbortController();
  const workers = new Map<string, PodWorker>();
  /** What ended before a worker knew of it, or is nobody's. */
  const unclaimed = new Set<string>();
  const podInformer = informers.informer(pods, { fieldSelector: `spec.nodeName=${nodeName}` });
  const serviceInformer = informers.informer(services);
  const nodeInformer = informers.informer(nodes, { fieldSelector: `metadata.name=${nodeName}` });
  serviceInformer.addIndex('namespace', (service) => [service.metadata.namespace]);

  // Programs that look after the node mount these folders, and expect them to be there.
  for (const name of ['pods', 'plugins', 'plugins_registry']) mkdirSync(join(rootDir, name), { recursive: true, mode: 0o750 });
  // Simulated pods use no mounts, and need no root.
  const mounter = options.mounter ?? (cgroups.version === 'none' ? undefined : mountCommand);
  const cgroupTree = cgroups.version === 'none' ? undefined : new CgroupTree(cgroups.version, cgroups.root ?? '');
  const machine = await options.machine();
  const policy: AdmissionPolicy = { unsafeSysctls: configuration.allowedUnsafeSysctls, ...(machine.appArmor !== undefined && { appArmor: machine.appArmor }) };
  const recorder = createEventRecorder({ client, clock, random, log, component: 'kubelet', host: nodeName, isBusy: () => workers.values().some((worker) => worker.isStarting) });
  const metrics = new KubeletMetrics(nodeName);
  const statuses = new StatusWriter({ client, clock, log, changed: (before, after) => metrics.statusChanged(before, after) });
  const objects = new ReferencedObjectCache({ client, clock, log, changed: (reference) => { for (const worker of workers.values()) worker.referenceChanged(reference); } });
  const csiDrivers = options.driversRoot === undefined ? undefined : new CsiDrivers({ nodeName, client, clock });
  const draDrivers = options.driversRoot === undefined ? undefined : new DraDrivers({
    nodeName, client, clock, log: log.child('dra'), came: () => { for (const worker of workers.values()) worker.driverCame(); }, healthChanged: (driver, changed) => { for (const uid of devices?.usersOf(driver, changed) ?? []) workers.get(uid)?.publish(); },
  });
  const devices = draDrivers && new PodDevices({ client, drivers: draDrivers, records: new ClaimRecords(join(rootDir, 'dra_manager_state')) });
  const pluginRegistry = csiDrivers && draDrivers && new PluginRegistry({ folder: join(rootDir, 'plugins_registry'), handlers: [csiDrivers, draDrivers], clock, log: log.child('plugins') });
  const podResources = devices && new PodResourcesServer({ path: socketPath(rootDir, options.driversRoot!), devices, log, pods: () => [...workers.values()].filter((worker) => worker.active).map((worker) => worker.pod) });
  const probeCounts = new ProbeCounts();
  const podDirectory = (uid: string): string => join(rootDir, 'pods', uid);
  let agent: NodeAgent;
  const volumesInUse = new VolumesInUse(() => agent.report());
  const context: WorkerContext = {
    client, runtime, clock, random, log, recorder, work, statuses, userNamespaces: new UserNamespaces(join(rootDir, 'pods'), configuration.maxPods ?? MAX_PODS), objects, cgroups, cgroupTree, podDirectory,
    puller: new ImagePuller({ runtime, clock, objects, work, changed: () => agent.reportSoon() }),
    tokens: new TokenSource(client, clock), backoff: new RestartBackoff(), network: options.probeNetwork ?? realNetwork, volumeGround: { mounter, runtime, log, csi: csiDrivers && { drivers: csiDrivers, nodeName, rootDir, driversRoot: options.driversRoot!, inUse: volumesInUse }, containersReadFiles: options.containersReadFiles !== false },
    devices, probeCounts, metrics,
    ...(options.protectPod ? { protectPod: options.protectPod } : {}),
    ...(options.drainPod ? { drainPod: options.drainPod } : {}),
    sandbox: {
      dns: { clusterDns: options.clusterDns, clusterDomain: options.clusterDomain, host: parseResolvConf(await readOrEmpty(options.resolvConf ?? '/etc/resolv.conf')) },
      podLogsDir: options.podLogsDir ?? join(rootDir, 'logs', 'pods'), cgroupRoot: cgroups.version === 'none' ? undefined : cgroups.root ?? '',
    },
    hostIps: [options.nodeAddress, ...(options.six ? [options.six.address] : [])], hostHosts: await readOrEmpty('/etc/hosts'),
    capacity: {
      milliCpu: machine.cpus * 1000 - (options.reserved?.milliCpu ?? 0), memoryBytes: machine.memoryBytes - (options.reserved?.memoryBytes ?? 0), storageBytes: machine.storageBytes,
    },
    services(namespace, links) {
      const master = serviceInformer.get('default/kubernetes');
      const own = links ? serviceInformer.byIndex('namespace', namespace) : [];
      return master && !own.includes(master) ? [...own, master] : own;
    },
    resizeVerdict(pod) {
      const node = nodeInformer.get(nodeName) ?? agent.node;
      if (!node) return undefined;
      const alone = admitPod(pod, [], node, policy);
      if (alone) return { reason: 'Infeasible', message: alone.message };
      const others = [...workers.values()].filter((w) => w.active && w.uid !== pod.metadata.uid).map((w) => w.allocatedPod);
      const together = admitPod(pod, others, node, policy);
      return together && { reason: 'Deferred', message: together.message };
    },
    features: () => agent.features,
    endedUnclaimed: (id) => unclaimed.delete(id),
    roomFreed() {
      const waiting = [...workers.values()].flatMap((worker) => {
        const { deferredResize } = worker;
        return deferredResize ? [{ worker, ...deferredResize }] : [];
      });
      for (const { worker } of waiting.sort(compareDeferred)) worker.reconsider();
    },
    launched() {
      try {
        cgroupTree?.setClasses([...workers.values()].filter((w) => w.active).map((w) => w.allocatedPod));
      } catch (error) {
        log.warn('cannot set the shares of the classes of pods', { error });
      }
    },
    gone(uid) {
      workers.delete(uid);
      probeCounts.forget(uid);
      context.userNamespaces.release(uid);
      volumesInUse.delete(podDirectory(uid));
      staticPods?.reconcile();
      for (const pod of staticPods?.pods ?? []) if (!workers.has(pod.metadata.uid)) addStatic(pod);
      context.roomFreed();
      objects.keepOnly([...workers.values()].map((w) => w.pod));
    },
  };

  const orphans = new Orphans({ runtime, log, cgroups, cgroupTree, rootDir, podLogsDir: context.sandbox.podLogsDir, volumeGround: context.volumeGround, isWanted: (uid) => workers.has(uid) });
  const tell: NodeAgent['tell'] = (...event) => agent.tell(...event);
  const imageCollector = new ImageCollector({
    runtime, clock, log, machine: options.machine, settings: configuration.images, pinned: options.pinnedImages ?? [], pods: () => [...workers.values()].map((w) => w.pod), tell, changed: () => agent.reportSoon(),
  });
  const evictor = new Evictor({
    configuration, runtime, clock, recorder, machine: options.machine, workers: () => workers.values(), podDirectory, removeImages: () => imageCollector.removeUnused(), tell, changed: () => agent.report(),
  });
  let server: KubeletServer | undefined;
  if (options.servingKeyPair) server = await startKubeletServer({ ...options, probeCounts, metrics, pod: (namespace, name) => findPod(namespace, name), pods: () => [...workers.values()].map((w) => ({ ...w.pod, status: w.status ?? {} })), observation: (uid) => workers.get(uid)?.observation ?? emptyObservation });
  agent = new NodeAgent({
    ...options, recorder, servedPort: server?.port ?? options.port, kubeletVersionOrDefault: options.kubeletVersion ?? KUBELET_VERSION, maxPods: configuration.maxPods ?? MAX_PODS, leaseSeconds: configuration.leaseSeconds, pressures: () => evictor.pressures, volumesInUse: (before) => (settled ? volumesInUse.names : [...new Set([...before, ...volumesInUse.names])].sort()), fault: () => (shuttingDown ? SHUTTING_DOWN : undefined),
    async housekeeping() {
      await noticeMissed().catch((error: unknown) => log.debug('cannot look whether anything ended', { error }));
      for (const worker of workers.values()) if (worker.logs.isDue()) await worker.logs.rotate();
      await evictor.look().catch((error: unknown) => log.warn('cannot see whether the node is short of anything', { error }));
      await devices?.removeUnwanted((uid) => workers.has(uid)).catch((error: unknown) => log.warn('cannot give back devices of pods that are gone', { error }));
      await orphans.look().catch((error: unknown) => log.warn('cannot look for what pods left behind', { error }));
      await imageCollector.lookNowAndThen().catch((error: unknown) => log.warn('cannot remove unused images', { error }));
    },
  });

  const staticPods = configuration.staticPodPath === undefined ? undefined : new StaticPods({
    path: configuration.staticPodPath, nodeName, client, clock, log, nodeUid: () => agent.node?.metadata.uid, mirrors: () => podInformer.list().filter(isMirror),
    added: (pod) => addStatic(pod), removed: (pod) => workers.get(pod.metadata.uid)?.remove(), present: (uid) => workers.has(uid),
    mirrored: (uid, mirror) => statuses.retarget(uid, mirror),
  });
  let shuttingDown = false;
  /** Until all that the runtime has is known, nothing is begun. */
  let known = false;
  /** Until what pods left behind has been removed, volumes of pods that nobody knows of may still be mounted. */
  let settled = false;

  function findPod(namespace: string, name: string): Pod | undefined {
    const pod = podInformer.get(`${namespace}/${name}`);
    if (!pod) return staticPods?.named(namespace, name);
    return isMirror(pod) ? staticPods?.behind(pod) ?? pod : pod;
  }

  /** One of the same name that is going yet comes first. */
  function addStatic(pod: Pod): void {
    const { namespace, name, uid } = pod.metadata;
    const isHeld = [...workers.values()].some(({ pod: other }) => other.metadata.namespace === namespace && other.metadata.name === name);
    if (known && !isHeld && !workers.has(uid)) add(pod, emptyObservation);
  }

  /** All pods that are to run here: a static pod itself, not what stands for it. */
  const assigned = (): readonly Pod[] => [...podInformer.list().filter((pod) => !isMirror(pod)), ...(staticPods?.pods ?? [])];

  function add(pod: Pod, observation: PodObservation): void {
    const worker = new PodWorker(pod, observation, context);
    const { phase } = pod.status ?? {};
    const isNew = observation.sandboxes.length === 0 && !pod.metadata.deletionTimestamp && phase !== 'Succeeded' && phase !== 'Failed';
    const node = nodeInformer.get(nodeName) ?? agent.node;
    const others = [...workers.values()].filter((w) => w.active).map((w) => w.allocatedPod);
    workers.set(pod.metadata.uid, worker);
    const refusal = isNew && shuttingDown ? shutdownRefusal : isNew && node ? evictor.refuse(pod) ?? admitPod(pod, others, node, policy) : undefined;
    if (refusal) worker.reject(refusal.reason, refusal.message);
    else worker.begin();
  }

  /** Lists all the runtime has, and sets every worker right by it. */
  async function reconcileAll(first: boolean): Promise<void> {
    const byUid = new Map(assigned().map((pod) => [pod.metadata.uid, pod]));
    const changes = new Map([...workers.values()].map((worker) => [worker.uid, worker.changes]));
    const found = await relist(runtime, (uid) => byUid.get(uid) ?? workers.get(uid)?.pod, podDirectory);
    for (const worker of workers.values()) worker.observe(found.get(worker.uid) ?? emptyObservation, changes.get(worker.uid) ?? -1);
    if (first) {
      for (const pod of byUid.values()) if (!workers.has(pod.metadata.uid)) add(pod, found.get(pod.metadata.uid) ?? emptyObservation);
      followPods();
    }
    // Each may take its time to end: nobody waits for another.
    await Promise.all([...found].map(async ([uid, observation]) => {
      if (!workers.has(uid)) await orphans.removePod(uid, observation);
    }));
    if (!first) return;
    await orphans.removeRests();
    known = true;
    settled = true;
    for (const pod of staticPods?.pods ?? []) addStatic(pod);
    staticPods?.reconcile();
  }

  /** The runtime may end something and not say so, when it or a shim was killed at that moment. Two calls; what is as it was costs nothing more. */
  async function noticeMissed(): Promise<void> {
    const [containers, sandboxes] = await Promise.all([runtime.listContainers(), runtime.listPodSandbox()]);
    const runs = new Set([...containers.filter(({ state }) => state === 'CONTAINER_RUNNING'), ...sandboxes.filter(({ state }) => state === 'SANDBOX_READY')].map(({ id }) => id));
    const over = new Set([...containers, ...sandboxes].map(({ id }) => id).filter((id) => !runs.has(id)));
    for (const worker of workers.values()) {
      const { observation } = worker;
      const missed = [...observation.containers.filter(({ state }) => state === 'running'), ...observation.sandboxes.filter(({ ready }) => ready)].filter(({ id }) => over.has(id));
      for (const { id } of missed) void worker.notice(id);
    }
  }

  let subscription: Disposable | undefined;
  let relistTimer: Disposable | undefined;

  function followPods(): void {
    subscription?.[Symbol.dispose]();
    subscription = podInformer.subscribe({
      add: (pod) => {
        if (isMirror(pod)) return staticPods?.reconcile();
        const worker = workers.get(pod.metadata.uid);
        if (worker) worker.update(pod);
        else add(pod, emptyObservation);
      },
      update: (previous, pod) => {
        if (isMirror(pod)) return staticPods?.reconcile();
        // One name, two pods: the first was deleted and the second made between two looks.
        if (previous.metadata.uid !== pod.metadata.uid) {
          workers.get(previous.metadata.uid)?.remove();
          if (!workers.has(pod.metadata.uid)) add(pod, emptyObservation);
        } else workers.get(pod.metadata.uid)?.update(pod);
      },
      delete: (pod) => (isMirror(pod) ? staticPods?.reconcile() : workers.get(pod.metadata.uid)?.remove()),
    });
    // Of pods that went while their workers were already at it (which let the API forget them) no event comes any more.
    const present = new Set(assigned().map(({ metadata }) => metadata.uid));
    for (const worker of workers.values()) if (!present.has(worker.uid)) worker.remove();
  }

  function scheduleRelist(): void {
    relistTimer = clock.timer(RELIST_MS * (1 - RELIST_SPREAD * random.next()), () => void reconcileAll(false)
      .catch((error: unknown) => log.warn('cannot list what the runtime has', { error }))
      .finally(() => { if (!ended.signal.aborted) scheduleRelist(); }));
  }

  async function followRuntime(): Promise<void> {
    let first = true;
    for await (const event of runtime.events(ended.signal)) {
      if (event.type === 'resync') {
        try {
          await reconcileAll(first);
          first = false;
        } catch (error) {
          log.warn('cannot list what the runtime has', { error });
          if (first) throw error;
        }
        agent.report();
      } else if (event.type === 'stopped') {
        const owner = workers.values().find((worker) => worker.owns(event.id));
        if (owner) void owner.notice(event.id);
        else unclaimed.add(event.id);
        if (unclaimed.size > MOST_UNCLAIMED) unclaimed.delete(unclaimed.values().next().value!);
      }
    }
  }

  /** Until the API answers: static pods need it for nothing. What else the runtime has is left as it is. */
  async function runStaticPods(signal: AbortSignal): Promise<void> {
    for await (const event of runtime.events(signal)) {
      if (event.type === 'stopped') void workers.values().find((worker) => worker.owns(event.id))?.notice(event.id);
      if (event.type !== 'resync') continue;
      const own = new Map((staticPods?.pods ?? []).map((pod) => [pod.metadata.uid, pod]));
      const changes = new Map([...workers.values()].map((worker) => [worker.uid, worker.changes]));
      const found = await relist(runtime, (uid) => own.get(uid), podDirectory);
      if (signal.aborted) return;
      known = true;
      for (const worker of workers.values()) worker.observe(found.get(worker.uid) ?? emptyObservation, changes.get(worker.uid) ?? -1);
      for (const pod of own.values()) if (!workers.has(pod.metadata.uid)) add(pod, found.get(pod.metadata.uid) ?? emptyObservation);
    }
  }

  async function run(): Promise<void> {
    await staticPods?.start();
    const api = new AbortController();
    const early = staticPods && (async (signal) => {
      // Where there are none yet, the API is given the time that it mostly needs.
      if (staticPods.pods.length === 0) await clock.sleep(PATIENCE_MS, signal);
      await runStaticPods(signal);
    })(AbortSignal.any([api.signal, ended.signal])).catch((error: unknown) => {
      if (!api.signal.aborted && !ended.signal.aborted) log.warn('static pods must wait for the API', { error });
    });
    await Promise.all([agent.register(), podInformer.untilSynced(ended.signal), serviceInformer.untilSynced(ended.signal)]).finally(() => api.abort(new Error('the API answers')));
    await early;
    agent.start();
    podResources?.start();
    void draDrivers?.start();
    void csiDrivers?.makeNodeObject().then(() => pluginRegistry?.start()).catch((error: unknown) => log.warn('plugins cannot register', { error }));
    nodeInformer.subscribe({ add: (n) => agent.observe(n), update: (_, n) => agent.observe(n) });
    agent.tell('Normal', 'Starting', 'Starting kubelet.');
    scheduleRelist();
    while (!ended.signal.aborted) {
      try {
        await followRuntime();
      } catch (error) {
        log.warn('the runtime does not answer', { error });
        await clock.sleep(1000, ended.signal).catch(() => undefined);
      }
    }
  }

  const running = run().catch((error: unknown) => {
    if (!ended.signal.aborted && !isRuntimeError(error, 'Canceled')) log.error('the kubelet stopped working', { error });
  });

  return {
    port: server?.port,
    untilReady: (signal) => agent.untilReady(signal),
    async shutDown() {
      if (configuration.shutdown.length === 0) return;
      shuttingDown = true;
      agent.tell('Normal', 'Shutdown', 'Shutdown manager detected shutdown event');
      agent.report();
      await shutDownPods(configuration.shutdown, [...workers.values()], clock);
    },
    async [Symbol.asyncDispose]() {
      ended.abort(new Error('the kubelet is stopping'));
      subscription?.[Symbol.dispose]();
      relistTimer?.[Symbol.dispose]();
      await server?.[Symbol.asyncDispose]();
      await staticPods?.[Symbol.asyncDispose]();
      draDrivers?.[Symbol.dispose]();
      await pluginRegistry?.[Symbol.asyncDispose]();
      await podResources?.[Symbol.asyncDispose]();
      await Promise.all([...workers.values()].map((worker) => worker[Symbol.asyncDispose]()));
      await agent[Symbol.asyncDispose]();
      await statuses[Symbol.asyncDispose]();
      await recorder[Symbol.asyncDispose]();
      objects[Symbol.dispose]();
      await running;
    },
  };
}

/** The longest path that a socket can have on Linux. */
const LONGEST_SOCKET_PATH = 107;

/** Where the resources of pods are told: both roots are one folder, under two names. */
function socketPath(rootDir: string, driversRoot: string): string {
  const own = join(rootDir, 'pod-resources', 'kubelet.sock');
  return own.length > LONGEST_SOCKET_PATH ? join(driversRoot, 'pod-resources', 'kubelet.sock') : own;
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

