import { keyOf } from '../../api/object.ts';
import type { Backend, Bind, Listener, Match, Mirror, Rule, Share } from '../routing.ts';
import { servicePlaces, type Ground } from '../service-places.ts';
import { attachRoute } from './attach-routes.ts';
import { fails, holds, type Verdict } from './conditions.ts';
import { GATEWAY_GROUP, type Gateway, type MirrorReference, type ParentReference, type ReferenceGrant, type Route } from './gateway-api.ts';
import { byHost } from './hostnames.ts';
import { judgeListeners, type ListenerMode, type ListenerVerdict } from './listeners.ts';
import { byPrecedence, type Candidate } from './match-precedence.ts';
import { isPermitted } from './reference-grants.ts';
import { editsOfReference, routeRules, type Edits, type MirrorAsked, type RouteRule } from './route-rules.ts';

/** All that gateways say and name. */
export interface GatewayGround extends Ground {
  /** Those of our classes. */
  readonly gateways: readonly Gateway[];
  readonly routes: readonly Route[];
  readonly grants: readonly ReferenceGrant[];
  namespaceLabels(name: string): Readonly<Record<string, string>> | undefined;
  /** Where the proxy is to listen for a port of a gateway; undefined as long as that is not known. */
  portFor(gateway: Gateway, port: number): number | undefined;
}

export interface GatewayRouting {
  readonly listeners: readonly Listener[];
  readonly backends: ReadonlyMap<string, Backend>;
  /** By key of the gateway. */
  readonly verdicts: ReadonlyMap<string, readonly (ListenerVerdict & { readonly attachedRoutes: number })[]>;
  /** Of routes that name a gateway of ours: kind and key → what each of these parents says. */
  readonly parents: ReadonlyMap<string, readonly { readonly parentRef: ParentReference; readonly conditions: readonly Verdict[] }[]>;
}

const NOT_FOUND = 'gateway_nothing';
const REFUSED = 'gateway_refused';
const BROKEN = 'gateway_broken';
const COMMON: readonly (readonly [string, Backend])[] = [
  [NOT_FOUND, { do: 'respond', status: 404, text: 'no route is for this host and path' }],
  [BROKEN, { do: 'respond', status: 500, text: 'the backend of this route cannot be used' }],
  [REFUSED, { do: 'forward', mode: 'tls', places: [] }],
];

/** What is in force for one listener: a route and what it is for there. */
interface Attached {
  readonly route: Route;
  readonly hosts: readonly (string | undefined)[];
}

export const routeKey = (route: Route): string => `${route.kind} ${keyOf(route)}`;

/**
 * All gateways and routes as listeners of a proxy, and what is to be said of each. A port of a gateway is one listener of the proxy: a request belongs to the
 * gateway's listener with the most certain hostname, and to no other.
 */
export function gatewayRouting(ground: GatewayGround): GatewayRouting {
  const backends = new Map<string, Backend>(ground.gateways.length > 0 ? COMMON : []);
  const listeners: Listener[] = [];
  const verdicts = new Map<string, (ListenerVerdict & { attachedRoutes: number })[]>();
  const parents = new Map<string, { parentRef: ParentReference; conditions: Verdict[] }[]>();
  const rules = new Map(ground.routes.map((route) => [route, routeRules(route)]));
  const resolved = new Map(ground.routes.map((route) => [route, routeProblems(route, rules.get(route)!, ground)]));
  for (const gateway of ground.gateways) {
    const own = judgeListeners(gateway, ground, ground.grants);
    const attached = new Map<string, Map<Route, Set<string | undefined>>>(own.map(({ listener }) => [listener.name, new Map()]));
    for (const route of ground.routes) {
      for (const parentRef of (route.spec.parentRefs ?? []).filter((ref) => names(ref, route, gateway))) {
        const { accepted, listeners: taken } = attachRoute(route, parentRef, gateway, own, ground.namespaceLabels);
        const { unusable, references } = resolved.get(route)!;
        const entry = { parentRef, conditions: [unusable?.type === 'Accepted' && accepted.status ? unusable : accepted, references, ...(unusable?.type === 'PartiallyInvalid' ? [unusable] : [])] };
        parents.set(routeKey(route), [...(parents.get(routeKey(route)) ?? []), entry]);
        for (const { verdict, hosts } of unusable?.type === 'Accepted' ? [] : taken) {
          const known = attached.get(verdict.listener.name)!;
          known.set(route, new Set([...(known.get(route) ?? []), ...hosts]));
        }
      }
    }
    verdicts.set(keyOf(gateway), own.map((verdict) => ({ ...verdict, attachedRoutes: attached.get(verdict.listener.name)!.size })));
    for (const port of new Set(own.filter(({ serves }) => serves).map(({ listener }) => listener.port))) {
      const bound = ground.portFor(gateway, port);
      if (bound === undefined) continue;
      const served = own.filter(({ serves, listener }) => serves && listener.port === port).toSorted((a, b) => byHost(a.listener.hostname, b.listener.hostname));
      const name = `gateway_${gateway.metadata.namespace}_${gateway.metadata.name}_${port}`;
      listeners.push(portListener(name, { port: bound, tls: false }, served, port, (verdict) => (
        [...attached.get(verdict.listener.name)!].map(([route, hosts]) => ({ route, hosts: [...hosts] }))
      ), { ground, rules, backends }));
    }
  }
  return { listeners, backends, verdicts, parents };
}

