import { request as httpRequest, STATUS_CODES, type Agent as HttpAgent, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { request as httpsRequest, type Agent as HttpsAgent } from 'node:https';
import { pipeline, type Duplex } from 'node:stream';
import { serviceUnavailable, StatusError } from '../../api/errors.ts';
import type { Log } from '../../base/log.ts';
import type { ConnectCall } from './subresource-handler.ts';

export interface ProxyTarget {
  readonly url: URL;
  readonly agent?: HttpAgent | HttpsAgent;
  /** For `https:` without an agent: whether the other end's certificate is checked. */
  readonly checkCertificate?: boolean;
  /** Set besides those of the request. */
  readonly headers?: OutgoingHttpHeaders;
  /** A chance to change the headers of the answer, e.g. the location of a redirect. */
  answerHeaders?(headers: Record<string, string | readonly string[] | undefined>): void;
  /** Changes the whole body of an answer with these headers; undefined passes it on as it comes. */
  rewriteBody?(headers: IncomingMessage['headers']): ((body: Buffer) => Buffer) | undefined;
  /** Turns an answer into a fault instead of passing it on; undefined passes it on. `text` is read only when `wants` says so. */
  readonly fault?: { wants(status: number): boolean; make(status: number, text: string): StatusError };
}

/** Belongs to one connection and not to the request; or proves who the client is, which is nobody else's business. */
const NOT_FORWARDED = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'te', 'trailer', 'upgrade', 'authorization', 'host']);
const FAULT_LIMIT = 64 * 1024;

/**
 * Passes a request on to another server and its answer back; an upgraded connection is piped as it is, whatever is spoken on it.
 * Settles when the conversation is over. Rejects with a StatusError while nothing has been sent to the client: 503 where the other end cannot be reached.
 */
export function reverseProxy(call: ConnectCall, target: ProxyTarget, log: Log): Promise<void> {
  return call.upgrade ? upgrade(call, call.upgrade, target, log) : forward(call, target, log);
}

function forwardedHeaders({ request }: ConnectCall, target: ProxyTarget): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(request.headersDistinct)) {
    if (!NOT_FORWARDED.has(name) && !name.startsWith('impersonate-')) headers[name] = value;
  }
  const from = request.socket.remoteAddress;
  if (from) headers['x-forwarded-for'] = [...(request.headersDistinct['x-forwarded-for'] ?? []), from].join(', ');
  return { ...headers, host: target.url.host, ...target.headers };
}

function open(call: ConnectCall, target: ProxyTarget, headers: OutgoingHttpHeaders) {
  const { url, agent, checkCertificate = false } = target;
  const options = { method: call.request.method ?? 'GET', headers, signal: call.context.signal, ...(agent && { agent }) };
  return url.protocol === 'https:' ? httpsRequest(url, { ...options, ...(!agent && { rejectUnauthorized: checkCertificate }) }) : httpRequest(url, options);
}

const unreachable = (error: Error): StatusError => serviceUnavailable(`error trying to reach service: ${error.message}`);

function forward(call: ConnectCall, target: ProxyTarget, log: Log): Promise<void> {
  const { request } = call;
  const response = call.response!;
  return new Promise((resolve, reject) => {
    const outgoing = open(call, target, forwardedHeaders(call, target));
    // The client has left: nobody waits for the answer any more.
    response.on('close', () => {
      outgoing.destroy();
      resolve();
    });
    outgoing.on('error', (error) => {
      if (response.headersSent) {
        log.debug('a proxied answer was cut off', { url: target.url.href, error });
        response.destroy();
        resolve();
      } else reject(unreachable(error));
    });
    outgoing.on('response', (incoming) => {
      const status = incoming.statusCode ?? 502;
      if (target.fault?.wants(status)) {
        readText(incoming).then((text) => reject(target.fault!.make(status, text)), (error: Error) => reject(unreachable(error)));
        return;
      }
      const headers: Record<string, string | readonly string[] | undefined> = { ...incoming.headers };
      for (const name of ['connection', 'keep-alive', 'transfer-encoding']) delete headers[name];
      target.answerHeaders?.(headers);
      const rewrite = target.rewriteBody?.(incoming.headers);
      if (rewrite) {
        delete headers['content-length'];
        readAll(incoming).then((body) => response.writeHead(status, headers as OutgoingHttpHeaders).end(rewrite(body)), (error: Error) => reject(unreachable(error)));
        return;
      }
      response.writeHead(status, headers as OutgoingHttpHeaders);
      response.flushHeaders();
      pipeline(incoming, response, () => resolve());
    });
    if (hasBody(request)) pipeline(request, outgoing, () => {});
    else outgoing.end();
  });
}

