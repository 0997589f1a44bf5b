import { readCertificate, readRequest, signRequest, type KeyPair } from '../../base/certificates.ts';
import type { Clock } from '../../base/clock.ts';
import type { CertificateSigner, SigningRequest } from './certificate-signer.ts';

const YEAR_S = 365 * 24 * 3600;
const SHORTEST_S = 600;
const BACKDATE_MS = 5 * 60_000;
/** A certificate that lives so long or longer ends as much earlier as it begins. */
const LONG_S = 8 * 3600;

/** Signs with the cluster's authority what each of Kubernetes' own signers may sign. Upstream: certificates/signer, pkg/apis/certificates/helpers.go. */
export function authoritySigner(authority: KeyPair, clock: Pick<Clock, 'now'>): CertificateSigner {
  return async (request) => {
    const refusal = await refusalOf(request);
    if (refusal) throw new Error(refusal);
    const now = clock.now();
    const seconds = Math.min(YEAR_S, Math.max(SHORTEST_S, request.expirationSeconds ?? YEAR_S));
    const end = now + seconds * 1000 - (seconds < LONG_S ? 0 : BACKDATE_MS);
    // None outlives its authority.
    const notAfter = Math.min(end, readCertificate(authority.certificate).notAfter);
    return await signRequest(authority, request.request, { usages: request.usages, notBefore: now - BACKDATE_MS, notAfter });
  };
}

/** Why a signer does not sign a request; undefined: it does. */
async function refusalOf({ request, signerName, usages }: SigningRequest): Promise<string | undefined> {
  const names = await readRequest(request);
  const alternatives = [...names.dnsNames, ...names.addresses, ...names.emailAddresses, ...names.uris];
  const only = (...allowed: readonly string[]): boolean => usages.every((usage) => allowed.includes(usage));
  const ofNode = names.organizations.length === 1 && names.organizations[0] === 'system:nodes';
  switch (signerName) {
    case 'kubernetes.io/kube-apiserver-client':
      return usages.includes('client auth') && only('client auth', 'digital signature', 'key encipherment') ? undefined : 'usages did not match [client auth]';
    case 'kubernetes.io/kube-apiserver-client-kubelet':
      if (!ofNode) return 'subject organization is not system:nodes';
      if (!names.commonName.startsWith('system:node:')) return 'subject common name does not begin with system:node:';
      if (alternatives.length > 0) return 'subject alternative names are not allowed';
      return usages.includes('client auth') && only('client auth', 'digital signature', 'key encipherment') ? undefined : 'usages did not match [client auth]';
    case 'kubernetes.io/kubelet-serving':
      if (!ofNode) return 'subject organization is not system:nodes';
      if (!names.commonName.startsWith('system:node:')) return 'subject common name does not begin with system:node:';
      if (names.dnsNames.length + names.addresses.length === 0) return 'DNS or IP subjectAltName is required';
      if (names.emailAddresses.length + names.uris.length > 0) return 'email and URI subjectAltNames are not allowed';
      return usages.includes('server auth') && only('server auth', 'digital signature', 'key encipherment') ? undefined : 'usages did not match [server auth]';
    default:
      return undefined;
  }
}
