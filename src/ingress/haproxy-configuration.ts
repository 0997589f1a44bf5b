import type { HostRoutes, PathRoute, Routes } from './ingress-routes.ts';

export interface HaproxyOptions {
  /** Where it listens, on 80 and 443. */
  readonly address: string;
  /** A list of certificates and the hosts each is for, in HAProxy's format. */
  readonly certificateList: string;
  /** Whom it becomes after its start; stays who it is without. */
  readonly user?: string;
}

/** The configuration of HAProxy (2.4 or newer) for these routes. */
export function haproxyConfiguration(routes: Routes, { address, certificateList, user }: HaproxyOptions): string {
  const lines = [
    '# Written by wherry for the ingresses of the cluster; changes are lost.',
    'global',
    '  maxconn 4096',
    // By it the listeners are handed on at a reload, so that none of the connections that come meanwhile is lost. Its name is the node's network's own.
    '  stats socket abns@wherry-ingress level admin expose-fd listeners',
    '  hard-stop-after 60s',
    ...(user ? [`  user ${user}`, `  group ${user}`] : []),
    '  ssl-default-bind-options ssl-min-ver TLSv1.2',
    'defaults',
    '  mode http',
    '  option forwardfor',
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
    'frontend ingress',
    `  bind ${address}:80`,
    `  bind ${address}:443 ssl crt-list ${quoted(certificateList)} alpn h2,http/1.1`,
    '  http-request set-var(txn.host) req.hdr(host),field(1,:),lower',
    '  http-request set-header X-Forwarded-Proto http unless { ssl_fc }',
    '  http-request set-header X-Forwarded-Proto https if { ssl_fc }',
    '  http-request set-header X-Forwarded-Host %[req.hdr(host)]',
    '  http-request set-header X-Real-IP %[src]',
    ...routes.hosts.flatMap((host) => hostLines(host, routes.defaultBackend ?? 'nothing')),
    `  default_backend ${routes.defaultBackend ?? 'nothing'}`,
    'backend nothing',
    '  http-request return status 404 content-type text/plain string "no ingress is for this host and path"',
  ];
  for (const [name, places] of [...routes.backends].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    lines.push(`backend ${name}`);
    if (places.length === 0) lines.push('  http-request return status 503 content-type text/plain string "the service of this ingress has nowhere to go"');
    places.forEach((place, i) => lines.push(`  server s${i} ${place.address}:${place.port}`));
  }
  return `${lines.join('\n')}\n`;
}

/** Each certificate with its hosts; the first is for all others. `file`: where a secret's PEM is. */
export function certificateList(routes: Routes, fallback: string, file: (secret: string) => string): string {
  return [`${fallback}\n`, ...routes.certificates.map(({ secret, hosts }) => `${[file(secret), ...hosts].join(' ')}\n`)].join('');
}

function hostLines({ host, paths }: HostRoutes, otherwise: string): string[] {
  const isHost = host === '' ? '' : host.startsWith('*.')
    ? ` { var(txn.host) -m reg '^[^.]+${host.slice(1).replaceAll('.', '\\.')}$' }`
    : ` { var(txn.host) -m str ${host} }`;
  const end = paths.at(-1);
  const takesAll = end !== undefined && !end.exact && end.path === '/';
  return [
    ...paths.flatMap((path) => pathConditions(path).map((condition) => `  use_backend ${path.backend}${isHost || condition ? ` if${isHost}${condition}` : ''}`)),
    ...(takesAll || host === '' ? [] : [`  use_backend ${otherwise} if${isHost}`]),
  ];
}

/** One rule each. A prefix is one of whole elements: `/a` is for `/a` and `/a/b`, not for `/ab`. */
function pathConditions({ exact, path }: PathRoute): string[] {
  if (exact) return [` { path -m str ${quoted(path)} }`];
  return path === '/' ? [''] : [` { path -m str ${quoted(path)} }`, ` { path -m beg ${quoted(`${path}/`)} }`];
}

/** Within single quotes nothing means anything; a single quote itself is in none of what comes here. */
function quoted(text: string): string {
  return `'${text}'`;
}