interface Making {
  readonly ground: GatewayGround;
  readonly rules: ReadonlyMap<Route, readonly RouteRule[]>;
  readonly backends: Map<string, Backend>;
}

/** `served`: the gateway's listeners of this port, which are of one mode, the most certain first. */
function portListener(name: string, bind: Bind, served: readonly ListenerVerdict[], port: number, attachedTo: (verdict: ListenerVerdict) => readonly Attached[], making: Making): Listener {
  const mode = served[0]!.mode!;
  const isHttp = mode === 'http' || mode === 'https';
  const otherwise = isHttp ? NOT_FOUND : REFUSED;
  return {
    name, mode: isHttp ? 'http' : 'tls', binds: [{ ...bind, tls: mode === 'https' || mode === 'tls terminate' }], certificates: served.flatMap(({ certificates }) => certificates), otherwise,
    rules: served.flatMap((verdict) => {
      const { hostname } = verdict.listener;
      const candidates = attachedTo(verdict).flatMap(({ route, hosts }) => candidatesOf(route, hosts, name, { mode, port }, making));
      return [
        ...candidates.toSorted(byPrecedence).map(({ match, shares }): Rule => ({ match, shares })),
        // No route of another listener is tried.
        ...(hostname ? [{ match: hostMatch(hostname), shares: [{ backend: otherwise, weight: 1 }] }] : []),
      ];
    }),
  };
}

function candidatesOf(route: Route, hosts: readonly (string | undefined)[], listener: string, on: { readonly mode: ListenerMode; readonly port: number }, making: Making): (Candidate & { readonly shares: readonly Share[] })[] {
  const { metadata } = route;
  const prefix = `${listener}_${route.kind}_${metadata.namespace}_${metadata.name}`;
  return making.rules.get(route)!.flatMap((rule, i) => {
    const shares = sharesOf(route, rule, `${prefix}_${i}`, on, making);
    return rule.matches.flatMap((match) => hosts.map((host) => ({ match: { ...(host && hostMatch(host)), ...match }, shares, created: metadata.creationTimestamp, key: keyOf(route) })));
  });
}

/** Makes the backends of a rule for one listener. */
function sharesOf(route: Route, rule: RouteRule, name: string, { mode, port }: { readonly mode: ListenerMode; readonly port: number }, { ground, backends }: Making): readonly Share[] {
  const put = (key: string, backend: Backend): string => {
    backends.set(key, backend);
    return key;
  };
  const isHttp = mode === 'http' || mode === 'https';
  const broken = isHttp ? BROKEN : REFUSED;
  const redirectOf = ({ redirect }: Edits, key: string): string | undefined => {
    if (!redirect) return undefined;
    const scheme = redirect.scheme ?? (mode === 'https' ? 'https' : 'http');
    const target = redirect.port ?? (redirect.scheme ? undefined : port);
    const { port: _, ...rest } = redirect;
    return put(key, { do: 'redirect', ...rest, scheme, ...(target !== undefined && target !== (scheme === 'https' ? 443 : 80) && { port: target }) });
  };
  const redirect = redirectOf(rule.edits, name);
  if (redirect) return [{ backend: redirect, weight: 1 }];
  const shares = rule.backendRefs.filter(({ weight }) => weight > 0).map((reference, k): Share => {
    const key = `${name}_${k}`;
    const edits = editsOfReference(reference, rule.matches[0]?.path, !rule.http2);
    const found = resolve(route, reference, ground);
    if ('problem' in edits || 'reason' in found) return { backend: broken, weight: reference.weight };
    const own = redirectOf(edits, key) ?? put(key, {
      do: 'forward', mode: isHttp ? 'http' : 'tls', places: found.places, ...merged(rule.edits, edits), ...((rule.http2 || found.http2) && { http2: true }), ...mirrorsOf(route, [...(rule.edits.mirrors ?? []), ...(edits.mirrors ?? [])], ground), ...(rule.timeoutMs !== undefined && { timeoutMs: rule.timeoutMs }),
    });
    return { backend: own, weight: reference.weight };
  });
  return shares.length > 0 ? shares : [{ backend: broken, weight: 1 }];
}

