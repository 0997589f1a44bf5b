import { describe, expect, it } from 'vitest';
import type { Service } from '../../api/generated/core-v1.ts';
import { createAuthority } from '../../base/certificates.ts';
import { ruleFor, type Request } from '../request-trace.ts';
import type { Backend } from '../routing.ts';
import type { BackendReference, Gateway, GatewayListener, HttpRoute, HttpRouteRule, ParentReference, ReferenceGrant, Route } from './gateway-api.ts';
import { gatewayRouting, type GatewayGround, type GatewayRouting } from './gateway-routing.ts';
import { gatewayService, serviceName } from './gateway-service.ts';
import { intersectHostnames } from './hostnames.ts';

let age = 0;
const meta = (name: string, namespace = 'default') => ({ name, namespace, uid: `${namespace}/${name}`, resourceVersion: '1', creationTimestamp: new Date(age++ * 1000).toISOString() });
const listener = (name: string, more: Partial<GatewayListener> = {}): GatewayListener => ({ name, port: 80, protocol: 'HTTP', allowedRoutes: { namespaces: { from: 'Same' } }, ...more });
const gateway = (listeners: GatewayListener[], name = 'gw'): Gateway => ({ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', metadata: meta(name), spec: { gatewayClassName: 'wherry', listeners } });
const parent = (more: Partial<ParentReference> = {}): ParentReference => ({ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'gw', ...more });
const to = (name: string, more: Partial<BackendReference> = {}): BackendReference => ({ group: '', kind: 'Service', name, port: 80, weight: 1, ...more });
const route = (name: string, rules: readonly HttpRouteRule[], hostnames: readonly string[] = [], more: { readonly parents?: readonly ParentReference[]; readonly namespace?: string; readonly kind?: string } = {}): HttpRoute => (
  { apiVersion: 'gateway.networking.k8s.io/v1', kind: more.kind ?? 'HTTPRoute', metadata: meta(name, more.namespace), spec: { parentRefs: more.parents ?? [parent()], hostnames, rules } }
);
const on = (path: string, backend: string, type = 'PathPrefix', more: object = {}): HttpRouteRule => ({ matches: [{ path: { type, value: path }, ...more }], backendRefs: [to(backend)] });
const serviceOf = (name: string, ip: string, more: object = {}): Service => ({ apiVersion: 'v1', kind: 'Service', metadata: meta(name), spec: { clusterIP: ip, ports: [{ port: 80, ...more }] } });
const known: Readonly<Record<string, Service>> = { 'default/web': serviceOf('web', '10.96.0.1'), 'default/api': serviceOf('api', '10.96.0.2'), 'default/h2': serviceOf('h2', '10.96.0.3', { appProtocol: 'kubernetes.io/h2c' }), 'other/far': serviceOf('far', '10.96.0.4') };

function routed(gateways: Gateway[], routes: Route[], more: Partial<GatewayGround> = {}): GatewayRouting {
  return gatewayRouting({
    gateways, routes, grants: [], service: (namespace, name) => known[`${namespace}/${name}`], slices: () => [], secret: () => undefined, namespaceLabels: (name) => ({ team: name }), portFor: (_, port) => 30_000 + port, ...more,
  });
}
/** The cluster IPs to which a request may go, or what is answered. */
function goes({ listeners, backends }: GatewayRouting, request: Request, port = 80): string {
  const found = listeners.find(({ binds }) => binds[0]!.port === 30_000 + port)!;
  const shares = ruleFor(found, request)?.shares ?? [{ backend: found.otherwise, weight: 1 }];
  return shares.map(({ backend, weight }) => `${shown(backends.get(backend)!)}${shares.length > 1 ? ` × ${weight}` : ''}`).join(', ');
}
const NAMES: Readonly<Record<string, string>> = Object.fromEntries(Object.values(known).map(({ metadata, spec }) => [spec.clusterIP!, metadata.name]));
const shown = (backend: Backend): string => (backend.do === 'forward' ? backend.places.map(({ address }) => NAMES[address]).join() : backend.do === 'redirect' ? `${backend.code} ${backend.scheme}://${backend.hostname ?? '*'}${backend.port ? `:${backend.port}` : ''}` : String(backend.status));
const told = (routing: GatewayRouting, name = 'default/r', kind = 'HTTPRoute'): string[] => (routing.parents.get(`${kind} ${name}`) ?? []).flatMap(({ conditions }) => conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`));

describe('which rule a request meets', () => {
  const header = (name: string, value: string, type = 'Exact') => ({ headers: [{ type, name, value }] });
  const routing = routed([gateway([listener('http')])], [
    route('older', [on('/', 'web'), on('/a', 'web'), on('/a/b', 'api'), on('/a/exact', 'api', 'Exact'), on('/n/[0-9]+', 'api', 'RegularExpression')], ['one.example']),
    route('younger', [on('/a', 'api'), on('/m', 'web'), on('/m', 'api', 'PathPrefix', { method: 'POST' }), on('/h', 'web'), on('/h', 'api', 'PathPrefix', header('kind', 'api')), on('/h', 'h2', 'PathPrefix', { ...header('kind', 'api'), queryParams: [{ type: 'Exact', name: 'v', value: '2' }] })], ['one.example']),
    route('wild', [on('/', 'h2')], ['*.example', '*.wide.example']), route('all', [on('/everywhere', 'api'), on('/', 'web', 'PathPrefix', header('x-any', '.+', 'RegularExpression'))]),
  ]);
  const request = (host: string, path: string, more: Partial<Request> = {}): Request => ({ host, path, ...more });
  it.each<[Request, string]>([
    [request('one.example', '/'), 'web'], [request('one.example', '/a'), 'web'], [request('one.example', '/ab'), 'web'], [request('one.example', '/a/b/c'), 'api'], [request('one.example', '/a/exact'), 'api'], [request('one.example', '/n/12'), 'api'],
    [request('one.example', '/m'), 'web'], [request('one.example', '/m', { method: 'POST' }), 'api'], [request('one.example', '/h?v=2'), 'web'], [request('one.example', '/h', { headers: { kind: 'api' } }), 'api'],
    [request('one.example', '/h?v=2', { headers: { kind: 'api' } }), 'h2'], [request('two.example', '/'), 'h2'], [request('a.wide.example', '/everywhere'), 'h2'], [request('example', '/everywhere/x'), 'api'], [request('example', '/'), '404'],
    [request('example', '/', { headers: { 'x-any': '1' } }), 'web'],
  ])('%j: %s', (asked, expected) => expect(goes(routing, asked)).toBe(expected));

  it('belongs to the listener with the most certain hostname, and to no other', () => {
    const both = routed([gateway([listener('any'), listener('wild', { hostname: '*.example' }), listener('one', { hostname: 'one.example' }), listener('high', { port: 8080 })])], [
      route('r', [on('/any', 'web')], [], { parents: [parent({ sectionName: 'any' })] }), route('w', [on('/wild', 'api')], [], { parents: [parent({ sectionName: 'wild' })] }), route('o', [on('/one', 'h2')], [], { parents: [parent({ sectionName: 'one' })] }),
      route('p', [on('/', 'api')], [], { parents: [parent({ port: 8080 })] }),
    ]);
    expect([['x', '/any'], ['a.example', '/any'], ['a.example', '/wild'], ['one.example', '/wild'], ['one.example', '/one']].map(([host, path]) => goes(both, { host: host!, path: path! }))).toEqual(['web', '404', 'api', '404', 'h2']);
    expect(goes(both, { host: 'x', path: '/any' }, 8080)).toBe('api');
    expect(both.verdicts.get('default/gw')!.map(({ attachedRoutes }) => attachedRoutes)).toEqual([1, 1, 1, 1]);
  });

  it.each([
    [undefined, undefined, { host: undefined }], [undefined, 'a.b', { host: 'a.b' }], ['a.b', undefined, { host: 'a.b' }], ['*.b', 'a.b', { host: 'a.b' }], ['*.b', 'x.a.b', { host: 'x.a.b' }], ['*.b', 'b', undefined], ['a.b', '*.b', { host: 'a.b' }],
    ['*.b', '*.a.b', { host: '*.a.b' }], ['*.a.b', '*.b', { host: '*.a.b' }], ['a.b', 'c.b', undefined], ['*.b', '*.c', undefined],
  ])('%s and %s have %j in common', (one, other, expected) => expect(intersectHostnames(one, other)).toEqual(expected));
});

describe('what becomes of a request', () => {
  it('is shared out by weight, broken shares with the others', () => {
    const rules = [{ backendRefs: [to('web', { weight: 3 }), to('api', { weight: 0 }), to('absent', { weight: 1 })] }];
    const routing = routed([gateway([listener('http')])], [route('r', rules)]);
    expect(goes(routing, { host: 'x', path: '/' })).toBe('web × 3, 500 × 1');
    expect(told(routing)).toEqual(['Accepted true Accepted', 'ResolvedRefs false BackendNotFound']);
    expect(goes(routed([gateway([listener('http')])], [route('r', [{ backendRefs: [] }])]), { host: 'x', path: '/' })).toBe('500');
  });

  it('is copied to what its filters name, save where that cannot be found', () => {
    const mirror = (name: string, more: object = {}) => ({ type: 'RequestMirror', requestMirror: { backendRef: { group: '', kind: 'Service', name, port: 80 }, ...more } });
    const routing = routed([gateway([listener('http')])], [route('r', [{
      filters: [mirror('api', { percent: 20 }), mirror('absent'), mirror('h2')], backendRefs: [to('web', { filters: [mirror('web', { fraction: { numerator: 1, denominator: 3 } })] })],
    }])]);
    expect(goes(routing, { host: 'x', path: '/' })).toBe('web');
    expect([...routing.backends.values()].find((one) => one.do === 'forward' && one.mode === 'http')).toMatchObject({
      mirrors: [{ place: { address: '10.96.0.2', port: 80 }, share: [20, 100] }, { place: { address: '10.96.0.1', port: 80 }, share: [1, 3] }],
    });
    expect(told(routing)).toEqual(['Accepted true Accepted', 'ResolvedRefs false BackendNotFound']);
  });

  it('is open to pages of other origins as its rule says, or its backend', () => {
    const cors = (allowOrigins: readonly string[], more: object = {}) => ({ type: 'CORS', cors: { allowOrigins, maxAge: 5, ...more } });
    const routing = routed([gateway([listener('http')])], [route('r', [{ filters: [cors(['*'])], backendRefs: [to('web'), to('api', { filters: [cors(['https://a.example'], { allowMethods: ['PUT'], allowCredentials: true })] })] }])]);
    const rest = { headers: [], exposed: [], maxAgeSeconds: 5 };
    expect([...routing.backends.values()].flatMap((one) => (one.do === 'forward' && one.cors ? [one.cors] : []))).toEqual([
      { ...rest, origins: ['*'], methods: [], credentials: false }, { ...rest, origins: ['https://a.example'], methods: ['PUT'], credentials: true },
    ]);
  });

  it('is changed by the filters of its rule, then of its backend', () => {
    const rule: HttpRouteRule = {
      matches: [{ path: { type: 'PathPrefix', value: '/old/' } }], timeouts: { request: '1m', backendRequest: '1s500ms' },
      filters: [{ type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'a', value: 'rule' }], remove: ['gone'] } }, { type: 'URLRewrite', urlRewrite: { hostname: 'in.example', path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/new' } } }],
      backendRefs: [to('h2', { filters: [{ type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'a', value: 'own' }] } }] })],
    };
    const { backends } = routed([gateway([listener('http')])], [route('r', [rule])]);
    expect(backends.get('gateway_default_gw_80_HTTPRoute_default_r_0_0')).toEqual({
      do: 'forward', mode: 'http', places: [{ address: '10.96.0.3', port: 80 }], http2: true, timeoutMs: 1500, requestHeaders: { set: [['a', 'rule'], ['a', 'own']], add: [], remove: ['gone'] },
      rewrite: { hostname: 'in.example', path: { do: 'replace prefix', prefix: '/old', by: '/new' } },
    });
  });

  it('is redirected to where the listener leaves nothing open', () => {
    const redirect = (more: object): HttpRouteRule => ({ filters: [{ type: 'RequestRedirect', requestRedirect: { statusCode: 302, ...more } }] });
    const asked = (rule: HttpRouteRule, port: number) => goes(routed([gateway([listener('http', { port })])], [route('r', [rule])]), { host: 'x', path: '/' }, port);
    expect([asked(redirect({ hostname: 'n.example' }), 80), asked(redirect({ hostname: 'n.example' }), 8080), asked(redirect({ scheme: 'https', statusCode: 301 }), 8080), asked(redirect({ port: 8443, scheme: 'https' }), 80), asked(redirect({ scheme: 'http', port: 80 }), 8080)]).toEqual([
      '302 http://n.example', '302 http://n.example:8080', '301 https://*', '302 https://*:8443', '302 http://*',
    ]);
  });

  it('is refused where its rule asks for what is not served, and the route says so', () => {
    const mirror: HttpRouteRule = { ...on('/mirror', 'web'), filters: [{ type: 'RequestMirror' }] };
    const some = routed([gateway([listener('http')])], [route('r', [on('/', 'web'), mirror, on('/(', 'web', 'RegularExpression')])]);
    expect([goes(some, { host: 'x', path: '/mirror' }), told(some)]).toEqual(['web', ['Accepted true Accepted', 'ResolvedRefs true ResolvedRefs', 'PartiallyInvalid true UnsupportedValue']]);
    const none = routed([gateway([listener('http')])], [route('r', [mirror])]);
    expect([told(none), none.verdicts.get('default/gw')![0]!.attachedRoutes]).toEqual([['Accepted false UnsupportedValue', 'ResolvedRefs true ResolvedRefs'], 0]);
  });

  it('GRPCRoutes are paths, TLSRoutes are names', () => {
    const grpc = { ...route('g', []), kind: 'GRPCRoute', spec: { parentRefs: [parent()], rules: [{ matches: [{ method: { type: 'Exact', service: 'pkg.Echo', method: 'Say' } }], backendRefs: [to('api')] }, { matches: [{ method: { type: 'Exact', service: 'pkg.Echo' } }], backendRefs: [to('web')] }] } } as Route;
    const tls = { ...route('t', []), kind: 'TLSRoute', spec: { parentRefs: [parent()], hostnames: ['s.example'], rules: [{ backendRefs: [to('web')] }] } } as Route;
    const routing = routed([gateway([listener('http'), listener('tls', { port: 443, protocol: 'TLS', tls: { mode: 'Passthrough' } })])], [grpc, tls]);
    expect(['/pkg.Echo/Say', '/pkg.Echo/Hear', '/pkg.Other/Say'].map((path) => goes(routing, { host: 'x', path }))).toEqual(['api', 'web', '404']);
    expect([goes(routing, { host: 's.example', path: '/' }, 443), goes(routing, { host: 'x.example', path: '/' }, 443), routing.listeners[1]!.mode]).toEqual(['web', '', 'tls']);
    expect([...routing.backends].filter(([name]) => name.includes('GRPCRoute')).every(([, backend]) => backend.do === 'forward' && backend.http2)).toBe(true);
  });
});

describe('who may join', () => {
  const grant = (spec: ReferenceGrant['spec'], namespace: string): ReferenceGrant => ({ apiVersion: 'gateway.networking.k8s.io/v1beta1', kind: 'ReferenceGrant', metadata: meta('grant', namespace), spec });
  const far = { parents: [parent({ namespace: 'default' })], namespace: 'other' };
  it.each<[string, GatewayListener[], HttpRoute, string]>([
    ['of the same namespace', [listener('http')], route('r', [on('/', 'web')]), 'Accepted true Accepted'],
    ['of another one', [listener('http')], route('r', [on('/', 'far')], [], far), 'Accepted false NotAllowedByListeners'],
    ['of all', [listener('http', { allowedRoutes: { namespaces: { from: 'All' } } })], route('r', [on('/', 'far')], [], far), 'Accepted true Accepted'],
    ['selected', [listener('http', { allowedRoutes: { namespaces: { from: 'Selector', selector: { matchLabels: { team: 'other' } } } } })], route('r', [on('/', 'far')], [], far), 'Accepted true Accepted'],
    ['not selected', [listener('http', { allowedRoutes: { namespaces: { from: 'Selector', selector: { matchLabels: { team: 'x' } } } } })], route('r', [on('/', 'far')], [], far), 'Accepted false NotAllowedByListeners'],
    ['of no such kind', [listener('http', { allowedRoutes: { namespaces: { from: 'Same' }, kinds: [{ group: 'gateway.networking.k8s.io', kind: 'GRPCRoute' }] } })], route('r', [on('/', 'web')]), 'Accepted false NotAllowedByListeners'],
    ['for no such section', [listener('http')], route('r', [on('/', 'web')], [], { parents: [parent({ sectionName: 'x' })] }), 'Accepted false NoMatchingParent'],
    ['for no such port', [listener('http')], route('r', [on('/', 'web')], [], { parents: [parent({ port: 81 })] }), 'Accepted false NoMatchingParent'],
    ['for other hosts', [listener('http', { hostname: 'a.example' })], route('r', [on('/', 'web')], ['b.example']), 'Accepted false NoMatchingListenerHostname'],
  ])('%s', (_, listeners, one, expected) => expect(told(routed([gateway(listeners)], [one]), `${one.metadata.namespace}/r`)[0]).toBe(expected));

  it('names what is in another namespace with a grant of that namespace', () => {
    const rules = [{ backendRefs: [to('far', { namespace: 'other' })] }];
    const granted = [grant({ from: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: 'default' }], to: [{ group: '', kind: 'Service', name: 'far' }] }, 'other')];
    const answers = [[], granted, granted.map((one) => ({ ...one, metadata: meta('grant', 'default') }))].map((grants) => {
      const routing = routed([gateway([listener('http')])], [route('r', rules)], { grants });
      return [goes(routing, { host: 'x', path: '/' }), told(routing)[1]];
    });
    expect(answers).toEqual([['500', 'ResolvedRefs false RefNotPermitted'], ['far', 'ResolvedRefs true ResolvedRefs'], ['500', 'ResolvedRefs false RefNotPermitted']]);
    expect(told(routed([gateway([listener('http')])], [route('r', [{ backendRefs: [to('x', { kind: 'Bucket' })] }])]))[1]).toBe('ResolvedRefs false InvalidKind');
  });
});

it('a listener says what keeps it from serving', async () => {
  const { key, certificate } = await createAuthority('a.example', { now: Date.now() });
  const tls = (name: string) => ({ mode: 'Terminate', certificateRefs: [{ group: '', kind: 'Secret', name }] });
  const routing = routed([gateway([
    listener('ok', { port: 443, protocol: 'HTTPS', hostname: 'a.example', tls: tls('good') }), listener('bad', { port: 444, protocol: 'HTTPS', tls: tls('absent') }), listener('udp', { port: 53, protocol: 'UDP' }),
    listener('one', { port: 8080 }), listener('two', { port: 8080, protocol: 'TLS', tls: { mode: 'Passthrough' } }), listener('kinds', { port: 81, allowedRoutes: { namespaces: { from: 'Same' }, kinds: [{ group: 'gateway.networking.k8s.io', kind: 'TCPRoute' }] } }),
  ])], [], { secret: (_, name) => (name === 'good' ? { data: { 'tls.crt': Buffer.from(certificate).toString('base64'), 'tls.key': Buffer.from(key).toString('base64') } } as never : undefined) });
  expect(Object.fromEntries(routing.verdicts.get('default/gw')!.map(({ listener: { name }, conditions }) => [name, conditions.filter(({ type, status }) => status === (type === 'Conflicted')).map(({ type, reason }) => `${type} ${reason}`)]))).toEqual({
    ok: [], bad: ['ResolvedRefs InvalidCertificateRef', 'Programmed Invalid'], udp: ['Accepted UnsupportedProtocol', 'Programmed Invalid'],
    one: ['Accepted ProtocolConflict', 'Programmed Invalid', 'Conflicted ProtocolConflict'], two: ['Accepted ProtocolConflict', 'Programmed Invalid', 'Conflicted ProtocolConflict'], kinds: ['ResolvedRefs InvalidRouteKinds', 'Programmed Invalid'],
  });
  expect(routing.listeners.map(({ name, binds, certificates }) => [name, binds, certificates.map(({ secret, hosts }) => [secret, hosts])])).toEqual([['gateway_default_gw_443', [{ port: 30_443, tls: true }], [['default/good', ['a.example']]]]]);
});

it.each([['front', 'gateway-front'], ['front.example', 'gateway-front-example-8038b8dc8a'], ['x'.repeat(253), `gateway-${'x'.repeat(44)}-1329e1bd71`]])('gateway %s has a service of a name and a label that a service may have', (name, expected) => {
  const one = gateway([listener('http'), listener('udp', { port: 53, protocol: 'UDP' }), listener('more', { port: 8080 }), listener('same', { hostname: 'a.example' })], name);
  const verdicts = routed([one], []).verdicts.get(`default/${name}`)!;
  expect(serviceName(one)).toMatch(/^[a-z][-a-z0-9]{0,62}$/);
  expect(serviceName(one)).toBe(expected);
  const present = { ...serviceOf('s', '10.96.0.9'), spec: { ports: [{ port: 8080, nodePort: 31_000 }] } } as Service;
  const made = gatewayService(one, verdicts, present)!;
  expect(Object.values(made.metadata.labels!).every((value) => value.length <= 63)).toBe(true);
  expect(made.spec.ports).toEqual([{ name: 'port-80', port: 80, protocol: 'TCP' }, { name: 'port-8080', port: 8080, protocol: 'TCP', nodePort: 31_000 }]);
});
