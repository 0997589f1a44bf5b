import type { Node, Service } from '../api/generated/core-v1.ts';
import { endpointSlices, nodes, services } from '../api/generated/resources.ts';
import { keyOf, parseKey } from '../api/object.ts';
import { isReason } from '../api/errors.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { systemRandom, type Random } from '../base/random.ts';
import type { Client } from '../client/client.ts';
import { createEventRecorder } from '../client/event-recorder.ts';
import type { InformerFactory } from '../client/informer.ts';
import { startReconciler } from '../client/start-reconciler.ts';
import { assignAddresses, inPool, presentAddress, type AddressPool } from './assign-addresses.ts';
import { backingNodes, chooseNode } from './choose-node.ts';

/** The host's routes to the addresses of the pool. */
export interface Routes {
  /** What there is now: address → the node it leads to. */
  list(): Promise<ReadonlyMap<string, string>>;
  /** Makes or moves one. */
  set(address: string, node: string): Promise<void>;
  remove(address: string): Promise<void>;
}

export interface BalancerOptions {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly pool: AddressPool;
  readonly routes: Routes;
  /** Whether the host has a way of its own to the node; default: to all. Traffic comes in by such a node, whichever nodes have the backends. */
  isNear?(node: Node): boolean;
  readonly clock: Clock;
  readonly random?: Random;
  readonly log: Log;
  /** Whether disposing gives all addresses back (the tunnel) or leaves them (the add-on). */
  readonly takeBack?: boolean;
  /** Told when a service gets or loses its address. */
  onChange?(change: { readonly service: Service; readonly address: string | undefined }): void;
}

export interface Balancer extends AsyncDisposable {
  /** Resolves when nothing is left to do. */
  idle(): Promise<void>;
  /** Ends, and gives all addresses back whatever `takeBack` says: the add-on is turned off for good. */
  withdraw(): Promise<void>;
}

/** Services may ask for us by this class; those of other classes are left to others. */
export const BALANCER_CLASS = 'wherry.dev/load-balancer';
const BY_SERVICE = 'service';
const SERVICE_NAME = 'kubernetes.io/service-name';
/** One decision about all services: an address given to one is none for the others. */
const ALL = 'all';

