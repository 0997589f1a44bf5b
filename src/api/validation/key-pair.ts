import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';

interface Block {
  readonly type: string;
  readonly text: string;
}

function blocksOf(pem: string): readonly Block[] {
  return [...pem.matchAll(/-----BEGIN ([^\n-]+)-----[^]*?-----END \1-----/g)].map(([text, type = '']) => ({ type, text }));
}

/** Why a certificate and a private key, both PEM, do not serve as a pair, worded as Go's crypto/tls.X509KeyPair does; undefined where they do. */
export function keyPairFault(certificatePem: string, keyPem: string): string | undefined {
  const certificates = blocksOf(certificatePem);
  const keys = blocksOf(keyPem);
  const certificate = certificates.find(({ type }) => type === 'CERTIFICATE');
  if (!certificate) return missingCertificate(certificates.map(({ type }) => type));
  const key = keys.find(({ type }) => type.endsWith('PRIVATE KEY'));
  if (!key) return missingKey(keys.map(({ type }) => type));
  const parsed = parse(() => new X509Certificate(certificate.text));
  if (!parsed) return 'x509: malformed certificate';
  const secret: KeyObject | undefined = parse(() => createPrivateKey(key.text));
  if (!secret) return 'tls: failed to parse private key';
  if (parsed.publicKey.asymmetricKeyType !== secret.asymmetricKeyType) return 'tls: private key type does not match public key type';
  return parsed.checkPrivateKey(secret) ? undefined : 'tls: private key does not match public key';
}

function missingCertificate(found: readonly string[]): string {
  if (found.length === 0) return 'tls: failed to find any PEM data in certificate input';
  return found.length === 1 && found[0]!.endsWith('PRIVATE KEY')
    ? 'tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched'
    : `tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: [${found.join(' ')}]`;
}

function missingKey(found: readonly string[]): string {
  if (found.length === 0) return 'tls: failed to find any PEM data in key input';
  return found.length === 1 && found[0] === 'CERTIFICATE'
    ? 'tls: found a certificate rather than a key in the PEM for the private key'
    : `tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: [${found.join(' ')}]`;
}

function parse<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
