/** Upstream: pkg/apis/certificates/validation, of certificate signing requests. */
import { fieldError } from '../errors.ts';
import type { CertificateSigningRequest } from '../generated/certificates-v1.ts';
import { isDns1123Label, isDns1123Subdomain } from '../names.ts';
import { formatErrors, type FieldErrors } from './fields.ts';
import { isSame } from './same.ts';

const usages = [
  'any', 'cert sign', 'client auth', 'code signing', 'content commitment', 'crl sign', 'data encipherment', 'decipher only', 'digital signature', 'email protection', 'encipher only',
  'ipsec end system', 'ipsec tunnel', 'ipsec user', 'key agreement', 'key encipherment', 'microsoft sgc', 'netscape sgc', 'ocsp signing', 's/mime', 'server auth', 'signing', 'timestamping',
];
const decisions = ['Approved', 'Denied'] as const;

export function* certificateRequestErrors({ spec, status }: CertificateSigningRequest): FieldErrors {
  const pem = Buffer.from(spec.request ?? '', 'base64').toString('latin1');
  if (!/-----BEGIN (NEW )?CERTIFICATE REQUEST-----/.test(pem)) yield fieldError.invalid('spec.request', spec.request ?? '', 'PEM block type must be CERTIFICATE REQUEST');
  if (!spec.usages?.length) yield fieldError.required('spec.usages');
  for (const [i, usage] of (spec.usages ?? []).entries()) {
    if (!usages.includes(usage)) yield fieldError.notSupported(`spec.usages[${i}]`, usage, usages);
    if (spec.usages!.indexOf(usage) < i) yield fieldError.duplicate(`spec.usages[${i}]`, usage);
  }
  if (spec.signerName === 'kubernetes.io/legacy-unknown') yield fieldError.invalid('spec.signerName', spec.signerName, 'the legacy signerName is not allowed via this API version');
  else yield* signerErrors('spec.signerName', spec.signerName ?? '');
  if (spec.expirationSeconds !== undefined && spec.expirationSeconds < 600) {
    yield fieldError.invalid('spec.expirationSeconds', spec.expirationSeconds, 'may not specify a duration less than 600 seconds (10 minutes)');
  }
  yield* conditionErrors('status.conditions', status?.conditions ?? []);
}

/** `example.com/signer`. Upstream: ValidateSignerName. */
export function* signerErrors(path: string, name: string): FieldErrors {
  if (name === '') {
    yield fieldError.required(path);
    return;
  }
  const segments = name.split('/');
  if (segments.length !== 2) {
    yield fieldError.invalid(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'");
    return;
  }
  const [domain = '', signer = ''] = segments;
  yield* formatErrors(path, domain, isDns1123Subdomain(domain));
  if (domain.split('.').length < 2) yield fieldError.invalid(path, domain, 'should be a domain with at least two segments separated by dots');
  for (const label of domain.split('.')) yield* formatErrors(path, domain, isDns1123Label(label).map((fault) => `validating label ${JSON.stringify(label)}: ${fault}`));
  yield* formatErrors(path, signer, isDns1123Subdomain(signer).map((fault) => `validating label ${JSON.stringify(signer)}: ${fault}`));
  if (name.length > 571) yield fieldError.tooLong(path, 571);
}

function* conditionErrors(path: string, conditions: readonly { readonly type: string; readonly status: string }[]): FieldErrors {
  const seen = new Set<string>();
  for (const [i, { type, status }] of conditions.entries()) {
    const allowed = [...decisions, 'Failed'].includes(type) ? ['True'] : ['False', 'True', 'Unknown'];
    if (!type) yield fieldError.required(`${path}[${i}].type`);
    if (!status) yield fieldError.required(`${path}[${i}].status`);
    else if (!allowed.includes(status)) yield fieldError.notSupported(`${path}[${i}].status`, status, allowed);
    if (seen.has(type)) yield fieldError.duplicate(`${path}[${i}].type`, type);
    seen.add(type);
    if (decisions.includes(type as 'Approved') && decisions.every((decision) => seen.has(decision))) yield fieldError.invalid(path, type, 'Approved and Denied conditions are mutually exclusive');
  }
}

/** What the status subresource may not do: decide, or issue twice. */
export function* certificateStatusErrors(next: CertificateSigningRequest, previous: CertificateSigningRequest): FieldErrors {
  const path = 'status.conditions';
  for (const type of [...decisions, 'Failed']) {
    const of = (object: CertificateSigningRequest) => (object.status?.conditions ?? []).filter((condition) => condition.type === type);
    const [after, before] = [of(next), of(previous)];
    if (after.length < before.length) yield fieldError.forbidden(path, `updates may not remove a condition of type ${JSON.stringify(type)}`);
    else if (type === 'Failed') continue;
    else if (after.length > before.length) yield fieldError.forbidden(path, `updates may not add a condition of type ${JSON.stringify(type)}`);
    else if (!isSame(after, before)) yield fieldError.forbidden(path, `updates may not modify a condition of type ${JSON.stringify(type)}`);
  }
  if (previous.status?.certificate && next.status?.certificate !== previous.status.certificate) yield fieldError.forbidden('status.certificate', 'updates may not modify existing certificate content');
  const certificate = next.status?.certificate;
  if (certificate && !Buffer.from(certificate, 'base64').toString('latin1').includes('-----BEGIN CERTIFICATE-----')) {
    yield fieldError.invalid('status.certificate', '<certificate data>', 'must contain at least one CERTIFICATE PEM block');
  }
}
