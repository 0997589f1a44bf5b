/** Upstream: pkg/registry/certificates/certificates/strategy.go. */
import type { KindDefinition } from '../kind.ts';
import type { CertificateSigningRequest } from '../generated/certificates-v1.ts';
import { certificateSigningRequests } from '../generated/resources.ts';
import { humanDuration } from '../human-duration.ts';
import { certificateRequestErrors, certificateStatusErrors } from '../validation/certificate-request.ts';
import { mapItems, mapMember } from './fill.ts';
import { ageColumn, nameColumn, text } from './table-columns.ts';

export const certificateSigningRequest: KindDefinition<CertificateSigningRequest> = {
  resource: certificateSigningRequests,
  /** Who asks is what the server saw, whatever the request says. */
  prepareForCreate: (object, { user }) => ({
    ...object,
    spec: {
      ...object.spec, username: user.name, groups: user.groups, ...(user.uid ? { uid: user.uid } : { uid: '' }), extra: user.extra ?? {},
    },
    status: {},
  }),
  prepareForUpdate: (next, previous) => ({ ...next, spec: previous.spec }),
  prepareForStatusUpdate: (next, previous) => mapMember(next, 'status', (status) => mapMember(status, 'conditions', (conditions) => mapItems(conditions, (condition) => {
    const old = previous.status?.conditions?.find((one) => one.type === condition.type);
    return old && (condition.type === 'Approved' || condition.type === 'Denied') ? old : condition;
  }))),
  validate: (object) => [...certificateRequestErrors(object)],
  validateStatusUpdate: (next, previous) => [...certificateRequestErrors(next), ...certificateStatusErrors(next, previous)],
  generation: false,
  nameRule: 'path',
  selectableFields: ({ spec }) => ({ 'spec.signerName': spec.signerName }),
  columns: [
    nameColumn,
    ageColumn,
    text('SignerName', 'Who is asked to sign.', ({ spec }) => spec.signerName || '<none>'),
    text('Requestor', 'Who asks.', ({ spec }) => spec.username ?? ''),
    text('RequestedDuration', 'For how long.', ({ spec }) => (spec.expirationSeconds === undefined ? '<none>' : humanDuration(spec.expirationSeconds * 1000))),
    text('Condition', 'What became of the request.', conditionText),
  ],
};

function conditionText({ status }: CertificateSigningRequest): string {
  const has = (type: string): boolean => status?.conditions?.some((condition) => condition.type === type) ?? false;
  const decision = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending';
  return `${decision}${has('Failed') ? ',Failed' : ''}${status?.certificate ? ',Issued' : ''}`;
}
