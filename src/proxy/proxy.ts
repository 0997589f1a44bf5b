import type { Node, Pod, Service } from '../api/generated/core-v1.ts';
import type { EndpointSlice } from '../api/generated/discovery-v1.ts';
import { endpointSlices, nodes, pods, services } from '../api/generated/resources.ts';
import { keyOf } from '../api/object.ts';
import { IPV4, type AddressFamily } from '../base/address-family.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { runNft, type NftRunner } from '../base/nft-runner.ts';
import type { InformerFactory } from '../client/informer.ts';
import { staleFlows, udpEntrances } from './conntrack-cleanup.ts';
import { HealthChecks, type HealthCheck } from './health-checks.ts';
import { startHealthServer } from './health-server.ts';
import { ProxyHealth } from './proxy-health.ts';
import { conntrackRunner, type ConntrackRunner } from './conntrack-runner.ts';
import { RuleStore } from './rule-store.ts';
import { servicePorts, type ServicePortState } from './service-ports.ts';
import { hostPortRules, hostPorts, type HostPort } from './host-ports.ts';
import { serviceRules } from './service-rules.ts';
import { TABLE } from './skeleton.ts';
import { startStatusServer } from './status-server.ts';

export interface ProxyOptions {
  readonly informers: InformerFactory;
  /** Default IPv4; all addresses and ranges here are of this family. */
  readonly family?: AddressFamily;
  readonly nodeName: string;
  /** Node ports are open on this address. */
  readonly nodeAddress: string;
  /** All pods of the cluster. */
  readonly clusterCidr: string;
  /** All services of the cluster; when given, addresses of no service are refused at once. */
  readonly serviceCidr?: string;
  /** Where all of the node's addresses answer `/healthz` and `/livez`, 10256 everywhere; none without. */
  readonly healthPort?: number;
  /** Where the node's loopback answers `/proxyMode`, 10249 everywhere; none without. */
  readonly statusPort?: number;
  /** Default: the programs, in the network namespace of this process. */
  readonly nft?: NftRunner;
  readonly conntrack?: ConntrackRunner;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Proxy extends AsyncDisposable {
  /** What is meant; for looking at, and for `tracePacket`. */
  readonly rules: RuleStore;
  /** Resolves when everything the caches say is in the kernel. */
  idle(): Promise<void>;
  /**
   * Resolves when no service sends new connections to a pod that was deleted, save for want of another; or when that takes too long, or the signal
   * aborts. At once for a pod that no service has, and only then to false. It never rejects.
   */
  drained(pod: Pod, signal?: AbortSignal): Promise<boolean>;
}

/** Longer no pod waits for its services, for its end has a deadline: a third of its grace, between these. */
const DRAIN_PATIENCE_MS = [3_000, 10_000] as const;
/** The other nodes hear of it when we do, and write at the same time: so much at least for the slower ones among them, and as long as it took us where that was longer. */
const OTHER_NODES_MS = 100;

/** After a refusal, milliseconds to the next try, doubling to the second number. */
const RETRY_MS = [500, 30_000] as const;

const BY_SERVICE = 'service';
const BY_POD = 'pod';
const SERVICE_NAME = 'kubernetes.io/service-name';
const ZONE = 'topology.kubernetes.io/zone';

/**
 * Keeps the node's nftables in step with services and endpoint slices. Nothing is written before all is known, so that the rules
 * of an earlier process stay in force until then; then what changes is written, what comes in during a write goes with the next one.
 * Disposing ends the work and leaves the rules: traffic flows on while the node process is away.
 */
export async function startProxy(options: ProxyOptions): Promise<Proxy> {
  const { informers, family = IPV4, nodeName, nodeAddress, clusterCidr, serviceCidr, healthPort, statusPort, nft = runNft, conntrack = conntrackRunner([], family), clock, log } = options;
  let zone: string | undefined;
  const store = new RuleStore({ family, nodeAddress, ...(serviceCidr ? { serviceCidr } : {}) });
  const states = new Map<string, readonly ServicePortState[]>();
  const podPorts = new Map<string, readonly HostPort[]>();
  const checks = new Map<string, HealthCheck>();
  const health = new ProxyHealth(clock);
  const serviceHealth = new HealthChecks({ address: nodeAddress, log, healthy: () => health.healthy });
  const dirtyServices = new Set<string>();
  const dirtyPods = new Set<string>();
  const waiters: (() => void)[] = [];
  const draining = new Set<() => void>();
  const ending = new AbortController();
  let resync = true;
  let started = false;
  let running = false;
  let closed = false;
  let failures = 0;
  let timer: Disposable | undefined;
  let current: Promise<void> = Promise.resolve();

  const serviceInformer = informers.informer(services);
  const sliceInformer = informers.informer(endpointSlices);
  const podInformer = informers.informer(pods, { fieldSelector: `spec.nodeName=${nodeName}` });
  const nodeInformer = informers.informer(nodes, { fieldSelector: `metadata.name=${nodeName}` });
  sliceInformer.addIndex(BY_SERVICE, (slice) => {
    const name = slice.metadata.labels?.[SERVICE_NAME];
    return name ? [`${slice.metadata.namespace}/${name}`] : [];
  });

  sliceInformer.addIndex(BY_POD, (slice) => (slice.endpoints ?? []).flatMap(({ targetRef }) => targetRef?.uid ?? []));

  const schedule = (milliseconds: number): void => {
    if (closed || running || !started || timer) return;
    timer = clock.timer(milliseconds, () => {
      timer = undefined;
      current = sync();
    });
  };
  const touchService = (key: string): void => {
    dirtyServices.add(key);
    health.queued();
    schedule(0);
  };
  const touchSlice = (slice: EndpointSlice): void => {
    const name = slice.metadata.labels?.[SERVICE_NAME];
    if (name) touchService(`${slice.metadata.namespace}/${name}`);
  };
  const touchPod = (pod: Pod): void => {
    if (!dirtyPods.has(keyOf(pod)) && !hasHostPorts(pod)) return;
    dirtyPods.add(keyOf(pod));
    health.queued();
    schedule(0);
  };
  /** What is near depends on where we are. */
  const touchNode = (node: Node): void => {
    if (node.metadata.name !== nodeName || node.metadata.labels?.[ZONE] === zone) return;
    zone = node.metadata.labels?.[ZONE];
    for (const service of serviceInformer.list()) touchService(keyOf(service));
  };
  const subscriptions = [
    nodeInformer.subscribe({ add: touchNode, update: (_, node) => touchNode(node) }),
    serviceInformer.subscribe({ add: (service) => touchService(keyOf(service)), update: (_, service) => touchService(keyOf(service)), delete: (service) => touchService(keyOf(service)) }),
    sliceInformer.subscribe({
      add: touchSlice,
      update(previous, slice) {
        touchSlice(previous);
        touchSlice(slice);
      },
      delete: touchSlice,
    }),
    podInformer.subscribe({ add: touchPod, update: (_, pod) => touchPod(pod), delete: touchPod }),
  ];

  /** Takes what changed into the store. Answers whether UDP is concerned. */
  const collect = (): boolean => {
    let udp = false;
    for (const key of dirtyServices) {
      const service = serviceInformer.get(key);
      const before = states.get(key) ?? [];
      const after = service ? servicePorts(service, sliceInformer.byIndex(BY_SERVICE, key), { name: nodeName, ...(zone && { zone }) }, family) : [];
      udp ||= [...before, ...after].some(({ protocol }) => protocol === 'udp');
      if (after.length > 0) states.set(key, after);
      else states.delete(key);
      store.put(`service/${key}`, after.length > 0 ? serviceRules(after, { clusterCidr }) : undefined);
      const check = service && healthCheck(service, after);
      if (check) checks.set(key, check);
      else checks.delete(key);
    }
    for (const key of dirtyPods) {
      const pod = podInformer.get(key);
      const ports = pod ? hostPorts(pod, { nodeAddress, family }) : [];
      udp ||= [...(podPorts.get(key) ?? []), ...ports].some(({ protocol }) => protocol === 'udp');
      if (ports.length > 0) podPorts.set(key, ports);
      else podPorts.delete(key);
      store.put(`pod/${key}`, ports.length > 0 ? hostPortRules(keyOf(pod!), ports) : undefined);
    }
    dirtyServices.clear();
    dirtyPods.clear();
    return udp;
  };

  const forgetStaleFlows = async (): Promise<void> => {
    const entrances = udpEntrances([...states.values()].flat(), nodeAddress);
    for (const { protocol, entrances: at, target } of [...podPorts.values()].flat()) {
      if (protocol === 'udp') for (const { address, port } of at) entrances.set(`${address}:${port}`, new Set([`${target.address}:${target.port}`]));
    }
    if (entrances.size === 0) return;
    for (const flow of staleFlows(await conntrack.listUdp(), entrances)) await conntrack.deleteUdp(flow);
  };

  const sync = async (): Promise<void> => {
    running = true;
    const began = clock.monotonic();
    let pauseMs = 0;
    try {
      const udp = collect();
      serviceHealth.set([...checks.values()]);
      const full = resync;
      const transaction = full ? store.resync((await nft.present(family.name, TABLE)) ?? { chains: [], sets: [] }) : store.changes();
      if (transaction) {
        await nft.apply(transaction);
        pauseMs = clock.monotonic() - began;
        log[full ? 'info' : 'debug'](full ? 'wrote all service rules' : 'wrote changed service rules', { services: states.size, bytes: transaction.length, ms: Math.round(pauseMs) });
      }
      store.written();
      resync = false;
      failures = 0;
      health.written();
      for (const look of draining) look();
      if (dirtyServices.size + dirtyPods.size > 0) health.queued();
      if (udp || full) await forgetStaleFlows().catch((error: unknown) => log.warn('UDP flows to backends that are gone may linger', { error }));
    } catch (error) {
      // The kernel kept what it had. What we think it has may be wrong, so the next try writes everything.
      resync = true;
      pauseMs = Math.min(RETRY_MS[0] * 2 ** failures++, RETRY_MS[1]);
      log.error('service rules are not in force', { error, retryMs: pauseMs });
    } finally {
      running = false;
    }
    // A pause as long as the work: half of the time at most goes into rules, however fast changes come.
    if (resync || dirtyServices.size + dirtyPods.size > 0) schedule(pauseMs);
    else for (const resolve of waiters.splice(0)) resolve();
  };

  const healthServer = healthPort === undefined ? undefined : startHealthServer({ address: family.name === 'ip' ? '0.0.0.0' : '::', port: healthPort, health, node: () => nodeInformer.get(nodeName), log });
  const statusServer = statusPort === undefined ? undefined : startStatusServer({ port: statusPort, log });
  const ready = Promise.all([serviceInformer, sliceInformer, podInformer, nodeInformer].map((informer) => informer.untilSynced())).then(() => {
    started = true;
    schedule(0);
  });
  const idle = async (): Promise<void> => {
    await ready;
    if (!running && !timer) return;
    await new Promise<void>((resolve) => waiters.push(resolve));
  };

  const endpointsOf = ({ metadata: { uid } }: Pod) => sliceInformer.byIndex(BY_POD, uid).flatMap(({ endpoints = [] }) => endpoints.filter(({ targetRef }) => targetRef?.uid === uid));
  const drained = async (pod: Pod, signal?: AbortSignal): Promise<boolean> => {
    const ended = Promise.withResolvers<void>();
    const unsettled = (): boolean => endpointsOf(pod).some(({ conditions }) => (conditions?.ready ?? true) && !conditions?.terminating);
    if (!started || endpointsOf(pod).length === 0) return false;
    if (closed || signal?.aborted) return true;
    const began = clock.monotonic();
    /** To be called when all that the caches say is written. */
    const look = (): void => {
      if (!unsettled() && dirtyServices.size === 0) ended.resolve();
    };
    const limit = AbortSignal.any([...(signal ? [signal] : []), ending.signal]);
    const [least, most] = DRAIN_PATIENCE_MS;
    using timer = clock.timer(Math.min(Math.max(least, ((pod.metadata.deletionGracePeriodSeconds ?? 30) * 1000) / 3), most), ended.resolve);
    void timer;
    limit.addEventListener('abort', () => ended.resolve(), { once: true });
    draining.add(look);
    if (!running) look();
    await ended.promise.finally(() => draining.delete(look));
    await clock.sleep(Math.max(OTHER_NODES_MS, clock.monotonic() - began), limit).catch(() => 'the pod is in a hurry');
    return true;
  };

  return {
    rules: store,
    idle,
    drained,
    async [Symbol.asyncDispose]() {
      closed = true;
      ending.abort();
      timer?.[Symbol.dispose]();
      for (const subscription of subscriptions) subscription[Symbol.dispose]();
      for (const resolve of waiters.splice(0)) resolve();
      await current;
      await serviceHealth[Symbol.asyncDispose]();
      await healthServer?.[Symbol.asyncDispose]();
      await statusServer?.[Symbol.asyncDispose]();
    },
  };
}

function hasHostPorts(pod: Pod): boolean {
  return [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].some(({ ports }) => ports?.some(({ hostPort }) => hostPort));
}

function healthCheck(service: Service, ports: readonly ServicePortState[]): HealthCheck | undefined {
  const port = service.spec?.healthCheckNodePort;
  if (!port || ports.length === 0 || !ports[0]!.externalLocal) return undefined;
  // Those that end already do not count, so that load balancers leave in time.
  return { port, namespace: service.metadata.namespace, name: service.metadata.name, localEndpoints: Math.max(...ports.map(({ backends }) => backends.readyHere)) };
}
