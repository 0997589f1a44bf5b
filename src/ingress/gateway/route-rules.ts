import { RE2JS } from 're2js';
import type { ForwardBackend, HeaderChanges, Match, PathChange, PathMatch, RedirectBackend, ValueMatch } from '../routing.ts';
import type { BackendReference, GrpcRoute, HeaderModifier, HttpRoute, HttpRouteMatch, MirrorReference, PathModifier, Route, RouteFilter, TlsRoute, TypedValue } from './gateway-api.ts';

/** A rule of a route of any kind, in the terms of a proxy, save for its hosts and backends. */
export interface RouteRule {
  readonly matches: readonly Match[];
  readonly backendRefs: readonly BackendReference[];
  /** What is done to all of its requests. */
  readonly edits: Edits;
  readonly timeoutMs?: number;
  /** The backends of GRPCRoutes speak HTTP/2. */
  readonly http2: boolean;
  /** Why it cannot be served as it is meant. */
  readonly problem?: string;
}

/** Who gets copies of so many of so many requests. */
export interface MirrorAsked {
  readonly reference: MirrorReference;
  readonly share: readonly [some: number, all: number];
}

export type Edits = Pick<ForwardBackend, 'requestHeaders' | 'responseHeaders' | 'rewrite' | 'cors'> & {
  readonly mirrors?: readonly MirrorAsked[];
  /** Instead of leading the request on; the listener says what is left open. */
  readonly redirect?: Omit<RedirectBackend, 'do' | 'scheme'> & { readonly scheme?: 'http' | 'https' };
};

/** A value of an object that a proxy cannot be told, or that we do not support. */
class Unsupported extends Error {}

/** Names of headers and parameters that mean nothing to a proxy's configuration. */
const PLAIN_NAME = /^[\w!$%&*+.^|~-]+$/;
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\0-\x1f\x7f]/;
const ANY: readonly Match[] = [{}];

/** The rules of a route, of whichever kind. */
export function routeRules(route: Route): RouteRule[] {
  switch (route.kind) {
    case 'HTTPRoute': return ((route as HttpRoute).spec.rules ?? []).map(({ matches, filters, backendRefs = [], timeouts }) => tried(() => {
      const timeout = shortest([timeouts?.request, timeouts?.backendRequest]);
      const translated = matches?.length ? matches.map(httpMatch) : ANY;
      const edits = editsOf(filters, translated[0]!.path, true);
      return { matches: translated, edits, backendRefs, http2: false, ...(timeout !== undefined && { timeoutMs: timeout }) };
    }, backendRefs));
    case 'GRPCRoute': return ((route as GrpcRoute).spec.rules ?? []).map(({ matches, filters, backendRefs = [] }) => tried(() => (
      { matches: matches?.length ? matches.map(grpcMatch) : ANY, edits: editsOf(filters, undefined, false), backendRefs, http2: true }
    ), backendRefs));
    default: return ((route as TlsRoute).spec.rules ?? []).map(({ backendRefs = [] }) => ({ matches: ANY, edits: {}, backendRefs, http2: false }));
  }
}

/** A rule that cannot be served matches nothing. */
function tried(translate: () => RouteRule, backendRefs: readonly BackendReference[]): RouteRule {
  try {
    return translate();
  } catch (error) {
    if (!(error instanceof Unsupported)) throw error;
    return { matches: [], edits: {}, backendRefs, http2: false, problem: error.message };
  }
}

/** What filters ask for. `path`: what the rule matches, which a prefix is replaced of; `copies`: whether requests can be mirrored, which those of gRPC cannot. Throws `Unsupported`. */
export function editsOf(filters: readonly RouteFilter[] | undefined, path: PathMatch | undefined, copies: boolean): Edits {
  const edits: { -readonly [K in keyof Edits]: Edits[K] } = {};
  for (const filter of filters ?? []) {
    if (filter.requestHeaderModifier) edits.requestHeaders = headerChanges(filter.requestHeaderModifier);
    else if (filter.responseHeaderModifier) edits.responseHeaders = headerChanges(filter.responseHeaderModifier);
    else if (filter.urlRewrite) {
      const { hostname, path: modifier } = filter.urlRewrite;
      edits.rewrite = { ...(hostname && { hostname }), ...(modifier && { path: pathChange(modifier, path) }) };
    } else if (filter.requestRedirect) {
      const { scheme, hostname, port, statusCode, path: modifier } = filter.requestRedirect;
      edits.redirect = {
        code: statusCode, ...(scheme && { scheme: scheme as 'http' | 'https' }), ...(hostname && { hostname }), ...(port !== undefined && { port }), ...(modifier && { path: pathChange(modifier, path) }),
      };
    } else if (filter.cors) {
      const { allowOrigins = [], allowMethods = [], allowHeaders = [], exposeHeaders = [], maxAge, allowCredentials = false } = filter.cors;
      edits.cors = {
        origins: allowOrigins.map(plain), methods: allowMethods, headers: allowHeaders.map(headerOrAny), exposed: exposeHeaders.map(headerOrAny), maxAgeSeconds: maxAge, credentials: allowCredentials,
      };
    } else if (filter.requestMirror && copies) {
      const { backendRef: reference, percent = 100, fraction = { numerator: percent, denominator: 100 } } = filter.requestMirror;
      edits.mirrors = [...(edits.mirrors ?? []), { reference, share: [fraction.numerator, fraction.denominator] }];
    } else throw new Unsupported(`filter ${filter.type} is not supported`);
  }
  return edits;
}

