/** The server could not be reached, or the connection broke: nothing is known of the request's fate. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  /** `ECONNREFUSED`, `ETIMEDOUT`, a TLS code … */
  readonly code: string;

  constructor(message: string, options: { readonly code: string; readonly cause: unknown }) {
    super(message, { cause: options.cause });
    this.code = options.code;
  }
}

/** Words a socket's fault as kubectl's users know it. */
export function connectionError(error: NodeJS.ErrnoException, server: URL): ConnectionError {
  const code = error.code ?? 'UNKNOWN';
  const port = server.port || (server.protocol === 'https:' ? '443' : '80');
  const wording: Readonly<Record<string, string>> = {
    ECONNREFUSED: `The connection to the server ${server.hostname}:${port} was refused - did you specify the right host or port?`,
    ENOTFOUND: `Unable to connect to the server: dial tcp: lookup ${server.hostname}: no such host`,
    ECONNRESET: `the server ${server.host} closed the connection before it answered`,
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'Unable to connect to the server: tls: failed to verify certificate: x509: certificate signed by unknown authority',
    SELF_SIGNED_CERT_IN_CHAIN: 'Unable to connect to the server: tls: failed to verify certificate: x509: certificate signed by unknown authority',
    DEPTH_ZERO_SELF_SIGNED_CERT: 'Unable to connect to the server: tls: failed to verify certificate: x509: certificate signed by unknown authority',
  };
  return new ConnectionError(wording[code] ?? `Unable to connect to the server: ${error.message}`, { code, cause: error });
}
