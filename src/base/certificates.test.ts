import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { connect, createServer } from 'node:tls';
import { expect, test } from 'vitest';
import { createAuthority, createRequest, issueCertificate, readCertificate, readRequest, signRequest } from './certificates.ts';

const now = Date.now();

test('a certificate carries its names and OpenSSL verifies it strictly', async () => {
  const authority = await createAuthority('wherry-ca', { now });
  const issued = await issueCertificate(authority, {
    commonName: 'system:node:a', organizations: ['system:nodes', 'second'], dnsNames: ['a.example', 'localhost'], addresses: ['10.0.0.1', '::1'],
    usages: ['server auth', 'client auth'], days: 365, now,
  });
  const read = readCertificate(issued.certificate);
  expect(read).toMatchObject({ commonName: 'system:node:a', organizations: ['system:nodes', 'second'], dnsNames: ['a.example', 'localhost'], addresses: ['10.0.0.1', '0:0:0:0:0:0:0:1'] });
  expect(Math.round((read.notAfter - now) / 86_400_000)).toBe(365);
  expect(new X509Certificate(issued.certificate).checkIssued(new X509Certificate(authority.certificate))).toBe(true);
  const folder = mkdtempSync(join(tmpdir(), 'certificates-'));
  try {
    writeFileSync(join(folder, 'ca'), authority.certificate);
    writeFileSync(join(folder, 'leaf'), issued.certificate);
    for (const purpose of ['sslserver', 'sslclient']) {
      expect(execFileSync('openssl', ['verify', '-x509_strict', '-purpose', purpose, '-CAfile', join(folder, 'ca'), join(folder, 'leaf')], { encoding: 'utf8' })).toContain('OK');
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a request is read, signed and the result serves mutual TLS', async () => {
  const authority = await createAuthority('wherry-ca', { now });
  const asked = await createRequest({ commonName: 'system:node:b', organizations: ['system:nodes'], dnsNames: ['b'], addresses: ['127.0.0.1'] });
  expect(await readRequest(asked.request)).toEqual({ commonName: 'system:node:b', organizations: ['system:nodes'], dnsNames: ['b'], addresses: ['127.0.0.1'], emailAddresses: [], uris: [] });
  const certificate = await signRequest(authority, asked.request, { usages: ['digital signature', 'server auth', 'client auth'], notBefore: now - 1000, notAfter: now + 20 * 365 * 86_400_000 });
  expect(readCertificate(certificate).notAfter).toBe(readCertificate(authority.certificate).notAfter);
  const identity = { key: asked.key, cert: certificate, ca: authority.certificate };
  const server = createServer({ ...identity, requestCert: true, rejectUnauthorized: true }, (socket) => {
    socket.end(readCertificate(socket.getPeerCertificate().raw).commonName);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const text = await new Promise<string>((resolve, reject) => {
    let received = '';
    connect({ ...identity, host: '127.0.0.1', port }).on('data', (d) => (received += String(d))).on('end', () => resolve(received)).on('error', reject);
  });
  server.close();
  expect(text).toBe('system:node:b');
});
