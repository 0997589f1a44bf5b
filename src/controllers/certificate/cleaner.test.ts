import { expect, test } from 'vitest';
import type { CertificateSigningRequest } from '../../api/generated/certificates-v1.ts';
import { createAuthority } from '../../base/certificates.ts';
import { rfc3339 } from '../../base/clock.ts';
import { endOf } from './cleaner.ts';

const HOUR_MS = 3_600_000;
const MADE = Date.UTC(2026, 0, 1);
const DECIDED = MADE + 5 * HOUR_MS;

const request = (types: readonly string[], certificate?: string): CertificateSigningRequest => ({
  apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata: { name: 'it', uid: 'it', resourceVersion: '1', creationTimestamp: rfc3339(MADE) },
  spec: { request: '', signerName: 'example.com/it' },
  status: { conditions: types.map((type) => ({ type, status: 'True', lastUpdateTime: rfc3339(DECIDED) })), ...(certificate && { certificate: Buffer.from(certificate).toString('base64') }) },
} as CertificateSigningRequest);

test.each([
  ['nobody said a word', request([]), MADE + 24 * HOUR_MS],
  ['denied', request(['Denied']), DECIDED + HOUR_MS],
  ['approved and failed', request(['Approved', 'Failed']), DECIDED + HOUR_MS],
  ['approved, not signed', request(['Approved']), DECIDED + 24 * HOUR_MS],
  ['signed with what is no certificate', request(['Approved'], 'it'), DECIDED + HOUR_MS],
])('a request goes some time after what was last done about it: %s', (_, given, end) => {
  expect(endOf(given)).toBe(end);
});

test('a request goes with its certificate, when that is over before the hour is', async () => {
  const { certificate } = await createAuthority('it', { now: MADE });
  const late = request(['Approved'], certificate);
  expect(endOf(late)).toBe(DECIDED + HOUR_MS);
  const { certificate: old } = await createAuthority('it', { now: MADE - 20 * 365 * 24 * HOUR_MS });
  expect(endOf(request(['Approved'], old))).toBeLessThan(DECIDED);
});
