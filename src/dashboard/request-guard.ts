import type { IncomingHttpHeaders } from 'node:http';

/** What the guard looks at. */
export interface GuardedRequest {
  readonly method: string;
  /** As it stands in the request line. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly upgrade: boolean;
}

export interface Refusal {
  readonly status: number;
  readonly message: string;
}

const READS = new Set(['GET', 'HEAD']);
/** What of the cluster's API passes; the page's own paths are the server's. */
const PASSED = ['/api', '/apis', '/version', '/openapi', '/healthz', '/wherry'];

/**
 * Whether a request may come from our own page at all, before anybody asks for a session. The browser is the only judge of where a request comes from, and
 * it says so in three headers, each against another trick:
 *   - Host: a foreign name that was made to resolve to 127.0.0.1 (DNS rebinding) shows there;
 *   - Origin: a page of another origin that posts here or opens a WebSocket. Cookies do not tell ports apart, so that a page of another
 *     local server would come with ours;
 *   - Sec-Fetch-Site: the same for plain reads, in browsers that send it. Only opening the page itself may begin elsewhere (a click on the address).
 */
export function refusalOf({ method, url, headers, upgrade }: GuardedRequest, port: number): Refusal | undefined {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  const host = headers.host ?? '';
  if (!hosts.includes(host)) return { status: 421, message: `this server answers to ${hosts.join(' and ')} only` };
  if (headers.origin !== undefined && headers.origin !== `http://${host}`)
    return { status: 403, message: 'the request comes from another origin' };
  if ((upgrade || !READS.has(method)) && headers.origin === undefined)
    return { status: 403, message: 'the request does not say where it comes from (Origin)' };
  const site = headers['sec-fetch-site'];
  const opensPage =
    method === 'GET'
    && !upgrade
    && headers['sec-fetch-mode'] === 'navigate'
    && headers['sec-fetch-dest'] === 'document'
    && !isClusterPath(url);
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && !opensPage)
    return { status: 403, message: 'the request comes from another site' };
  return undefined;
}

/** Whether a path belongs to the cluster's API. */
export function isClusterPath(url: string): boolean {
  const path = url.split('?')[0]!;
  return PASSED.some((prefix) => path === prefix || path.startsWith(`${prefix}/`));
}

/**
 * Why a path of the cluster's API does not pass. Pages of pods, services and nodes (`…/proxy/…`) would be shown under our origin and could act in our name;
 * dots could lead out of what passes.
 */
export function refusalOfPath(url: string): Refusal | undefined {
  let segments: string[];
  try {
    segments = url.split('?')[0]!.split('/').slice(1).map(decodeURIComponent);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    return { status: 400, message: 'the path is not well encoded' };
  }
  if (segments.some((segment) => segment === '.' || segment === '..' || /[/\\]/.test(segment)))
    return { status: 400, message: 'the path must not go up or hide a slash' };
  const resource = segments[0] === 'api' ? segments.slice(2) : segments.slice(3);
  const own = resource[0] === 'namespaces' && resource.length > 2 ? resource.slice(2) : resource;
  if ((segments[0] === 'api' || segments[0] === 'apis') && own[2] === 'proxy')
    return { status: 403, message: 'pages from inside the cluster are not shown here: use kubectl port-forward' };
  return undefined;
}
