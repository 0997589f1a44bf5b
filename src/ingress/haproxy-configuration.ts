import { corsLines } from './cors-lines.ts';
import { format, quoted } from './haproxy-text.ts';
import type { Backend, Certificate, ForwardBackend, HeaderChanges, HostMatch, Listener, Match, PathChange, PathMatch, RedirectBackend, Routing, Rule, ValueMatch } from './routing.ts';

export interface HaproxyOptions {
  /** Where it listens. */
  readonly address: string;
  /** The file with a listener's certificates and the hosts each is for, in HAProxy's format. */
  certificateList(listener: string): string;
  /** The file with the Lua of mirrors. */
  mirrorScript(): string;
  /** Whom it becomes after its start; stays who it is without. */
  readonly user?: string;
}

/** The configuration of HAProxy (2.4 or newer) for this routing. */
export function haproxyConfiguration(routing: Routing, options: HaproxyOptions): string {
  const { user } = options;
  return `${[
    '# Written by wherry for the ingresses and gateways of the cluster; changes are lost.',
    'global',
    '  maxconn 4096',
    // By it the listeners are handed on at a reload, so that none of the connections that come meanwhile is lost. Its name is the node's network's own.
    '  stats socket abns@wherry-ingress level admin expose-fd listeners',
    '  hard-stop-after 60s',
    ...([...routing.backends.values()].some((one) => one.do === 'forward' && one.mirrors?.length) ? [`  lua-load ${quoted(options.mirrorScript())}`] : []),
    ...(user ? [`  user ${user}`, `  group ${user}`] : []),
    '  ssl-default-bind-options ssl-min-ver TLSv1.2',
    'defaults',
    '  mode http',
    '  option dontlognull',
    '  timeout connect 5s',
    '  timeout client 60s',
    '  timeout server 60s',
    '  timeout http-request 10s',
    '  timeout http-keep-alive 60s',
    // WebSockets and what else outlives its request.
    '  timeout tunnel 1h',
    // The service proxy refuses at once what nobody serves: to wait and try again would only tell it later.
    '  retries 0',
    ...routing.listeners.flatMap((listener) => (listener.mode === 'http' ? httpFrontend(listener, options) : tlsFrontend(listener, options))),
    ...[...routing.backends].toSorted(([a], [b]) => (a < b ? -1 : 1)).flatMap(([name, backend]) => [`backend ${name}`, ...backendLines(backend)]),
  ].join('\n')}\n`;
}

/** Each certificate with its hosts; the first is for all others. `file`: where a secret's PEM is. */
export function certificateList(certificates: readonly Certificate[], fallback: string, file: (secret: string) => string): string {
  const forAll = certificates.find(({ hosts }) => hosts.length === 0);
  const lines = [forAll ? file(forAll.secret) : fallback, ...certificates.filter((one) => one !== forAll).map(({ secret, hosts }) => [file(secret), ...hosts].join(' '))];
  return lines.map((line) => `${line}\n`).join('');
}

function httpFrontend(listener: Listener, { address, certificateList: list }: HaproxyOptions): string[] {
  return [
    `frontend ${listener.name}`,
    ...listener.binds.map(({ port, tls }) => `  bind ${address}:${port}${tls ? ` ssl crt-list ${quoted(list(listener.name))} alpn h2,http/1.1` : ''}`),
    '  option forwardfor',
    '  http-request set-var(txn.host) req.hdr(host),field(1,:),lower',
    '  http-request set-header X-Forwarded-Proto http unless { ssl_fc }',
    '  http-request set-header X-Forwarded-Proto https if { ssl_fc }',
    '  http-request set-header X-Forwarded-Host %[req.hdr(host)]',
    '  http-request set-header X-Real-IP %[src]',
    ...ruleLines(listener.rules),
    `  default_backend ${listener.otherwise}`,
  ];
}

/** Where TLS ends here, the name is known when the connection is there; else it is read from what the client says first. */
function tlsFrontend(listener: Listener, { address, certificateList: list }: HaproxyOptions): string[] {
  const ends = listener.binds.some(({ tls }) => tls);
  return [
    `frontend ${listener.name}`,
    '  mode tcp',
    ...listener.binds.map(({ port, tls }) => `  bind ${address}:${port}${tls ? ` ssl crt-list ${quoted(list(listener.name))}` : ''}`),
    ...(ends ? ['  tcp-request content set-var(txn.host) ssl_fc_sni,lower'] : [
      '  tcp-request inspect-delay 5s', '  tcp-request content set-var(txn.host) req.ssl_sni,lower if { req.ssl_hello_type 1 }', '  tcp-request content reject unless { req.ssl_hello_type 1 }',
    ]),
    ...ruleLines(listener.rules, 'tcp-request content'),
    `  default_backend ${listener.otherwise}`,
  ];
}

/** Conditions are written once, under a name each: many a rule asks the same, and a line holds 64 words. */
function ruleLines(rules: readonly Rule[], directive = 'http-request'): string[] {
  const names = new Map<string, string>();
  const conditions: string[] = [];
  /** Any of the alternatives. */
  const named = (alternatives: readonly string[]): string => {
    const key = alternatives.join('\n');
    const known = names.get(key);
    if (known) return known;
    const name = `c${names.size}`;
    names.set(key, name);
    conditions.push(...alternatives.map((one) => `  acl ${name} ${one}`));
    return name;
  };
  const lots: string[] = [];
  const uses: string[] = [];
  for (const { match, shares } of rules) {
    const condition = conditionsOf(match).map(named);
    if (shares.length === 1) {
      uses.push(`  use_backend ${shares[0]!.backend}${ifAll(condition)}`);
      continue;
    }
    // HAProxy sets variables before it looks for the backend. Where a request matches several rules that cast lots, the first of them has cast its own.
    lots.push(`  ${directive} set-var(txn.lot) rand(${shares.reduce((sum, { weight }) => sum + weight, 0)})${ifAll([...condition, '!{ var(txn.lot) -m found }'])}`);
    let below = 0;
    for (const { backend, weight } of shares) uses.push(`  use_backend ${backend}${ifAll([...condition, `{ var(txn.lot) -m int lt ${below += weight} }`])}`);
  }
  return [...conditions, ...lots, ...uses];
}

