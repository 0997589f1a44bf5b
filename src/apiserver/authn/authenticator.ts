import { unauthorized } from '../../api/errors.ts';
import type { User } from '../../api/kind.ts';
import { readCertificate } from '../../base/certificates.ts';
import type { BootstrapTokens } from './bootstrap-tokens.ts';
import type { ConfiguredAuthentication } from './configured-authentication.ts';
import { InvalidTokenError, type ServiceAccountTokens } from './service-account-tokens.ts';

/** What of a request can prove who sends it. */
export interface Credentials {
  /** The `Authorization` header. */
  readonly authorization?: string;
  /** DER of the client certificate, given only when TLS verified it against the cluster's CA. */
  readonly clientCertificate?: Uint8Array;
  /** Path and query of the request. */
  readonly url?: string | undefined;
}

/** Answers the user (group `system:authenticated` added), `system:anonymous` where nothing is presented; throws 401 where something false is. */
export interface Authenticator {
  /** A promise only where something has to be waited for. */
  authenticate(credentials: Credentials): User | Promise<User>;
}

export const ANONYMOUS: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

const CERTIFICATE_LIMIT = 1024;

/** Client certificate first, then bearer token, then nobody. Upstream: pkg/kubeapiserver/authenticator. */
export function createAuthenticator(options: { readonly tokens: ServiceAccountTokens; readonly bootstrapTokens?: BootstrapTokens; readonly configured?: Pick<ConfiguredAuthentication, 'jwtTokens' | 'anonymous'> }): Authenticator {
  const { tokens, bootstrapTokens, configured } = options;
  const holders = new Map<string, User>();
  /** The same by connection, whose certificate is one array. */
  const present = new WeakMap<Uint8Array, User>();

  const certificateHolder = (der: Uint8Array): User | undefined => {
    let holder = present.get(der);
    if (!holder) {
      holder = readHolder(der);
      if (holder) present.set(der, holder);
    }
    return holder;
  };

  const readHolder = (der: Uint8Array): User | undefined => {
    const key = Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString('latin1');
    const known = holders.get(key);
    if (known) return known;
    const { commonName, organizations, fingerprint } = readCertificate(der);
    if (!commonName) return undefined;
    const user: User = {
      name: commonName, groups: withGroup(organizations, 'system:authenticated'),
      extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${fingerprint}`] },
    };
    if (holders.size >= CERTIFICATE_LIMIT) holders.clear();
    holders.set(key, user);
    return user;
  };

  const tokenHolder = async (token: string): Promise<User> => {
    try {
      const bootstrap = bootstrapTokens?.verify(token);
      if (bootstrap) return bootstrap;
      const jwtTokens = configured?.jwtTokens;
      return (await (jwtTokens?.isOurs(token) ? jwtTokens : tokens).verify(token)).user;
    } catch (error) {
      if (error instanceof InvalidTokenError) throw unauthorized();
      throw error;
    }
  };

  return {
    authenticate({ authorization, clientCertificate, url = '' }) {
      const holder = clientCertificate && certificateHolder(clientCertificate);
      if (holder) return holder;
      const token = bearerToken(authorization);
      if (token) return tokenHolder(token);
      const anonymous = configured?.anonymous;
      if (anonymous && (!anonymous.enabled || (anonymous.paths.length > 0 && !anonymous.paths.includes(url.split('?')[0]!)))) throw unauthorized();
      return ANONYMOUS;
    },
  };
}

/** The token of `Bearer <token>`; undefined where the header is something else. */
export function bearerToken(authorization: string | undefined): string | undefined {
  const parts = authorization?.trim().split(' ') ?? [];
  return parts.length >= 2 && parts[0]!.toLowerCase() === 'bearer' ? parts[1] || undefined : undefined;
}

export function withGroup(groups: readonly string[], group: string): readonly string[] {
  return groups.includes(group) ? groups : [...groups, group];
}
