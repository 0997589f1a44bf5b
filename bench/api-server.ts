// The servers that bench/api.ts measures, each a process of its own: `echo` answers every request with what was sent to it (or with a body of the length that the
// path names), `wherry` is an API server with durable storage and nothing else. Speaks with its parent by messages.
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { startApiServer } from '../src/apiserver/index.ts';
import type { KeyPair } from '../src/base/certificates.ts';
import { systemClock } from '../src/base/clock.ts';
import { createLog } from '../src/base/log.ts';
import { systemRandom } from '../src/base/random.ts';

/** What the parent tells a server at its start. */
export interface ServerConfig {
  readonly kind: 'wherry' | 'echo';
  readonly authority: KeyPair;
  readonly keyPair: KeyPair;
  readonly serviceAccountKey: string;
  readonly dataDir: string;
  readonly ledger: boolean;
  readonly warmUp?: boolean;
}

/** What a server has used so far. */
export interface Usage {
  /** Microseconds of processor time of all threads. */
  readonly cpu: number;
  /** Bytes, after a collection where `collect` was asked for. */
  readonly memory: number;
}

function startEcho({ authority, keyPair }: ServerConfig): Promise<number> {
  const bodies = new Map<string, Buffer>();
  const server = createServer({ key: keyPair.key, cert: keyPair.certificate, ca: authority.certificate, requestCert: true, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'], keepAliveTimeout: 600_000 }, (request, response) => {
    if (request.method === 'GET') {
      const path = request.url ?? '';
      let body = bodies.get(path);
      if (!body) bodies.set(path, (body = Buffer.alloc(Number(path.slice(1)), 'x')));
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.length });
      response.end(body);
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      response.writeHead(201, { 'Content-Type': 'application/json', 'Content-Length': body.length });
      response.end(body);
    });
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)));
}

async function startWherry({ authority, keyPair, serviceAccountKey, dataDir, ledger, warmUp = false }: ServerConfig): Promise<number> {
  const server = await startApiServer({
    clock: systemClock, random: systemRandom, log: createLog({ clock: systemClock, write: (line) => process.stderr.write(line), level: 'warn' }), authority, serviceAccountKey, dataDir, ledger, warmUp,
    serviceCidr: '10.96.0.0/16', nodePorts: [30000, 32767], serving: { hosts: ['127.0.0.1'], port: 0, keyPair },
  });
  return Number(new URL(server.url!).port);
}

process.on('message', (message: { start: ServerConfig } | { usage: { collect: boolean } }) => {
  if ('start' in message) {
    void (message.start.kind === 'echo' ? startEcho(message.start) : startWherry(message.start)).then((port) => process.send!({ port }));
    return;
  }
  if (message.usage.collect) globalThis.gc!();
  const { user, system } = process.cpuUsage();
  const { heapUsed, external } = process.memoryUsage();
  process.send!({ cpu: user + system, memory: heapUsed + external } satisfies Usage);
});
process.on('disconnect', () => process.exit(0));
