import { expect, test } from 'vitest';
import { createAuthority } from '../../base/certificates.ts';
import { keyPairFault } from './key-pair.ts';

test('a certificate and its key', async () => {
  const ours = await createAuthority('ours', { now: Date.now() });
  const theirs = await createAuthority('theirs', { now: Date.now() });
  expect(keyPairFault(ours.certificate, ours.key)).toBeUndefined();
  expect(keyPairFault(ours.certificate, theirs.key)).toBe('tls: private key does not match public key');
  expect(keyPairFault('', ours.key)).toBe('tls: failed to find any PEM data in certificate input');
  expect(keyPairFault(ours.certificate, 'x')).toBe('tls: failed to find any PEM data in key input');
  expect(keyPairFault(ours.key, ours.certificate)).toBe('tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched');
  expect(keyPairFault(ours.certificate, ours.certificate)).toBe('tls: found a certificate rather than a key in the PEM for the private key');
  expect(keyPairFault(ours.certificate, '-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----')).toBe('tls: failed to parse private key');
});