const hasBody = ({ headers }: IncomingMessage): boolean => headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

async function readAll(incoming: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of incoming) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

/** The beginning of an answer as text, for a fault's message. */
export async function readText(incoming: IncomingMessage): Promise<string> {
  let text = '';
  incoming.setEncoding('utf8');
  for await (const piece of incoming) {
    text += piece as string;
    if (text.length > FAULT_LIMIT) break;
  }
  return text;
}

function upgrade(call: ConnectCall, client: { readonly socket: Duplex; readonly head: Buffer }, target: ProxyTarget, log: Log): Promise<void> {
  const { socket, head } = client;
  return new Promise((resolve, reject) => {
    const headers = { ...forwardedHeaders(call, target), connection: 'Upgrade', upgrade: call.request.headers.upgrade };
    // A connection of its own: what is upgraded cannot go back to a pool.
    const outgoing = open(call, target, headers);
    let answered = false;
    const giveUp = (): void => void outgoing.destroy();
    socket.on('close', giveUp);
    outgoing.on('error', (error) => {
      if (answered) log.debug('an upgraded connection was cut off', { url: target.url.href, error });
      else reject(unreachable(error));
      if (answered) socket.destroy();
    });
    outgoing.on('upgrade', (incoming, other: Duplex, otherHead: Buffer) => {
      answered = true;
      socket.off('close', giveUp);
      writeHead(socket, incoming);
      if (otherHead.length) socket.write(otherHead);
      if (head.length) other.write(head);
      join(socket, other, resolve);
    });
    outgoing.on('response', (incoming) => {
      const status = incoming.statusCode ?? 502;
      if (target.fault?.wants(status)) {
        readText(incoming).then((text) => reject(target.fault!.make(status, text)), (error: Error) => reject(unreachable(error)));
        return;
      }
      answered = true;
      writeHead(socket, incoming, true);
      pipeline(incoming, socket, () => resolve());
    });
    outgoing.end();
  });
}

/** Both ways until both have ended; an end or a break of one becomes the other's. */
function join(a: Duplex, b: Duplex, done: () => void): void {
  let open = 2;
  const closed = (other: Duplex) => (): void => {
    other.destroy();
    if (--open === 0) done();
  };
  for (const socket of [a, b]) (socket as Partial<{ setNoDelay(on: boolean): void }>).setNoDelay?.(true);
  a.on('error', () => b.destroy());
  b.on('error', () => a.destroy());
  a.on('close', closed(b));
  b.on('close', closed(a));
  a.pipe(b);
  b.pipe(a);
}

function writeHead(socket: Duplex, incoming: IncomingMessage, close = false): void {
  const status = incoming.statusCode ?? 502;
  const lines = [`HTTP/1.1 ${status} ${incoming.statusMessage || STATUS_CODES[status] || ''}`];
  for (let i = 0; i < incoming.rawHeaders.length; i += 2) {
    const name = incoming.rawHeaders[i]!;
    if (close && /^(connection|transfer-encoding|keep-alive)$/i.test(name)) continue;
    lines.push(`${name}: ${incoming.rawHeaders[i + 1]!}`);
  }
  if (close) lines.push('Connection: close');
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
}
