import { Name, Pkcs10CertificateRequest, SubjectAlternativeNameExtension } from '@peculiar/x509';
import type { CertificateSigningRequest } from '../../api/generated/certificates-v1.ts';
import { humanDuration } from '../../api/human-duration.ts';
import { formatLabels } from '../../api/selector.ts';
import { KubectlError } from '../command/kubectl-error.ts';
import type { DescribeContext } from './describe-context.ts';
import { rfc1123 } from './times.ts';
import type { DescribeWriter } from './writer.ts';

/** Upstream: describe.go, describeCertificateSigningRequest. */
export function describeCertificateSigningRequest({ metadata, spec, status }: CertificateSigningRequest, { out }: DescribeContext): void {
  const request = parse(spec.request);
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Labels', formatLabels(metadata.labels));
  out.field(0, 'Annotations', formatLabels(metadata.annotations));
  out.field(0, 'CreationTimestamp', rfc1123(metadata.creationTimestamp));
  out.field(0, 'Requesting User', spec.username ?? '');
  out.present(0, 'Signer', spec.signerName);
  if (spec.expirationSeconds !== undefined) out.field(0, 'Requested Duration', humanDuration(spec.expirationSeconds * 1000));
  const has = (type: string): boolean => status?.conditions?.some((condition) => condition.type === type) === true;
  out.field(0, 'Status', `${has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending'}${has('Failed') ? ',Failed' : ''}${status?.certificate ? ',Issued' : ''}`);
  const subject = new Name(request.subject);
  out.line(0, 'Subject:');
  out.line(0, `\tCommon Name:\t${subject.getField('CN')[0] ?? ''}`);
  out.line(0, `\tSerial Number:\t${subject.getField('2.5.4.5')[0] ?? ''}`);
  for (const [title, field] of [['Organization', 'O'], ['Organizational Unit', 'OU'], ['Country', 'C'], ['Locality', 'L'], ['Province', 'ST'], ['StreetAddress', '2.5.4.9'], ['PostalCode', '2.5.4.17']] as const) list(out, title, subject.getField(field));
  const names = request.extensions.find((extension) => extension instanceof SubjectAlternativeNameExtension)?.names.items ?? [];
  if (names.length === 0) return;
  out.line(0, 'Subject Alternative Names:');
  for (const [title, type] of [['DNS Names', 'dns'], ['Email Addresses', 'email'], ['URIs', 'url'], ['IP Addresses', 'ip']] as const) list(out, title, names.filter((name) => name.type === type).map(({ value }) => value));
}

function list(out: DescribeWriter, name: string, values: readonly string[]): void {
  values.forEach((value, i) => out.line(0, i === 0 ? `\t${name}:\t${value}` : `\t\t${value}`));
}

function parse(request: string): Pkcs10CertificateRequest {
  try {
    return new Pkcs10CertificateRequest(Buffer.from(request, 'base64').toString());
  } catch (error) {
    throw new KubectlError(`Error parsing CSR: ${(error as Error).message}`);
  }
}