/** Of a reference; a fault is told instead of thrown. */
export function editsOfReference({ filters }: BackendReference, path: PathMatch | undefined, copies: boolean): Edits | { readonly problem: string } {
  try {
    return editsOf(filters, path, copies);
  } catch (error) {
    if (!(error instanceof Unsupported)) throw error;
    return { problem: error.message };
  }
}

function httpMatch({ path, headers, queryParams, method }: HttpRouteMatch): Match {
  return {
    path: pathMatch(path?.type ?? 'PathPrefix', path?.value ?? '/'), ...(method && { method }),
    ...(headers?.length && { headers: unique(headers.map(valueMatch), (name) => name.toLowerCase()) }), ...(queryParams?.length && { query: unique(queryParams.map(valueMatch), (name) => name) }),
  };
}

/** `/service/method` is the path of a call. */
function grpcMatch({ method, headers }: NonNullable<NonNullable<GrpcRoute['spec']['rules']>[number]['matches']>[number]): Match {
  const { service, method: name } = method ?? {};
  const exact = method?.type !== 'RegularExpression';
  const path = !service && !name ? undefined
    : exact && service && name ? pathMatch('Exact', `/${service}/${name}`)
      : exact && service ? pathMatch('PathPrefix', `/${service}`)
        : pathMatch('RegularExpression', `/${service ?? '[^/]+'}/${name ?? '[^/]+'}`);
  return { ...(path && { path }), ...(headers?.length && { headers: unique(headers.map(valueMatch), (one) => one.toLowerCase()) }) };
}

function pathMatch(type: string, value: string): PathMatch {
  if (type === 'RegularExpression') return { type: 'regex', value: regex(value) };
  return type === 'Exact' ? { type: 'exact', value: plain(value) } : { type: 'prefix', value: plain(value).replace(/(.)\/+$/, '$1') };
}

function valueMatch({ type, name, value }: TypedValue): ValueMatch {
  return { name: plainName(name), value: type === 'RegularExpression' ? regex(value) : plain(value), regex: type === 'RegularExpression' };
}

/** Of several of one name the first counts. */
function unique(values: readonly ValueMatch[], key: (name: string) => string): ValueMatch[] {
  return [...new Map(values.toReversed().map((value) => [key(value.name), value])).values()].toReversed();
}

function headerChanges({ set = [], add = [], remove = [] }: HeaderModifier): HeaderChanges {
  const pairs = (some: readonly { readonly name: string; readonly value: string }[]) => some.map(({ name, value }) => [plainName(name), plain(value)] as const);
  return { set: pairs(set), add: pairs(add), remove: remove.map(plainName) };
}

function pathChange({ type, replaceFullPath = '', replacePrefixMatch = '' }: PathModifier, path: PathMatch | undefined): PathChange {
  if (type === 'ReplaceFullPath') return { do: 'replace', path: plain(replaceFullPath) };
  if (path?.type !== 'prefix') throw new Unsupported('a prefix can be replaced only where a prefix is matched');
  return { do: 'replace prefix', prefix: path.value === '/' ? '' : path.value, by: plain(replacePrefixMatch) };
}

function plainName(name: string): string {
  if (!PLAIN_NAME.test(name)) throw new Unsupported(`name ${JSON.stringify(name)} has characters that are not supported`);
  return name;
}

function headerOrAny(name: string): string {
  return name === '*' ? name : plainName(name);
}

function plain(value: string): string {
  if (CONTROL.test(value)) throw new Unsupported(`${JSON.stringify(value)} has control characters`);
  return value;
}

function regex(value: string): string {
  try {
    RE2JS.compile(plain(value));
  } catch (error) {
    if (error instanceof Unsupported) throw error;
    throw new Unsupported(`${JSON.stringify(value)} is no regular expression`, { cause: error });
  }
  return value;
}

const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/** The shortest of these durations (`1h`, `1m30s`, `500ms`) in milliseconds; 0 is none at all, and the longest. */
function shortest(durations: readonly (string | undefined)[]): number | undefined {
  const given = durations.flatMap((text) => (text ? [[...text.matchAll(/(\d+)(ms|h|m|s)/g)].reduce((sum, [, number, unit]) => sum + Number(number) * UNIT_MS[unit!]!, 0)] : []));
  const limits = given.filter((ms) => ms > 0);
  return limits.length > 0 ? Math.min(...limits) : given.length > 0 ? 0 : undefined;
}
