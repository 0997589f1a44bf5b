import { issueCertificate, type KeyPair } from '../../base/certificates.ts';
import type { Clock } from '../../base/clock.ts';
import type { User } from '../../api/kind.ts';

export const FRONT_PROXY_NAME = 'front-proxy-client';

const DAYS = 365;

/** The certificate by which other API servers know that a request comes through this one, and that its headers name the user. */
export class FrontProxyIdentity {
  readonly #authority: KeyPair;
  readonly #clock: Clock;
  #pair: Promise<KeyPair> | undefined;

  constructor(authority: KeyPair, clock: Clock) {
    this.#authority = authority;
    this.#clock = clock;
  }

  /** Made when the first request goes to another server. */
  keyPair(): Promise<KeyPair> {
    this.#pair ??= issueCertificate(this.#authority, { commonName: FRONT_PROXY_NAME, usages: ['client auth'], days: DAYS, now: this.#clock.now() });
    return this.#pair;
  }
}

/** What other API servers need to know to trust this one; they read it from `kube-system/extension-apiserver-authentication`. Upstream: pkg/controlplane/controller/clusterauthenticationtrust. */
export function authenticationConfig(authorityCertificate: string): Readonly<Record<string, string>> {
  return {
    'client-ca-file': authorityCertificate, 'requestheader-client-ca-file': authorityCertificate, 'requestheader-allowed-names': JSON.stringify([FRONT_PROXY_NAME]),
    'requestheader-username-headers': '["X-Remote-User"]', 'requestheader-uid-headers': '["X-Remote-Uid"]', 'requestheader-group-headers': '["X-Remote-Group"]',
    'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
  };
}

/** The user as headers. Upstream: client-go transport.SetAuthProxyHeaders. */
export function userHeaders({ name, uid, groups, extra = {} }: User): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { 'x-remote-user': name, 'x-remote-group': [...groups], ...(uid && { 'x-remote-uid': uid }) };
  for (const [key, values] of Object.entries(extra)) headers[`x-remote-extra-${encodeURIComponent(key)}`] = [...values];
  return headers;
}
