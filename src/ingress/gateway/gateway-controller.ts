import type { Service } from '../../api/generated/core-v1.ts';
import type { EndpointSlice } from '../../api/generated/discovery-v1.ts';
import { customResourceDefinitions, endpointSlices, namespaces, services } from '../../api/generated/resources.ts';
import { isReason } from '../../api/errors.ts';
import { keyOf, parseKey, type KubeObject, type ResourceType } from '../../api/object.ts';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import type { Informer, InformerFactory } from '../../client/informer.ts';
import type { Ground } from '../service-places.ts';
import { conditionsOf } from './conditions.ts';
import { gatewayDefinitions } from './definitions.ts';
import { gatewayClasses, gateways, grpcRoutes, httpRoutes, referenceGrants, tlsRoutes, type Gateway, type GatewayClass, type ParentReference, type Route, type RouteStatus } from './gateway-api.ts';
import { gatewayRouting, routeKey, type GatewayRouting } from './gateway-routing.ts';
import { gatewayService, gatewaySlice, isUpToDate, serviceName, type ProxyPlace } from './gateway-service.ts';
import { classVerdicts, gatewayVerdicts, SUPPORTED_FEATURES } from './gateway-status.ts';
import { judgeListeners } from './listeners.ts';

export interface GatewayControllerOptions {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when something has changed. */
  readonly again: () => void;
}

/** Gateway classes with this controller are ours, whatever their name. */
export const GATEWAY_CONTROLLER = 'wherry.dev/gateway';
/** The class that the add-on makes. */
export const GATEWAY_CLASS = 'wherry';

const ROUTES = [httpRoutes, grpcRoutes, tlsRoutes] as const;
const DEFINITION_MS = 50;
const NO_ROUTING: GatewayRouting = { listeners: [], backends: new Map(), verdicts: new Map(), parents: new Map() };

/** The gateways' half of the ingress controller: what they want of the proxy, and what is said of them. */
export class GatewayController implements AsyncDisposable {
  readonly #options: GatewayControllerOptions;
  readonly #ending = new AbortController();
  readonly #stack = new DisposableStack();
  readonly #begun: Promise<void>;
  /** Key of a gateway → why it has no service. */
  readonly #problems = new Map<string, string>();
  /** Set when the kinds are served and followed. */
  #followed: Followed | undefined;

