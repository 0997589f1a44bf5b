import { fieldError, type FieldError } from '../../api/errors.ts';
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../../api/generated/certificates-v1.ts';
import { certificateSigningRequests } from '../../api/generated/resources.ts';
import { rfc3339 } from '../../base/clock.ts';
import type { UpdateSubresource } from './update-subresource.ts';

type Condition = CertificateSigningRequestCondition;
const isDecision = (condition: Condition): boolean => condition.type === 'Approved' || condition.type === 'Denied';

/** `PUT certificatesigningrequests/<name>/approval`: sets conditions (and labels, annotations, as any update does). Upstream: pkg/registry/certificates/certificates. */
export const certificateApproval: UpdateSubresource<CertificateSigningRequest> = {
  resource: certificateSigningRequests, subresource: 'approval',
  prepare: (next, previous, { nowMs }) => ({ ...previous, metadata: next.metadata, status: { ...previous.status, conditions: timed(next.status?.conditions ?? [], previous, nowMs) } }),
  validate: (next, previous) => conditionErrors(next, previous, true),
};

/** `PUT certificatesigningrequests/<name>/status`: the certificate and the condition Failed; decisions stay as they are. */
export const certificateStatus: UpdateSubresource<CertificateSigningRequest> = {
  resource: certificateSigningRequests, subresource: 'status',
  prepare(next, previous, { nowMs }) {
    const decided = (previous.status?.conditions ?? []).filter(isDecision);
    const own = (next.status?.conditions ?? []).filter((condition) => !isDecision(condition));
    return { ...previous, metadata: next.metadata, status: { ...next.status, conditions: timed([...decided, ...own], previous, nowMs) } };
  },
  validate: (next, previous) => [
    ...conditionErrors(next, previous, false),
    ...(previous.status?.certificate && next.status?.certificate !== previous.status.certificate ? [fieldError.invalid('status.certificate', next.status?.certificate ?? '', 'updates may not modify the issued certificate')] : []),
    ...(next.status?.certificate && !isCertificate(next.status.certificate) ? [fieldError.invalid('status.certificate', '<certificate data>', 'expected at least one CERTIFICATE block')] : []),
  ],
};

const isCertificate = (base64: string): boolean => Buffer.from(base64, 'base64').toString().includes('-----BEGIN CERTIFICATE-----');

function timed(conditions: readonly Condition[], { status }: CertificateSigningRequest, nowMs: number): readonly Condition[] {
  const now = rfc3339(nowMs);
  return conditions.map((condition) => {
    const present = status?.conditions?.find((c) => c.type === condition.type);
    const changed = present?.status !== condition.status;
    return {
      ...condition,
      lastUpdateTime: condition.lastUpdateTime ?? now,
      lastTransitionTime: condition.lastTransitionTime ?? (changed ? now : (present?.lastTransitionTime ?? now)),
    };
  });
}

function conditionErrors(next: CertificateSigningRequest, previous: CertificateSigningRequest, mayDecide: boolean): readonly FieldError[] {
  const errors: FieldError[] = [];
  const conditions = next.status?.conditions ?? [];
  const seen = new Set<string>();
  conditions.forEach((condition, i) => {
    const path = `status.conditions[${i}]`;
    if (!condition.type) errors.push(fieldError.required(`${path}.type`));
    if (!['True', 'False', 'Unknown'].includes(condition.status ?? '')) errors.push(fieldError.notSupported(`${path}.status`, condition.status ?? '', ['False', 'True', 'Unknown']));
    else if ((isDecision(condition) || condition.type === 'Failed') && condition.status !== 'True') errors.push(fieldError.notSupported(`${path}.status`, condition.status, ['True']));
    if (seen.has(condition.type)) errors.push(fieldError.duplicate(`${path}.type`, condition.type));
    seen.add(condition.type);
  });
  if (seen.has('Approved') && seen.has('Denied')) errors.push(fieldError.invalid('status.conditions', '', 'Approved and Denied conditions are mutually exclusive'));
  for (const type of ['Approved', 'Denied']) {
    const was = (previous.status?.conditions ?? []).some((c) => c.type === type);
    if (was && !seen.has(type)) errors.push(fieldError.forbidden('status.conditions', `updates may not remove a condition of type ${JSON.stringify(type)}`));
    if (!was && seen.has(type) && !mayDecide) errors.push(fieldError.forbidden('status.conditions', `updates may not add a condition of type ${JSON.stringify(type)}`));
  }
  return errors;
}