function ifAll(conditions: readonly string[]): string {
  return conditions.length > 0 ? ` if ${conditions.join(' ')}` : '';
}

/** All of them must hold; of each, one alternative. */
function conditionsOf({ host, path, method, headers = [], query = [] }: Match): (readonly string[])[] {
  return [
    ...(host ? [[hostCondition(host)]] : []),
    ...(path && !(path.type === 'prefix' && path.value === '/') ? [pathConditions(path)] : []),
    ...(method ? [[`method ${method}`]] : []),
    ...headers.map((header) => [`req.fhdr(${header.name}) ${valueCondition(header)}`]),
    ...query.map((parameter) => [`url_param(${parameter.name}),url_dec ${valueCondition(parameter)}`]),
  ];
}

function hostCondition({ name, labels }: HostMatch): string {
  if (!name.startsWith('*.')) return `var(txn.host) -m str ${name}`;
  return labels === 'any' ? `var(txn.host) -m end ${name.slice(1)}` : `var(txn.host) -m reg '^[^.]+${name.slice(1).replaceAll('.', '\\.')}$'`;
}

function pathConditions({ type, value }: PathMatch): string[] {
  if (type === 'regex') return [`path -m reg -- ${quoted(`^(?:${value})$`)}`];
  return [`path -m str -- ${quoted(value)}`, ...(type === 'prefix' ? [`path -m beg -- ${quoted(`${value}/`)}`] : [])];
}

function valueCondition({ value, regex }: ValueMatch): string {
  return regex ? `-m reg -- ${quoted(`^(?:${value})$`)}` : `-m str -- ${quoted(value)}`;
}

function backendLines(backend: Backend): string[] {
  switch (backend.do) {
    case 'respond': return [`  http-request return status ${backend.status} content-type text/plain string ${quoted(backend.text)}`];
    case 'redirect': return redirectLines(backend);
    case 'forward': return backend.mode === 'http' ? forwardLines(backend) : [
      '  mode tcp', ...(backend.places.length === 0 ? ['  tcp-request content reject'] : []), ...backend.places.map(({ address, port }, i) => `  server s${i} ${address}:${port}`),
    ];
  }
}

function forwardLines({ places, http2, requestHeaders, responseHeaders, rewrite, timeoutMs, cors, mirrors = [] }: ForwardBackend): string[] {
  const across = cors && corsLines(cors);
  return [
    // A copy has the body, too.
    ...(mirrors.length > 0 ? ['  option http-buffer-request'] : []),
    ...(across?.request ?? []),
    ...(timeoutMs === undefined ? [] : [`  timeout server ${timeoutMs}ms`]),
    ...(requestHeaders ? headerLines('http-request', requestHeaders) : []),
    ...(rewrite?.hostname ? [`  http-request set-header Host ${quoted(format(rewrite.hostname))}`] : []),
    ...(rewrite?.path ? pathLines(rewrite.path) : []),
    ...mirrors.map(({ place, share: [some, all] }) => `  http-request lua.wherry-mirror ${place.address} ${place.port}${some === all ? '' : ` if { rand(${all}) lt ${some} }`}`),
    ...(across?.response ?? []),
    ...(responseHeaders ? headerLines('http-response', responseHeaders) : []),
    ...places.map(({ address, port }, i) => `  server s${i} ${address}:${port}${http2 ? ' proto h2' : ''}`),
  ];
}

function redirectLines({ code, scheme, hostname, port, path }: RedirectBackend): string[] {
  const authority = `${hostname ? format(hostname) : '%[var(txn.host)]'}${port === undefined ? '' : `:${port}`}`;
  return [...(path ? pathLines(path) : []), `  http-request redirect location ${quoted(`${scheme}://${authority}%[pathq]`)} code ${code}`];
}

function headerLines(directive: 'http-request' | 'http-response', { set, add, remove }: HeaderChanges): string[] {
  return [
    ...set.map(([name, value]) => `  ${directive} set-header ${name} ${quoted(format(value))}`),
    ...add.map(([name, value]) => `  ${directive} add-header ${name} ${quoted(format(value))}`),
    ...remove.map((name) => `  ${directive} del-header ${name}`),
  ];
}

function pathLines(change: PathChange): string[] {
  if (change.do === 'replace') return [`  http-request set-path ${quoted(format(change.path || '/'))}`];
  const by = change.by.replace(/\/+$/, '');
  const replaced = `  http-request set-path ${quoted(`${format(by)}%[var(txn.rest)]`)}`;
  return [
    `  http-request set-var(txn.rest) path,bytes(${Buffer.byteLength(change.prefix)})`,
    // Of nothing but the prefix nothing would be left.
    ...(by ? [replaced] : [`${replaced} if { var(txn.rest) -m len gt 0 }`, '  http-request set-path / unless { var(txn.rest) -m len gt 0 }']),
  ];
}
