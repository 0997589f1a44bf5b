import { generateKeyPairSync } from 'node:crypto';
import type { ApiServer, ApiServerOptions } from '../apiserver/api-server.ts';
import { startApiServer } from '../apiserver/start-api-server.ts';
import { isReason } from '../api/errors.ts';
import { serviceAccounts } from '../api/generated/resources.ts';
import type { User } from '../api/kind.ts';
import { createAuthority, issueCertificate, type KeyPair } from '../base/certificates.ts';
import { systemClock } from '../base/clock.ts';
import { silentLog } from '../base/log.ts';
import { seededRandom } from '../base/random.ts';
import type { Client } from '../client/client.ts';

export const adminUser: User = { name: 'kubernetes-admin', groups: ['system:masters'] };

export interface TestApiServer extends AsyncDisposable {
  readonly server: ApiServer;
  /** Acts as `kubernetes-admin`, who may do anything. */
  readonly admin: Client;
  /** A client that acts as somebody else. */
  client(user: User, userAgent?: string): Client;
}

/** Where a test reaches a server over HTTPS, and what it shows there. */
export interface HttpsAccess {
  readonly url: string;
  /** PEM of the CA of both sides. */
  readonly authority: string;
  /** The same CA with its key, to sign further certificates with. */
  readonly signer: KeyPair;
  /** The client certificate of `kubernetes-admin`. */
  readonly admin: KeyPair;
  /** A client certificate of somebody else. */
  certificateFor(user: User): Promise<KeyPair>;
}

/** A key is costly to make and as good for all tests of a file. */
let serviceAccountKey: string | undefined;

/**
 * An API server in memory with the default namespaces, their service account `default` (which a controller makes in a cluster: without it no
 * pod is admitted) and the default roles, in process only. Stored objects are frozen. Everything random comes from a fixed seed. `await using api = await startTestApiServer({ clock })`.
 */
export async function startTestApiServer(options: Partial<ApiServerOptions> = {}): Promise<TestApiServer> {
  serviceAccountKey ??= generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  const server = await startApiServer({
    clock: systemClock, random: seededRandom(1), log: silentLog, authority: { key: '', certificate: '' }, serviceAccountKey,
    serviceCidr: '10.96.0.0/16', nodePorts: [30000, 32767], freezeObjects: true, ...options,
  });
  const admin = server.client(adminUser, 'test');
  await Promise.all(['default', 'kube-system'].map(async (namespace) => {
    try {
      await admin.create(serviceAccounts, { metadata: { name: 'default', namespace } });
    } catch (error) {
      if (!isReason(error, 'AlreadyExists')) throw error; // started again on the same data
    }
  }));
  return {
    server,
    admin,
    client: (user, userAgent = 'test') => server.client(user, userAgent),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** The same, serving HTTPS on a free port of 127.0.0.1 as well. */
export async function startTestHttpsApiServer(options: Partial<ApiServerOptions> = {}): Promise<TestApiServer & { readonly https: HttpsAccess }> {
  const now = Date.now();
  const authority = await createAuthority('wherry-test', { now });
  const keyPair = await issueCertificate(authority, { commonName: 'kube-apiserver', dnsNames: ['localhost'], addresses: ['127.0.0.1'], usages: ['server auth'], days: 1, now });
  const certificateFor = ({ name, groups }: User): Promise<KeyPair> => issueCertificate(authority, { commonName: name, organizations: groups, usages: ['client auth'], days: 1, now });
  const api = await startTestApiServer({ authority, serving: { hosts: ['127.0.0.1'], port: 0, keyPair }, ...options });
  return { ...api, https: { url: api.server.url!, authority: authority.certificate, signer: authority, admin: await certificateFor(adminUser), certificateFor } };
}
