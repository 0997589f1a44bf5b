import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import { UserError } from '../base/user-error.ts';
import type { HttpClient } from '../client/http-client.ts';
import { ApiProxy } from './api-proxy.ts';
import type { PageFiles } from './build-page.ts';
import { LiveConnection } from './live-connection.ts';
import { LiveTables } from './live-tables.ts';
import { readLogWish, sendLogs } from './merged-logs.ts';
import { plainPage } from './plain-page.ts';
import { isClusterPath, refusalOf, refusalOfPath } from './request-guard.ts';
import type { Sample, Usage } from './rows/row.ts';
import { refuse, ServicesOfPage } from './services-of-page.ts';
import { cookieName, cookieOf, Sessions } from './sessions.ts';
import type { Tunnel } from './tunnel.ts';
import { pollUsage } from './usage-poller.ts';

export interface DashboardOptions {
  /** The cluster, with the credentials that everything is done with. The caller's to dispose. */
  readonly http: HttpClient;
  /** For the title. */
  readonly contextName: string;
  /** Where new visitors look first. */
  readonly namespace: string;
  /** 0: any free one. */
  readonly port: number;
  readonly page: PageFiles;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Where the cluster is one of this machine. The dashboard disposes it. */
  readonly tunnel?: Tunnel | undefined;
}

export interface Dashboard extends AsyncDisposable {
  readonly port: number;
  /** An address that logs a browser in; good once, for five minutes. */
  invite(): string;
}

/** The page does not wait longer for a word that is only shown. */
const VERSION_MS = 1500;

/** An hour of them. */
const MOST_SAMPLES = 360;

/** The style sheet of the terminal is written by its library at run time; scripts come from our files only. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
};

/** The dashboard on 127.0.0.1: its page, the live connection, and the cluster's API behind a session. Throws UserError where the port is taken. */
export async function startDashboard(options: DashboardOptions): Promise<Dashboard> {
  await using onFailure = new AsyncDisposableStack();
  const stack = onFailure.use(new AsyncDisposableStack());
  const server = stack.use(new DashboardServer(options));
  const port = await server.listen(options.port);
  const running = stack.move();
  return { port, invite: () => server.invite(), [Symbol.asyncDispose]: () => running.disposeAsync() };
}

class DashboardServer implements AsyncDisposable {
  readonly #options: DashboardOptions;
  readonly #sessions: Sessions;
  readonly #proxy: ApiProxy;
  readonly #services: ServicesOfPage;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 1 << 16 });
  readonly #connections = new Set<LiveConnection>();
  /** Shells and the like: the HTTP server forgets connections that are upgraded, but waits for them. */
  readonly #passed = new Set<Duplex>();
  readonly #ending = new AbortController();
  #port = 0;
  /** From the first page on. */
  #tables: LiveTables | undefined;
  /** While there are pages. */
  #polling: AbortController | undefined;
  #usage: Usage | null | undefined;
  /** What was measured while somebody looked, the oldest first. */
  #history: readonly Sample[] = [];