  constructor(options: GatewayControllerOptions) {
    this.#options = options;
    this.#begun = this.#begin().catch((error: unknown) => {
      if (!this.#ending.signal.aborted) options.log.error('the Gateway API is not served', { error });
    });
  }

  /** Makes the kinds and the class where they are missing; those of somebody else are left as they are. */
  async #begin(): Promise<void> {
    const { client, informers, clock, again } = this.#options;
    for (const definition of gatewayDefinitions()) await client.create(customResourceDefinitions, definition).catch(unless('AlreadyExists'));
    const names = gatewayDefinitions().map(({ metadata }) => metadata.name!);
    const isServed = async (name: string): Promise<boolean> => (await client.get(customResourceDefinitions, { name })).status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True') ?? false;
    while (!(await Promise.all(names.map(isServed))).every(Boolean)) await clock.sleep(DEFINITION_MS, this.#ending.signal);
    await client.create(gatewayClasses, { metadata: { name: GATEWAY_CLASS }, spec: { controllerName: GATEWAY_CONTROLLER, description: 'HAProxy, by the ingress add-on of wherry' } }).catch(unless('AlreadyExists'));
    const followed: Followed = {
      classes: informers.informer(gatewayClasses), gateways: informers.informer(gateways), routes: ROUTES.map((one) => informers.informer(one as ResourceType<Route>)), grants: informers.informer(referenceGrants),
      namespaces: informers.informer(namespaces), services: informers.informer(services), slices: informers.informer(endpointSlices),
    };
    const all = [followed.classes, followed.gateways, ...followed.routes, followed.grants, followed.namespaces] as readonly Informer<unknown>[];
    await Promise.all(all.map((informer) => informer.untilSynced(this.#ending.signal)));
    for (const informer of all) this.#stack.use(informer.subscribe({ add: again, update: again, delete: again }));
    this.#followed = followed;
    again();
  }

  /** What all gateways want. Makes their services first, for these say on which ports the proxy listens. */
  async routing(ground: Ground): Promise<GatewayRouting> {
    const followed = this.#followed;
    if (!followed) return NO_ROUTING;
    const grants = followed.grants.list();
    const ours = this.#ours(followed);
    const made = new Map<string, Service | undefined>();
    for (const gateway of ours) made.set(keyOf(gateway), await this.#service(gateway, gatewayService(gateway, judgeListeners(gateway, ground, grants), this.#presentService(gateway))));
    return gatewayRouting({
      ...ground, gateways: ours, routes: followed.routes.flatMap((informer) => informer.list()).filter(({ metadata }) => !metadata.deletionTimestamp), grants,
      namespaceLabels: (name) => followed.namespaces.get(name)?.metadata.labels,
      portFor: (gateway, port) => made.get(keyOf(gateway))?.spec.ports?.find((one) => one.port === port)?.nodePort,
    });
  }

  /** Leads the services to the proxy and writes every status. `place`: where the proxy runs; undefined when it does not. */
  async tell(routing: GatewayRouting, place: ProxyPlace | undefined): Promise<void> {
    const followed = this.#followed;
    if (!followed) return;
    for (const one of followed.classes.list().filter(isOurs)) await this.#setStatus(gatewayClasses, one, (now) => ({
      conditions: conditionsOf(classVerdicts(one), one.status?.conditions, one.metadata.generation, now), supportedFeatures: SUPPORTED_FEATURES.map((name) => ({ name })),
    }));
    for (const gateway of this.#ours(followed)) {
      const verdicts = routing.verdicts.get(keyOf(gateway));
      const service = this.#presentService(gateway);
      if (!verdicts) continue;
      if (place && service) await this.#slice(gatewaySlice(service, place));
      const address = place && service?.status?.loadBalancer?.ingress?.find(({ ip }) => ip)?.ip;
      await this.#setStatus(gateways, gateway, (now) => ({
        addresses: address ? [{ type: 'IPAddress', value: address }] : [],
        conditions: conditionsOf(gatewayVerdicts(gateway, verdicts, address, this.#problems.get(keyOf(gateway))), gateway.status?.conditions, gateway.metadata.generation, now),
        listeners: verdicts.map(({ listener, kinds, attachedRoutes, conditions }) => ({
          name: listener.name, supportedKinds: kinds, attachedRoutes,
          conditions: conditionsOf(conditions, gateway.status?.listeners?.find(({ name }) => name === listener.name)?.conditions, gateway.metadata.generation, now),
        })),
      }));
    }
    for (const [i, informer] of followed.routes.entries()) for (const route of informer.list()) await this.#setRouteStatus(ROUTES[i] as ResourceType<Route>, route, routing);
  }

  /** Takes back what gateways and routes were given. The kinds stay, for objects of them are somebody's. */
  async withdraw(): Promise<void> {
    const { client } = this.#options;
    const followed = this.#followed;
    await this[Symbol.asyncDispose]();
    if (!followed) return;
    for (const gateway of this.#ours(followed)) {
      const present = followed.services.get(`${gateway.metadata.namespace}/${serviceName(gateway)}`);
      if (present && isOf(present, gateway)) await client.delete(services, parseKey(keyOf(present))).catch(unless('NotFound'));
      await this.#setStatus(gateways, gateway, () => ({ addresses: null, listeners: null, conditions: null }));
    }
    for (const [i, informer] of followed.routes.entries()) for (const route of informer.list()) await this.#setRouteStatus(ROUTES[i] as ResourceType<Route>, route, NO_ROUTING);
    await client.delete(gatewayClasses, { name: GATEWAY_CLASS }).catch(unless('NotFound'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort(new Error('the add-on is ending'));
    await this.#begun;
    this.#stack[Symbol.dispose]();
  }

  #ours(followed: Followed): Gateway[] {
    return followed.gateways.list().filter(({ metadata, spec }) => {
      const own = followed.classes.get(spec.gatewayClassName);
      return !metadata.deletionTimestamp && own !== undefined && isOurs(own) && !own.spec.parametersRef;
    });
  }

  #presentService(gateway: Gateway): Service | undefined {
    const found = this.#followed!.services.get(`${gateway.metadata.namespace}/${serviceName(gateway)}`);
    return found && isOf(found, gateway) ? found : undefined;
  }

  async #service(gateway: Gateway, wanted: ReturnType<typeof gatewayService>): Promise<Service | undefined> {
    const { client } = this.#options;
    const present = this.#presentService(gateway);
    if (!wanted) {
      if (present) await client.delete(services, parseKey(keyOf(present))).catch(unless('NotFound'));
      return undefined;
    }
    this.#problems.delete(keyOf(gateway));
    if (present && isUpToDate(present, wanted)) return present;
    try {
      if (!present) return await client.create(services, wanted);
      return await client.patch(services, parseKey(keyOf(present)), { type: 'application/merge-patch+json', body: { metadata: { labels: wanted.metadata.labels, annotations: wanted.metadata.annotations }, spec: wanted.spec } });
    } catch (error) {
      // Its own fault (an address that is none, somebody else's service of that name, a namespace that is ending) must not keep others waiting.
      if (!isReason(error, 'AlreadyExists', 'Invalid', 'Forbidden', 'NotFound')) throw error;
      this.#problems.set(keyOf(gateway), `it has no service: ${(error as Error).message}`);
      return present;
    }
  }

  async #slice(wanted: ReturnType<typeof gatewaySlice>): Promise<void> {
    const { client } = this.#options;
    const present = this.#followed!.slices.get(`${wanted.metadata.namespace}/${wanted.metadata.name}`);
    const shape = ({ endpoints = [], ports = [] }: Pick<EndpointSlice, 'endpoints' | 'ports'>): string => JSON.stringify([endpoints.map(({ addresses, nodeName }) => [addresses, nodeName]), ports.map(({ name, port }) => [name, port])]);
    if (!present) await client.create(endpointSlices, wanted).catch(unless('AlreadyExists'));
    else if (shape(present) !== shape(wanted)) await client.update(endpointSlices, { ...present, endpoints: wanted.endpoints, ports: wanted.ports! });
  }

  async #setRouteStatus(resource: ResourceType<Route>, route: Route, routing: GatewayRouting): Promise<void> {
    const present = route.status?.parents ?? [];
    const others = present.filter(({ controllerName }) => controllerName !== GATEWAY_CONTROLLER);
    const wanted = routing.parents.get(routeKey(route)) ?? [];
    if (wanted.length === 0 && others.length === present.length) return;
    await this.#setStatus(resource, route, (now): RouteStatus => ({
      parents: [...others, ...wanted.map(({ parentRef, conditions }) => ({
        parentRef, controllerName: GATEWAY_CONTROLLER,
        conditions: conditionsOf(conditions, present.find((one) => one.controllerName === GATEWAY_CONTROLLER && isSame(one.parentRef, parentRef))?.conditions, route.metadata.generation, now),
      }))],
    }));
  }

  /** Writes it where it is another than the cache shows. */
  async #setStatus<T extends KubeObject & { readonly status?: unknown }>(resource: ResourceType<T>, present: T, statusAt: (now: string) => object): Promise<void> {
    const { client, clock } = this.#options;
    const status = statusAt(`${new Date(clock.now()).toISOString().slice(0, 19)}Z`);
    const changed = Object.entries(status).some(([field, value]) => !isEqual((present.status as Readonly<Record<string, unknown>> | undefined)?.[field], value));
    if (!changed) return;
    await client.patch(resource, parseKey(keyOf(present)), { type: 'application/merge-patch+json', body: { metadata: { uid: present.metadata.uid }, status } }, { subresource: 'status' }).catch(unless('NotFound'));
  }
}

