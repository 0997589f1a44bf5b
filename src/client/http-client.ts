import type { Agent, ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { request as httpsRequest, Agent as HttpsAgent, type AgentOptions } from 'node:https';
import { createSecureContext } from 'node:tls';
import { statusError, StatusError, type Status } from '../api/errors.ts';
import { apiVersionOf, type ResourceType } from '../api/object.ts';
import { currentCause, formatCause } from '../base/cause.ts';
import { systemClock } from '../base/clock.ts';
import type { Client, Patch, WatchEvent } from './client.ts';
import { ConnectionError, connectionError } from './connection-error.ts';
import { listQuery, resourcePath, withQuery, writeQuery, type Query } from './resource-path.ts';
import { lines } from './lines.ts';
import { parseObject } from './parse-object.ts';
import { proxyAuthorization, tunnelAgent } from './proxy.ts';

// An `import` of node:http reads all that it exports, among it WebSocket and fetch, whose loading takes a third of a short command's time.
const { request: httpRequest, Agent: HttpAgent } = process.getBuiltinModule('node:http');

/**
 * So many requests are under way at once, each on a connection of its own; more of them wait. A connection costs both sides more than ten
 * requests, and a burst (fifty pods that start) would open one for each. What lasts does not count: a watch has its connection to itself.
 */
const PARALLEL = 6;

export interface HttpClientOptions {
  /** `https://127.0.0.1:6443`; plain `http:` is for `kubectl proxy` and its like. */
  readonly server: string;
  /** PEM; absent: the system's authorities. */
  readonly ca?: string;
  /** Client certificate and its key, PEM. */
  readonly certificate?: string;
  readonly key?: string;
  /** Bearer token; a function is asked before each request, for tokens that are renewed. */
  readonly token?: string | (() => string);
  readonly userAgent: string;
  /** Do not verify the server's certificate. */
  readonly insecureSkipTlsVerify?: boolean;
  /** The name that the server's certificate must bear, when not the URL's. */
  readonly tlsServerName?: string;
  /** What the server is reached through: `http://`, `https://` or `socks5://`. */
  readonly proxy?: string;
  /** Sent with each request: `Impersonate-User` and the like. */
  readonly headers?: Headers;
  /** A request that has no answer by then fails; watches and streams may last. Default 60,000. */
  readonly timeoutMs?: number | undefined;
  /** Hears each `Warning` header's text. */
  readonly onWarning?: (text: string) => void;
}

export type Headers = Readonly<Record<string, string | readonly string[]>>;

export interface RawOptions {
  /** Text and bytes are sent as they are, anything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Headers;
  readonly signal?: AbortSignal;
}

export interface RawResponse {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface StreamResponse {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** Destroy it when it is not read to the end. */
  readonly body: IncomingMessage;
}

/** An answer that has begun. */
interface Exchange {
  readonly response: IncomingMessage;
  /** What an error in reading it is to be told as: perhaps it was ended from here. */
  readonly fault: (error: unknown) => unknown;
}

/** Every request rejects with StatusError when the server refuses, and with ConnectionError when there was no answer. */
export interface HttpClient extends Client, Disposable {
  /** What to connect with for other protocols (WebSocket). */
  readonly options: HttpClientOptions;
  /** One request as it stands; `path` with its query. The whole answer, within the time-out. */
  raw(method: string, path: string, options?: RawOptions): Promise<RawResponse>;
  /** As `raw`, but the body as it comes, for as long as it comes: logs, watches. */
  stream(method: string, path: string, options?: RawOptions): Promise<StreamResponse>;
}

/** The API over HTTPS with kept-alive connections; throws when the credentials cannot be read. Disposing closes the connections. */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const base = new URL(options.server);
  const secure = base.protocol === 'https:';
  const prefix = base.pathname.replace(/\/$/, '');
  // A proxy is asked for plain HTTP by the whole URL; for TLS it only lends a tunnel.
  const asked = !secure && options.proxy && !options.proxy.startsWith('socks5') ? new URL(options.proxy) : undefined;
  const to = { host: (asked ?? base).hostname.replace(/^\[|\]$/g, ''), port: (asked ?? base).port || ((asked ?? base).protocol === 'https:' ? 443 : 80) };
  const authorization = asked && proxyAuthorization(asked);
  const toProxy = asked && { host: base.host, ...(authorization && { 'proxy-authorization': authorization }) };
  const before = asked ? base.origin + prefix : prefix;
  const start = secure || asked?.protocol === 'https:' ? httpsRequest : httpRequest;
  const makeAgent = agentMaker(options, secure);
  const agent = makeAgent(PARALLEL);
  const streamAgent = makeAgent(Infinity);

  const headersFor = (more: Headers | undefined): OutgoingHttpHeaders => {
    const token = typeof options.token === 'function' ? options.token() : options.token;
    return { 'user-agent': options.userAgent, accept: 'application/json', ...toProxy, ...(token && { authorization: `Bearer ${token}` }), ...options.headers, ...more } as OutgoingHttpHeaders;
  };

  /** `limitMs`: for the whole of it, the answer's body included. */
  const send = (method: string, path: string, body: Buffer | undefined, headers: OutgoingHttpHeaders, signal: AbortSignal | undefined, limitMs: number | undefined): Promise<Exchange> =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const attempt = (): ClientRequest => start({ ...to, agent: limitMs === undefined ? streamAgent : agent, method, path: before + path, headers });
      let request = attempt();
      let stoppedBy: unknown;
      const stop = (reason: unknown): void => {
        stoppedBy ??= reason;
        request.destroy(reason as Error);
      };
      const onAbort = (): void => stop(signal!.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      const limit = limitMs === undefined ? undefined
        : systemClock.timer(limitMs, () => stop(new ConnectionError(`no answer from ${base.host} within ${limitMs} ms`, { code: 'ETIMEDOUT', cause: undefined })));
      const settle = (): void => {
        limit?.[Symbol.dispose]();
        signal?.removeEventListener('abort', onAbort);
      };
      const fault = (error: unknown): unknown => stoppedBy ?? connectionError(error as NodeJS.ErrnoException, base);
      const follow = (last: boolean): void => {
        request.on('response', (response) => resolve({ response, fault }));
        request.on('error', (error: NodeJS.ErrnoException) => {
          // The server closed a kept connection just as we took it: it has not seen the request.
          if (!last && stoppedBy === undefined && request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE')) {
            request.off('close', settle);
            request = attempt();
            return follow(true);
          }
          reject(fault(error));
        });
        request.on('close', settle);
        request.end(body);
      };
      follow(false);
    });

  const request = async (method: string, path: string, { body, headers, signal }: RawOptions, limitMs?: number): Promise<Exchange> => {
    const bytes = body === undefined ? undefined : Buffer.from(typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body));
    const cause = method === 'GET' ? '' : formatCause(currentCause());
    const all = headersFor({ ...(bytes && { 'content-type': 'application/json', 'content-length': String(bytes.length) }), ...(cause && { 'wherry-cause': cause }), ...headers });
    const exchange = await send(method, path, bytes, all, signal, limitMs);
    const { response } = exchange;
    if (options.onWarning && response.headers['warning']) for (const text of warnings(response.rawHeaders)) options.onWarning(text);
    if (response.statusCode! >= 400) throw faultOf(response.statusCode!, (await readAll(exchange)).toString());
    return exchange;
  };

  const stream: HttpClient['stream'] = async (method, path, streamOptions = {}) => {
    const { response } = await request(method, path, streamOptions);
    return { status: response.statusCode!, headers: response.headers, body: response };
  };

  const raw: HttpClient['raw'] = async (method, path, rawOptions = {}) => {
    const exchange = await request(method, path, rawOptions, options.timeoutMs ?? 60_000);
    const { response: { statusCode, headers } } = exchange;
    return { status: statusCode!, headers, body: await readAll(exchange) };
  };

  const call = async <T>(method: string, path: string, body?: unknown, headers?: Headers): Promise<T> =>
    parseObject<T>((await raw(method, path, { body, ...(headers && { headers }) })).body.toString());

  const typed = <T>(resource: ResourceType<unknown>, object: T): T => ({ apiVersion: apiVersionOf(resource), kind: resource.kind, ...object });

  return {
    options,
    raw,
    stream,
    get: (resource, key, o = {}) => call('GET', withQuery(resourcePath(resource, key.namespace, key.name, o.subresource), { resourceVersion: o.resourceVersion })),
    list: (resource, o = {}) => call('GET', withQuery(resourcePath(resource, o.namespace), listQuery(o))),
    async watch<T>(resource: ResourceType<T>, { signal, ...o }: Parameters<Client['watch']>[1]) {
      const query: Query = {
        watch: true, ...listQuery(o), allowWatchBookmarks: o.allowWatchBookmarks, sendInitialEvents: o.sendInitialEvents, timeoutSeconds: o.timeoutSeconds,
        ...(o.sendInitialEvents && { resourceVersionMatch: 'NotOlderThan' }),
      };
      const response = await stream('GET', withQuery(resourcePath(resource, o.namespace), query), { ...(signal && { signal }) });
      return watchEvents<T>(response.body, base, signal);
    },
    create: (resource, object, o) =>
      call('POST', withQuery(
        resourcePath(resource, resource.namespaced ? (object.metadata.namespace ?? 'default') : undefined, o?.subresource && object.metadata.name, o?.subresource), writeQuery(o)),
      typed(resource, object)),
    createSubresource: (resource, key, subresource, body, o) => call('POST', withQuery(resourcePath(resource, key.namespace, key.name, subresource), writeQuery(o)), body),
    update: (resource, object, o) =>
      call('PUT', withQuery(resourcePath(resource, object.metadata.namespace, object.metadata.name, o?.subresource), writeQuery(o)), typed(resource, object)),
    updateStatus: (resource, object, o) =>
      call('PUT', withQuery(resourcePath(resource, object.metadata.namespace, object.metadata.name, 'status'), writeQuery(o)), typed(resource, object)),
    patch: (resource, key, patch: Patch, o) =>
      call('PATCH', withQuery(resourcePath(resource, key.namespace, key.name, o?.subresource), { ...writeQuery(o), ...('force' in patch && patch.force && { force: true }) }),
        patch.body, { 'content-type': patch.type }),
    async delete(resource, key, o = {}) {
      const { dryRun, ...rest } = o;
      await call('DELETE', withQuery(resourcePath(resource, key.namespace, key.name), { ...(dryRun && { dryRun: 'All' }) }), { apiVersion: 'v1', kind: 'DeleteOptions', ...rest });
    },
    async deleteCollection(resource, list, o = {}) {
      const { dryRun, ...rest } = o;
      await call('DELETE', withQuery(resourcePath(resource, list.namespace), { ...listQuery(list), ...(dryRun && { dryRun: 'All' }) }), { apiVersion: 'v1', kind: 'DeleteOptions', ...rest });
    },
    [Symbol.dispose]() {
      agent.destroy();
      streamAgent.destroy();
    },
  };
}

