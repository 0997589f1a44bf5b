import {
  Agent as HttpAgent,
  request as httpRequest,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { tlsOf, type HttpClientOptions } from '../client/http-client.ts';
import { tunnelAgent } from '../client/proxy.ts';

/** Of a browser's request nothing else goes on: no cookie of ours, no credentials and no impersonation of its own. */
const REQUEST_HEADERS = ['accept', 'content-type', 'content-length', 'transfer-encoding'] as const;
const UPGRADE_HEADERS = ['connection', 'upgrade', 'sec-websocket-key', 'sec-websocket-version', 'sec-websocket-protocol'] as const;
const RESPONSE_HEADERS = ['content-type', 'content-length', 'warning', 'retry-after'] as const;
const UPGRADE_RESPONSE_HEADERS = ['connection', 'upgrade', 'sec-websocket-accept', 'sec-websocket-protocol'] as const;

/** Passes requests on to a cluster with the credentials of a kubeconfig, which never leave this process. Bodies stream both ways, so that watches and logs come as they happen. */
export class ApiProxy implements Disposable {
  readonly #options: HttpClientOptions;
  readonly #base: URL;
  readonly #agent: HttpAgent;

  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#base = new URL(options.server);
    this.#agent =
      this.#base.protocol !== 'https:'
        ? new HttpAgent({ keepAlive: true })
        : options.proxy
          ? tunnelAgent(options.proxy, { keepAlive: true, ...tlsOf(options) })
          : new HttpsAgent({ keepAlive: true, ...tlsOf(options) });
  }

  pass(request: IncomingMessage, response: ServerResponse): void {
    const onward = this.#open(request, pick(request.headers, REQUEST_HEADERS));
    onward.on('response', (answer) => {
      // What a cluster answers is data, whatever it says of itself: nothing of it may run under our origin.
      response.writeHead(answer.statusCode ?? 502, {
        ...pick(answer.headers, RESPONSE_HEADERS),
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'content-security-policy': "default-src 'none'; sandbox",
      });
      response.flushHeaders();
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    });
    onward.on('error', (error) =>
      response.headersSent
        ? response.destroy()
        : response.writeHead(502, { 'content-type': 'application/json' }).end(JSON.stringify(unreachable(this.#base, error))),
    );
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  }

  /** WebSockets: exec, attach, port-forward. After the handshake, bytes go through as they come. */
  passUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const onward = this.#open(request, pick(request.headers, UPGRADE_HEADERS));
    socket.on('error', () => onward.destroy());
    onward.on('upgrade', (answer, far, farHead) => {
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${headerLines(pick(answer.headers, UPGRADE_RESPONSE_HEADERS))}\r\n`);
      socket.write(farHead);
      far.write(head);
      far.pipe(socket).pipe(far);
      far.on('error', () => socket.destroy());
      far.on('close', () => socket.destroy());
      socket.on('close', () => far.destroy());
    });
    onward.on('response', (answer) => {
      socket.write(
        `HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\n${headerLines(pick(answer.headers, RESPONSE_HEADERS))}Connection: close\r\n\r\n`,
      );
      answer.pipe(socket);
    });
    onward.on('error', () => socket.destroy());
    onward.end();
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  #open({ method = 'GET', url = '/' }: IncomingMessage, headers: OutgoingHttpHeaders): ClientRequest {
    const { token, headers: own, userAgent } = this.#options;
    const bearer = typeof token === 'function' ? token() : token;
    const secure = this.#base.protocol === 'https:';
    return (secure ? httpsRequest : httpRequest)({
      agent: this.#agent,
      method,
      host: this.#base.hostname.replace(/^\[|\]$/g, ''),
      port: this.#base.port || (secure ? 443 : 80),
      path: this.#base.pathname.replace(/\/$/, '') + url,
      headers: { ...headers, ...own, 'user-agent': userAgent, ...(bearer && { authorization: `Bearer ${bearer}` }) } as OutgoingHttpHeaders,
    });
  }
}

function pick(headers: IncomingHttpHeaders, names: readonly string[]): OutgoingHttpHeaders {
  return Object.fromEntries(names.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])));
}

function headerLines(headers: OutgoingHttpHeaders): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${String(value)}\r\n`)
    .join('');
}

function unreachable(server: URL, error: Error): object {
  return {
    apiVersion: 'v1',
    kind: 'Status',
    status: 'Failure',
    reason: 'ServiceUnavailable',
    code: 502,
    message: `the cluster at ${server.host} does not answer: ${error.message}`,
  };
}
