import type { Ingress } from '../api/generated/networking-v1.ts';
import { endpointSlices, ingressClasses, ingresses, nodes, secrets, services } from '../api/generated/resources.ts';
import { isReason } from '../api/errors.ts';
import { keyOf, parseKey } from '../api/object.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { Client } from '../client/client.ts';
import { createEventRecorder } from '../client/event-recorder.ts';
import type { InformerFactory } from '../client/informer.ts';
import { startReconciler } from '../client/start-reconciler.ts';
import { GatewayController } from './gateway/gateway-controller.ts';
import type { ProxyPlace } from './gateway/gateway-service.ts';
import { ingressRouting } from './ingress-routes.ts';
import type { Routing } from './routing.ts';
import type { Ground } from './service-places.ts';

/** The program that takes the requests. */
export interface IngressProxy {
  /**
   * Makes it serve this, and start where it does not run. Answers where it serves, undefined while there is no node to run on.
   * Rejects with what keeps it from it; what was before stays in force then.
   */
  apply(routing: Routing): Promise<ProxyPlace | undefined>;
  stop(): Promise<void>;
}

export interface IngressControllerOptions {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly proxy: IngressProxy;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface IngressController extends AsyncDisposable {
  idle(): Promise<void>;
  /** Ends, and takes back what ingresses were given: the add-on is turned off for good. */
  withdraw(): Promise<void>;
}

/** Ingress classes with this controller are ours, whatever their name. */
export const INGRESS_CONTROLLER = 'wherry.dev/ingress';
/** The class that the add-on makes. */
export const INGRESS_CLASS = 'wherry';
const DEFAULT_CLASS = 'ingressclass.kubernetes.io/is-default-class';
/** From before there were classes. */
const OLD_CLASS = 'kubernetes.io/ingress.class';
const BY_SERVICE = 'service';
const SERVICE_NAME = 'kubernetes.io/service-name';
/** All ingresses and gateways are one configuration. */
const ALL = 'all';
/** How often it is looked whether the proxy still runs. */
const LOOK_MS = 5_000;

/** Keeps a reverse proxy in step with the ingresses and gateways of our classes, and tells them the address where they are served. */
export async function startIngressController(options: IngressControllerOptions): Promise<IngressController> {
  const { client, informers, proxy, clock, random, log } = options;
  const stack = new AsyncDisposableStack();
  const recorder = stack.use(createEventRecorder({ client, clock, random, log, component: 'wherry-ingress' }));
  const ingressInformer = informers.informer(ingresses);
  const classInformer = informers.informer(ingressClasses);
  const serviceInformer = informers.informer(services);
  const sliceInformer = informers.informer(endpointSlices);
  const secretInformer = informers.informer(secrets, { fieldSelector: 'type=kubernetes.io/tls' });
  const nodeInformer = informers.informer(nodes);
  const all = [ingressInformer, classInformer, serviceInformer, sliceInformer, secretInformer, nodeInformer] as const;
  sliceInformer.addIndex(BY_SERVICE, (slice) => {
    const name = slice.metadata.labels?.[SERVICE_NAME];
    return name ? [`${slice.metadata.namespace}/${name}`] : [];
  });
  /** Problems that were told, by ingress. */
  const told = new Map<string, string>();

  const isOurs = ({ spec, metadata }: Ingress): boolean => {
    const name = spec.ingressClassName ?? metadata.annotations?.[OLD_CLASS];
    if (name !== undefined) return classInformer.get(name)?.spec?.controller === INGRESS_CONTROLLER;
    // Made before there was a default class that it would have got.
    return classInformer.list().some((one) => one.spec?.controller === INGRESS_CONTROLLER && one.metadata.annotations?.[DEFAULT_CLASS] === 'true');
  };
  const setAddress = async (ingress: Ingress, address: string | undefined): Promise<void> => {
    const present = ingress.status?.loadBalancer?.ingress ?? [];
    if (address === undefined ? present.length === 0 : present.length === 1 && present[0]!.ip === address) return;
    try {
      await client.patch(ingresses, parseKey(keyOf(ingress)), {
        type: 'application/merge-patch+json', body: { metadata: { uid: ingress.metadata.uid }, status: { loadBalancer: { ingress: address === undefined ? null : [{ ip: address }] } } },
      }, { subresource: 'status' });
    } catch (error) {
      // One that is gone needs no address.
      if (!isReason(error, 'NotFound')) throw error;
    }
  };

  const ground: Ground = {
    service: (namespace, name) => serviceInformer.get(`${namespace}/${name}`),
    slices: (namespace, name) => sliceInformer.byIndex(BY_SERVICE, `${namespace}/${name}`),
    secret: (namespace, name) => secretInformer.get(`${namespace}/${name}`),
  };
  const reconcile = async (): Promise<{ requeueAfterMs: number }> => {
    await Promise.all(all.map((informer) => informer.untilSynced()));
    const ours = ingressInformer.list().filter((ingress) => !ingress.metadata.deletionTimestamp && isOurs(ingress));
    const own = ingressRouting(ours, ground);
    const gateways = await gatewayController.routing(ground);
    const place = await proxy.apply({ listeners: [own.listener, ...gateways.listeners], backends: new Map([...own.backends, ...gateways.backends]) });
    for (const ingress of ours) {
      await setAddress(ingress, place?.address);
      const problem = own.problems.get(keyOf(ingress))?.join('; ') ?? '';
      if (problem && told.get(keyOf(ingress)) !== problem) recorder.event(ingress, 'Warning', 'NotServed', problem);
      told.set(keyOf(ingress), problem);
    }
    for (const key of told.keys()) if (!ingressInformer.get(key)) told.delete(key);
    await gatewayController.tell(gateways, place);
    return { requeueAfterMs: LOOK_MS };
  };

  const reconciler = stack.use(startReconciler({ name: 'ingress', clock, log, reconcile }));
  const again = (): void => reconciler.enqueue(ALL);
  const gatewayController = stack.use(new GatewayController({ client, informers, clock, log: log.child('gateway'), again }));
  for (const informer of all) stack.use(informer.subscribe({ add: again, update: again, delete: again }));
  await client.create(ingressClasses, { metadata: { name: INGRESS_CLASS, annotations: { [DEFAULT_CLASS]: 'true' } }, spec: { controller: INGRESS_CONTROLLER } }).catch((error: unknown) => {
    if (!isReason(error, 'AlreadyExists')) throw error;
  });
  again();
  return {
    idle: () => reconciler.idle(),
    async withdraw() {
      const given = ingressInformer.list().filter(isOurs);
      await recorder.flush();
      await stack.disposeAsync();
      await proxy.stop();
      await gatewayController.withdraw();
      for (const ingress of given) await setAddress(ingress, undefined);
      await client.delete(ingressClasses, { name: INGRESS_CLASS }).catch((error: unknown) => {
        if (!isReason(error, 'NotFound')) throw error;
      });
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