/**
 * Connections of one kind, for one set of credentials. The credentials are read once: as options of their own they would be read for each
 * connection, and compared, several kilobytes of them, for each request.
 */
function agentMaker({ proxy, ...options }: HttpClientOptions, secure: boolean): (maxSockets: number) => Agent {
  if (!secure) return (maxSockets) => (proxy?.startsWith('https:') ? new HttpsAgent({ keepAlive: true, maxSockets }) : new HttpAgent({ keepAlive: true, maxSockets }));
  const tls = tlsOf(options);
  return (maxSockets) => (proxy ? tunnelAgent(proxy, { keepAlive: true, maxSockets, ...tls }) : new HttpsAgent({ keepAlive: true, maxSockets, ...tls }));
}

/** How to connect by TLS with these credentials. Throws what kubectl says of certificates and keys that are none. */
export function tlsOf({ ca, certificate, key, tlsServerName, insecureSkipTlsVerify }: HttpClientOptions): AgentOptions {
  if (ca && !ca.includes('-----BEGIN')) throw new Error('unable to load root certificates: unable to parse bytes as PEM block');
  for (const [text, noun] of [[certificate, 'certificate'], [certificate && key, 'key']] as const) if (text && !text.includes('-----BEGIN')) throw new Error(`tls: failed to find any PEM data in ${noun} input`);
  const secureContext = createSecureContext({ ...(ca && { ca }), ...(certificate && { cert: certificate, key }) });
  return { secureContext, ...(tlsServerName && { servername: tlsServerName }), rejectUnauthorized: !insecureSkipTlsVerify };
}