/** Gives addresses of the pool to services of type LoadBalancer, and makes them reachable from the host. Upstream's part of it: cloud-provider's service controller. */
export async function startBalancer(options: BalancerOptions): Promise<Balancer> {
  const { client, informers, pool, routes, clock, random = systemRandom, log, takeBack = false, onChange, isNear = () => true } = options;
  const stack = new AsyncDisposableStack();
  const recorder = stack.use(createEventRecorder({ client, clock, random, log, component: 'wherry-load-balancer' }));
  const serviceInformer = informers.informer(services);
  const sliceInformer = informers.informer(endpointSlices);
  const nodeInformer = informers.informer(nodes);
  sliceInformer.addIndex(BY_SERVICE, (slice) => {
    const name = slice.metadata.labels?.[SERVICE_NAME];
    return name ? [`${slice.metadata.namespace}/${name}`] : [];
  });
  /** The cached version of each service at our last write: until the cache has moved on, it does not show what we wrote. */
  const writtenUpon = new Map<string, string>();
  /** Services that had no backend when last looked at: nobody is connected to them, so that they may move to another node. */
  const idle = new Set<string>();
  /** Refusals that were told, by service. */
  const told = new Map<string, string>();

  const write = async (service: Service, address: string | undefined): Promise<void> => {
    const ingress = address === undefined ? null : [{ ip: address, ipMode: 'VIP' }];
    try {
      await client.patch(services, parseKey(keyOf(service)), {
        type: 'application/merge-patch+json', body: { metadata: { uid: service.metadata.uid }, status: { loadBalancer: { ingress } } },
      }, { subresource: 'status' });
    } catch (error) {
      // A service that is gone needs no address.
      if (!isReason(error, 'NotFound')) throw error;
      return;
    }
    log.info(address ? 'gave a service its address' : 'took the address of a service back', { service: keyOf(service), ...(address && { address }) });
    onChange?.({ service, address });
  };

  const reconcile = async (): Promise<void> => {
    await Promise.all([serviceInformer.untilSynced(), sliceInformer.untilSynced(), nodeInformer.untilSynced()]);
    const all = serviceInformer.list();
    const ours = all.filter(isOurs);
    const { addresses, refused } = assignAddresses(ours, pool);
    const wantedRoutes = new Map<string, string>();
    const present = await routes.list();
    for (const service of ours) {
      const key = keyOf(service);
      const address = addresses.get(key);
      const slices = sliceInformer.byIndex(BY_SERVICE, key);
      const node = address && chooseNode(service, nodeInformer.list().filter(isNear), slices, idle.has(key) ? undefined : present.get(address));
      if (backingNodes(slices).size > 0) idle.delete(key);
      else idle.add(key);
      if (address && node) wantedRoutes.set(address, node);
    }
    // First the way, then the address: whoever reads the address can use it.
    await applyRoutes(routes, pool, present, wantedRoutes);
    for (const service of all) {
      const key = keyOf(service);
      const address = addresses.get(key);
      const before = presentAddress(service, pool);
      if (before === address || writtenUpon.get(key) === service.metadata.resourceVersion) continue;
      await write(service, address);
      writtenUpon.set(key, service.metadata.resourceVersion);
      if (address) recorder.event(service, 'Normal', 'EnsuredLoadBalancer', `Assigned the address ${address}. ${howToReach(service, address)}`);
    }
    for (const [key, why] of refused) {
      const service = serviceInformer.get(key);
      if (service && told.get(key) !== why) recorder.event(service, 'Warning', 'AllocationFailed', `No address for this load balancer: ${why}`);
    }
    for (const known of [writtenUpon, idle]) for (const key of known.keys()) if (!serviceInformer.get(key)) known.delete(key);
    told.clear();
    for (const [key, why] of refused) told.set(key, why);
  };

  const reconciler = stack.use(startReconciler({ name: 'load-balancer', clock, log, reconcile }));
  const again = (): void => reconciler.enqueue(ALL);
  for (const informer of [serviceInformer, sliceInformer, nodeInformer]) stack.use(informer.subscribe({ add: again, update: again, delete: again }));
  again();
  const withdraw = async (): Promise<void> => {
    await recorder.flush();
    await stack.disposeAsync();
    try {
      for (const service of serviceInformer.list()) if (presentAddress(service, pool)) await write(service, undefined);
    } finally {
      // Even when the API server is out of reach: no route is left behind.
      await applyRoutes(routes, pool, await routes.list(), new Map());
    }
  };
  return {
    idle: () => reconciler.idle(),
    withdraw,
    [Symbol.asyncDispose]: () => (takeBack ? withdraw() : stack.disposeAsync()),
  };
}

function isOurs({ spec, metadata }: Service): boolean {
  return spec?.type === 'LoadBalancer' && !metadata.deletionTimestamp && (spec.loadBalancerClass === undefined || spec.loadBalancerClass === BALANCER_CLASS);
}

async function applyRoutes(routes: Routes, pool: AddressPool, present: ReadonlyMap<string, string>, wanted: ReadonlyMap<string, string>): Promise<void> {
  for (const [address, node] of wanted) if (present.get(address) !== node) await routes.set(address, node);
  for (const address of present.keys()) if (!wanted.has(address) && inPool(address, pool)) await routes.remove(address);
}

function howToReach(service: Service, address: string): string {
  const port = service.spec?.ports?.find(({ protocol }) => (protocol ?? 'TCP') === 'TCP')?.port;
  return port === undefined ? 'It can be reached from this machine.' : `It can be reached from this machine: curl http://${address}${port === 80 ? '' : `:${port}`}`;
}