interface Followed {
  readonly classes: Informer<GatewayClass>;
  readonly gateways: Informer<Gateway>;
  readonly routes: readonly Informer<Route>[];
  readonly grants: Informer<NonNullable<(typeof referenceGrants)['__object']>>;
  readonly namespaces: Informer<NonNullable<(typeof namespaces)['__object']>>;
  readonly services: Informer<Service>;
  readonly slices: Informer<EndpointSlice>;
}

function isOurs({ spec }: GatewayClass): boolean {
  return spec.controllerName === GATEWAY_CONTROLLER;
}

function isOf(service: Service, gateway: Gateway): boolean {
  return service.metadata.ownerReferences?.some(({ uid }) => uid === gateway.metadata.uid) ?? false;
}

function isSame(a: ParentReference, b: ParentReference): boolean {
  return a.group === b.group && a.kind === b.kind && a.namespace === b.namespace && a.name === b.name && a.sectionName === b.sectionName && a.port === b.port;
}

/** As JSON says it, whatever the order of fields; an empty list is as good as none. */
function isEqual(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) return '';
  return JSON.stringify(value, (_, part: unknown) => (part && typeof part === 'object' && !Array.isArray(part) ? Object.fromEntries(Object.entries(part).toSorted(([x], [y]) => (x < y ? -1 : 1))) : part));
}

function unless(reason: 'AlreadyExists' | 'NotFound'): (error: unknown) => undefined {
  return (error) => {
    if (!isReason(error, reason)) throw error;
    return undefined;
  };
}