/** Iterates a watch's body, one JSON event a line. */
async function* watchEvents<T>(stream: IncomingMessage, server: URL, signal: AbortSignal | undefined): AsyncGenerator<WatchEvent<T>> {
  try {
    for await (const line of lines(stream)) {
      const event = parseObject<WatchEvent<T> | { readonly type: 'ERROR'; readonly object: Status }>(line);
      if (event.type === 'ERROR') throw new StatusError(event.object);
      yield event;
    }
  } catch (error) {
    if (signal?.aborted) return;
    if (error instanceof StatusError || error instanceof SyntaxError) throw error;
    throw connectionError(error as NodeJS.ErrnoException, server);
  } finally {
    stream.destroy();
  }
}

function readAll({ response, fault }: Exchange): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    response.on('error', (error) => reject(fault(error)));
    response.on('close', () => {
      if (!response.complete) reject(fault(new Error('the answer was cut off')));
    });
  });
}

/** The fault a refusing answer stands for; what is not a Status (a proxy's page) becomes one. */
export function faultOf(code: number, body: string): StatusError {
  try {
    const status = JSON.parse(body) as Status;
    if (status.kind === 'Status') return new StatusError({ ...status, code: status.code ?? code });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const reasons: Readonly<Record<number, string>> = {
    400: 'BadRequest', 401: 'Unauthorized', 403: 'Forbidden', 404: 'NotFound', 405: 'MethodNotAllowed', 406: 'NotAcceptable', 409: 'Conflict', 410: 'Gone',
    415: 'UnsupportedMediaType', 422: 'Invalid', 429: 'TooManyRequests', 500: 'InternalError', 503: 'ServiceUnavailable', 504: 'Timeout',
  };
  return statusError(code, reasons[code] ?? 'Unknown', body.trim() || `the server answered with status ${code}`);
}

/** The texts of `Warning: 299 - "text"` headers. */
function warnings(rawHeaders: readonly string[]): string[] {
  const texts: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.toLowerCase() !== 'warning') continue;
    for (const match of rawHeaders[i + 1]!.matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)) texts.push(match[1]!.replace(/\\(.)/g, '$1'));
  }
  return texts;
}
