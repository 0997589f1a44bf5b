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
  const wording: Record<string, string> = {
    ECONNREFUSED: `The connection to the server ${server.hostname}:${port} was refused - did you specify the right host or port?`,
    ENOTFOUND: `Unable to connect to the server: dial tcp: lookup ${server.hostname}: no such host`,
    ECONNRESET: `the server ${server.host} closed the connection before it answered`,
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'Unable to connect to the server: tls: failed to verify certificate: x509: certificate signed by unknown authority',
    SELF_SIGNED_CERT_IN_CHAIN: 'Unable to connect to the server: tls: failed to verify certificate: x509: certificate signed by unknown authority',
    DEPTH_ZERO_SELF_SIGNED_CERT: 'Unable to connect to the server: tls: failed to verify certificate: x509: certificate signed by unknown authority',
  };
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') wording[code] = `Unable to connect to the server: tls: failed to verify certificate: x509: ${otherNames(error as NameFault)}`;
  return new ConnectionError(wording[code] ?? `Unable to connect to the server: ${error.message}`, { code, cause: error });
}

interface NameFault extends Error { readonly host?: string; readonly cert?: { readonly subjectaltname?: string } }

/** Which names a certificate has, and which it was to have. */
function otherNames({ host = '', cert }: NameFault): string {
  const wanted = host.replace(/\.$/, '');
  const names = (cert?.subjectaltname ?? '').split(', ');
  const isAddress = /^[\d.]+$|:/.test(wanted);
  const same = names.flatMap((name) => (name.startsWith(isAddress ? 'IP Address:' : 'DNS:') ? [name.slice(name.indexOf(':') + 1)] : []));
  if (same.length === 0) return isAddress ? `cannot validate certificate for ${wanted} because it doesn't contain any IP SANs` : `certificate is not valid for any names, but wanted to match ${wanted}`;
  return `certificate is valid for ${same.join(', ')}, not ${wanted}`;
}
