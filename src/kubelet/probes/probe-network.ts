import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { grpcHealth } from './grpc-health.ts';

export interface HttpProbe {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
}

/** How probes and hooks reach pods. Every method rejects, with words fit for an event, when it cannot connect or time is up. */
export interface ProbeNetwork {
  /** The status, and the first bytes of the body. */
  http(probe: HttpProbe, timeoutMs: number): Promise<{ readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string }>;
  tcp(host: string, port: number, timeoutMs: number): Promise<void>;
  /** Resolves with the serving status, `SERVING`. */
  grpc(host: string, port: number, service: string, timeoutMs: number): Promise<string>;
}

const LONGEST_BODY = 10 * 1024;

const joined = (host: string, port: number): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);

/** Node's connection errors in Go's words, which users know and search for. */
function goError(error: NodeJS.ErrnoException, host: string, port: number): string {
  const address = joined(host, port);
  const causes: Record<string, string> = {
    ECONNREFUSED: 'connect: connection refused', EHOSTUNREACH: 'connect: no route to host', ENETUNREACH: 'connect: network is unreachable', ETIMEDOUT: 'i/o timeout',
    ECONNRESET: 'read: connection reset by peer', ENOTFOUND: 'lookup: no such host',
  };
  return `dial tcp ${address}: ${causes[error.code ?? ''] ?? error.message}`;
}

export const realNetwork: ProbeNetwork = {
  http(probe, timeoutMs) {
    const { scheme, host, port, path } = probe;
    const url = `${scheme}://${joined(host, port)}${path}`;
    return new Promise((resolve, reject) => {
      const fail = (cause: string): void => reject(new Error(`Get "${url}": ${cause}`));
      const headers: Record<string, string[]> = {};
      for (const [name, value] of probe.headers) (headers[name] ??= []).push(value);
      const send = scheme === 'https' ? httpsRequest : httpRequest;
      const request = send({
        host, port, path, headers, agent: false, signal: AbortSignal.timeout(timeoutMs), ...(scheme === 'https' && { rejectUnauthorized: false }),
      }, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => { if (body.length < LONGEST_BODY) body += piece; });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: body.slice(0, LONGEST_BODY) }));
        response.on('error', (error) => fail(error.message));
      });
      request.on('error', (error: NodeJS.ErrnoException) =>
        fail(error.name === 'AbortError' || error.name === 'TimeoutError' ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)' : goError(error, host, port)));
      request.end();
    });
  },
  tcp(host, port, timeoutMs) {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, signal: AbortSignal.timeout(timeoutMs) });
      socket.on('connect', () => {
        socket.destroy();
        resolve();
      });
      socket.on('error', (error: NodeJS.ErrnoException) =>
        reject(new Error(error.name === 'AbortError' || error.name === 'TimeoutError' ? `dial tcp ${joined(host, port)}: i/o timeout` : goError(error, host, port))));
    });
  },
  grpc: (host, port, service, timeoutMs) => grpcHealth(joined(host, port), service, timeoutMs),
};