  constructor(options: DashboardOptions) {
    this.#options = options;
    this.#sessions = new Sessions(options.clock);
    this.#proxy = new ApiProxy(options.http.options);
    this.#services = new ServicesOfPage({ ...options, tunnel: options.tunnel });
    this.#server = createServer((request, response) => this.#answer(request, response));
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  async listen(port: number): Promise<number> {
    const listening = once(this.#server, 'listening');
    this.#server.listen(port, '127.0.0.1');
    try {
      await listening;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new UserError(
        `cannot listen on port ${port}: ${code === 'EADDRINUSE' ? 'it is in use' : message}`,
        'wherry dashboard --port 0',
        { cause: error },
      );
    }
    this.#port = (this.#server.address() as AddressInfo).port;
    return this.#port;
  }

  invite(): string {
    return `http://127.0.0.1:${this.#port}/login?token=${this.#sessions.invite()}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort(new Error('the dashboard is ending'));
    this.#polling?.abort();
    for (const socket of this.#sockets.clients) socket.terminate();
    for (const socket of this.#passed) socket.destroy();
    const closed = once(this.#server, 'close');
    if (this.#server.listening) {
      this.#server.close();
      this.#server.closeAllConnections();
      await closed;
    }
    this.#proxy[Symbol.dispose]();
    await this.#services[Symbol.asyncDispose]();
    await this.#tables?.[Symbol.asyncDispose]();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { method = 'GET', url = '/', headers } = request;
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('referrer-policy', 'no-referrer');
    response.setHeader('cross-origin-resource-policy', 'same-origin');
    const refusal = refusalOf({ method, url, headers, upgrade: false }, this.#port);
    if (refusal) return refuse(response, refusal);
    const path = url.split('?')[0]!;
    if (path === '/login' && method === 'GET') return this.#login(request, response);
    if (!this.#hasSession(request)) return this.#askToLogIn(path, response);
    if (isClusterPath(url)) {
      const refused = refusalOfPath(url);
      return refused ? refuse(response, refused) : this.#proxy.pass(request, response);
    }
    if (path === '/logs' && method === 'GET')
      return void sendLogs(this.#options.http, readLogWish(new URLSearchParams(url.split('?')[1])), response);
    const service = this.#services.find(method, path);
    if (service) return void this.#services.answer(request, service, response);
    if (method !== 'GET' && method !== 'HEAD') return refuse(response, { status: 405, message: 'only the cluster can be changed' });
    this.#file(path === '/' ? 'index.html' : path.slice(1), response);
  }

  #login({ url = '', headers }: IncomingMessage, response: ServerResponse): void {
    // A browser that fetches ahead of the click must not use the token up.
    const session = headers['sec-purpose']?.includes('prefetch')
      ? undefined
      : this.#sessions.login(new URLSearchParams(url.split('?')[1]).get('token') ?? '');
    if (!session) return this.#hasSession({ headers }) ? sendPage(response, 200, WELCOME) : this.#askToLogIn('/', response);
    response.setHeader('set-cookie', `${cookieName(this.#port)}=${session}; Path=/; HttpOnly; SameSite=Strict`);
    // Not a redirect: where the address was clicked in another site's page, a redirect would come without the cookie.
    sendPage(response, 200, WELCOME);
  }

  #hasSession({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
    return this.#sessions.has(cookieOf(headers.cookie, cookieName(this.#port)));
  }

  #askToLogIn(path: string, response: ServerResponse): void {
    if (path !== '/' && path !== '/index.html')
      return refuse(response, { status: 401, message: 'not logged in: open the address that wherry dashboard prints' });
    sendPage(response, 401, {
      title: 'Please come in by the address that wherry prints',
      text: 'It logs one browser in, once, and is good for five minutes. Press Enter in the terminal where the dashboard runs for a fresh one, or start it again:',
      command: 'wherry dashboard',
    });
  }

  #file(name: string, response: ServerResponse): void {
    const content = this.#options.page.get(name);
    if (!content) return refuse(response, { status: 404, message: 'there is no such page' });
    response
      .writeHead(200, {
        'content-type': TYPES[name.split('.').at(-1)!] ?? 'application/octet-stream',
        'content-security-policy': PAGE_POLICY,
        'cross-origin-opener-policy': 'same-origin',
        'cache-control': name === 'index.html' ? 'no-store' : 'private, max-age=31536000, immutable',
      })
      .end(content);
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { method = 'GET', url = '/', headers } = request;
    const refusal =
      refusalOf({ method, url, headers, upgrade: true }, this.#port)
      ?? (this.#hasSession(request) ? undefined : { status: 401, message: 'not logged in' })
      ?? (url === '/live' ? undefined : isClusterPath(url) ? refusalOfPath(url) : { status: 404, message: 'there is no such connection' });
    if (refusal) {
      socket.on('error', () => {
        /* Whoever is refused may be gone already. */
      });
      socket.end(
        `HTTP/1.1 ${refusal.status} Refused\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(refusal.message)}\r\nConnection: close\r\n\r\n${refusal.message}`,
      );
    } else if (url === '/live') void this.#goLive(request, socket, head);
    else {
      this.#passed.add(socket);
      socket.on('close', () => this.#passed.delete(socket));
      this.#proxy.passUpgrade(request, socket, head);
    }
  }

  async #goLive(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { http, clock, random, log, contextName: context, namespace } = this.#options;
    this.#tables ??= new LiveTables({ client: http, clock, random, log });
    const version = await this.#version();
    if (this.#ending.signal.aborted || socket.destroyed) return;
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const hello = { context, server: http.options.server, namespace, version, history: this.#history };
      const connection = new LiveConnection({ socket: webSocket, tables: this.#tables!, clock, hello });
      this.#connections.add(connection);
      if (this.#usage !== undefined) connection.measured(this.#usage);
      this.#pollWhileWatched();
      webSocket.on('error', (error) => log.debug('a page went away', { error }));
      webSocket.on('close', () => {
        connection[Symbol.dispose]();
        this.#connections.delete(connection);
        if (this.#connections.size > 0) return;
        this.#polling?.abort();
        this.#polling = undefined;
      });
    });
  }

  #pollWhileWatched(): void {
    if (this.#polling) return;
    this.#polling = new AbortController();
    const { http, clock, log } = this.#options;
    void pollUsage({
      http,
      clock,
      log,
      signal: this.#polling.signal,
      tell: (usage) => {
        this.#usage = usage;
        if (usage) this.#history = [...this.#history.slice(1 - MOST_SAMPLES), { at: clock.now(), nodes: usage.nodes }];
        for (const connection of this.#connections) connection.measured(usage);
      },
    });
  }

  /** Empty while the cluster does not answer: the tables say why. */
  async #version(): Promise<string> {
    try {
      return (
        JSON.parse(
          (
            await this.#options.http.raw('GET', '/version', {
              signal: AbortSignal.any([this.#ending.signal, AbortSignal.timeout(VERSION_MS)]),
            })
          ).body.toString(),
        ) as { readonly gitVersion: string }
      ).gitVersion;
    } catch (error) {
      this.#options.log.debug('the cluster does not tell its version', { error });
      return '';
    }
  }
}

const WELCOME = {
  title: 'Welcome aboard',
  text: 'The dashboard opens. <a href="/">Here it is</a>, should your browser not go there by itself.',
  onward: '/',
};

function sendPage(response: ServerResponse, status: number, content: Parameters<typeof plainPage>[0]): void {
  response
    .writeHead(status, { 'content-type': TYPES['html']!, 'content-security-policy': PAGE_POLICY, 'cache-control': 'no-store' })
    .end(plainPage(content));
}
