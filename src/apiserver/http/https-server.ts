import type { AddressInfo } from 'node:net';
import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import { MAX_HEADER_BYTES } from '../../base/http-limits.ts';
import type { KeyPair } from '../api-server.ts';
import { Answer } from './answer.ts';
import type { RequestHandler } from './request-handler.ts';

export interface HttpsServerOptions {
  readonly hosts: readonly string[];
  /** 0: any free one; all hosts get the same. */
  readonly port: number;
  readonly keyPair: KeyPair;
  /** PEM of the CA that client certificates are verified against. */
  readonly clientAuthority: string;
  readonly handler: RequestHandler;
}

export interface HttpsServer extends AsyncDisposable {
  readonly port: number;
}

/** Idle connections are kept as long as Go's server and load balancers expect. */
const KEEP_ALIVE_MS = 120_000;

/** Listens on one port of several hosts. Disposing closes all connections. Rejects where a port cannot be had. */
export async function startHttpsServer({ hosts, port, keyPair, clientAuthority, handler }: HttpsServerOptions): Promise<HttpsServer> {
  const servers: Server<typeof IncomingMessage, typeof Answer>[] = [];
  const upgraded = new Set<{ destroy(): void }>();
  const close = async (): Promise<void> => {
    for (const socket of upgraded) socket.destroy();
    await Promise.all(servers.map((server) => new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    })));
  };
  let bound = port;
  try {
    for (const host of hosts) {
      const server = createServer<typeof IncomingMessage, typeof Answer>({
        key: keyPair.key, cert: keyPair.certificate, ca: clientAuthority, requestCert: true, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'],
        minVersion: 'TLSv1.2', keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0, maxHeaderSize: MAX_HEADER_BYTES, ServerResponse: Answer,
      });
      server.on('request', (request, response) => void handler.handle(request, response));
      server.on('upgrade', (request, socket, head) => {
        upgraded.add(socket);
        socket.on('close', () => upgraded.delete(socket));
        void handler.upgrade(request, socket, head);
      });
      servers.push(server);
      bound = await listen(server, host, bound);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { port: bound, [Symbol.asyncDispose]: close };
}

function listen(server: Server<typeof IncomingMessage, typeof Answer>, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
