import { generateKeyPairSync } from 'node:crypto';
import type { ApiServer, ApiServerOptions } from '../apiserver/api-server.ts';
import { startApiServer } from '../apiserver/start-api-server.ts';
import { silentLog } from '../base/log.ts';
import { seededRandom } from '../base/random.ts';
import { systemClock } from '../base/clock.ts';
import type { User } from '../api/kind.ts';
import type { Client } from '../client/client.ts';

export const adminUser: User = { name: 'kubernetes-admin', groups: ['system:masters'] };

export interface TestApiServer extends AsyncDisposable {
  readonly server: ApiServer;
  /** Acts as `kubernetes-admin`, who may do anything. */
  readonly admin: Client;
  /** A client that acts as somebody else. */
  client(user: User, userAgent?: string): Client;
}

/** Keys are costly to make and alike for all tests of a file. */
let serviceAccountKey: string | undefined;

/**
 * An API server in memory with the default namespaces and roles; in process only, unless `serving` says otherwise. Stored objects are
 * frozen. Everything random comes from a fixed seed. `await using api = await startTestApiServer({ clock })`.
 */
export async function startTestApiServer(options: Partial<ApiServerOptions> = {}): Promise<TestApiServer> {
  serviceAccountKey ??= generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  const server = await startApiServer({
    clock: systemClock, random: seededRandom(1), log: silentLog, authority: { key: '', certificate: '' }, serviceAccountKey,
    serviceCidr: '10.96.0.0/16', nodePorts: [30000, 32767], freezeObjects: true, ...options,
  });
  return {
    server,
    admin: server.client(adminUser, 'test'),
    client: (user, userAgent = 'test') => server.client(user, userAgent),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
