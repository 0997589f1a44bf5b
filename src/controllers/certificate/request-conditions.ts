import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../../api/generated/certificates-v1.ts';
import { rfc3339 } from '../../base/clock.ts';

export function requestCondition(request: CertificateSigningRequest, type: 'Approved' | 'Denied' | 'Failed'): CertificateSigningRequestCondition | undefined {
  return request.status?.conditions?.find((condition) => condition.type === type);
}

export function withRequestCondition(request: CertificateSigningRequest, type: 'Approved' | 'Denied' | 'Failed', reason: string, message: string, nowMs: number): CertificateSigningRequest {
  const now = rfc3339(nowMs);
  const condition = { type, status: 'True', reason, message, lastUpdateTime: now, lastTransitionTime: now };
  return { ...request, status: { ...request.status, conditions: [...(request.status?.conditions ?? []), condition] } };
}

/** The PEM text of the request. */
export function requestPem(request: CertificateSigningRequest): string {
  return Buffer.from(request.spec.request, 'base64').toString();
}