/** What the rule does, then what the reference does. */
function merged(rule: Edits, own: Edits): Omit<Edits, 'mirrors'> {
  const both = (field: 'requestHeaders' | 'responseHeaders') => {
    const all = [rule[field], own[field]].flatMap((one) => one ?? []);
    return all.length > 0 ? { [field]: { set: all.flatMap(({ set }) => set), add: all.flatMap(({ add }) => add), remove: all.flatMap(({ remove }) => remove) } } : {};
  };
  const rewrite = own.rewrite ?? rule.rewrite;
  const cors = own.cors ?? rule.cors;
  return { ...both('requestHeaders'), ...both('responseHeaders'), ...(rewrite && { rewrite }), ...(cors && { cors }) };
}

/** What cannot be found, or speaks HTTP/2 alone, gets no copies; the requests themselves go on. */
function mirrorsOf(route: Route, asked: readonly MirrorAsked[], ground: GatewayGround): { readonly mirrors?: readonly Mirror[] } {
  const mirrors = asked.flatMap(({ reference, share }) => {
    const found = resolve(route, reference, ground);
    return 'reason' in found || found.http2 || found.places.length === 0 ? [] : [{ place: found.places[0]!, share }];
  });
  return mirrors.length > 0 ? { mirrors } : {};
}

type Resolved = { readonly places: ReturnType<typeof servicePlaces>; readonly http2: boolean } | { readonly reason: string; readonly message: string };

function resolve(route: Route, { group, kind, name, namespace = route.metadata.namespace, port }: MirrorReference, ground: GatewayGround): Resolved {
  if (group !== '' || kind !== 'Service') return { reason: 'InvalidKind', message: `${kind} ${name} is no Service` };
  if (!isPermitted({ from: { group: GATEWAY_GROUP, kind: route.kind, namespace: route.metadata.namespace }, to: { group, kind, namespace, name } }, ground.grants)) {
    return { reason: 'RefNotPermitted', message: `no ReferenceGrant lets a ${route.kind} of namespace ${route.metadata.namespace} name service ${namespace}/${name}` };
  }
  const service = ground.service(namespace, name);
  if (!service) return { reason: 'BackendNotFound', message: `there is no service ${namespace}/${name}` };
  if (service.spec.type === 'ExternalName') return { reason: 'UnsupportedProtocol', message: `service ${namespace}/${name} is an external name, which is not supported` };
  const found = service.spec.ports?.find((one) => one.port === port);
  if (!found) return { reason: 'BackendNotFound', message: `service ${namespace}/${name} has no port ${port}` };
  return { places: servicePlaces(service, found, ground.slices(namespace, name)), http2: found.appProtocol === 'kubernetes.io/h2c' };
}

/** What is wrong with a route wherever it is attached. */
function routeProblems(route: Route, rules: readonly RouteRule[], ground: GatewayGround): { readonly unusable: Verdict | undefined; readonly references: Verdict } {
  const own = rules.map(({ backendRefs, matches, http2 }) => backendRefs.map((one) => editsOfReference(one, matches[0]?.path, !http2)));
  const dropped = rules.flatMap(({ problem }, i) => problem ?? own[i]!.flatMap((edits) => ('problem' in edits ? [edits.problem] : [])));
  const all = rules.length > 0 && rules.every(({ problem }) => problem !== undefined);
  const unusable = dropped.length === 0 ? undefined
    : all ? fails('Accepted', 'UnsupportedValue', dropped.join('; ')) : holds('PartiallyInvalid', 'UnsupportedValue', `Dropped Rule: ${dropped.join('; ')}`);
  const mirrored = (edits: Edits | { readonly problem: string }): readonly MirrorReference[] => ('problem' in edits ? [] : edits.mirrors ?? []).map(({ reference }) => reference);
  const faults = rules.flatMap(({ backendRefs, edits }, i) => [...backendRefs, ...mirrored(edits), ...own[i]!.flatMap(mirrored)].flatMap((one) => {
    const found = resolve(route, one, ground);
    return 'reason' in found ? [found] : [];
  }));
  return { unusable, references: faults.length > 0 ? fails('ResolvedRefs', faults[0]!.reason, [...new Set(faults.map(({ message }) => message))].join('; ')) : holds('ResolvedRefs', 'ResolvedRefs') };
}

function names(ref: ParentReference, route: Route, gateway: Gateway): boolean {
  return ref.group === GATEWAY_GROUP && ref.kind === 'Gateway' && ref.name === gateway.metadata.name && (ref.namespace ?? route.metadata.namespace) === gateway.metadata.namespace;
}

function hostMatch(name: string): Match {
  return { host: { name: name.toLowerCase(), labels: 'any' } };
}

