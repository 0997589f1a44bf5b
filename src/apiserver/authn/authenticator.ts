import type { User } from '../../api/kind.ts';

/** What of a request can prove who sends it. */
export interface Credentials {
  /** The `Authorization` header. */
  readonly authorization?: string;
  /** DER of the client certificate, given only when TLS verified it against the cluster's CA. */
  readonly clientCertificate?: Uint8Array;
}

/** Answers the user (group `system:authenticated` added), `system:anonymous` where nothing is presented; throws 401 where something false is. */
export interface Authenticator {
  authenticate(credentials: Credentials): Promise<User>;
}
