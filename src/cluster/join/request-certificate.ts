import type { CertificateSigningRequest } from '../../api/generated/certificates-v1.ts';
import { certificateSigningRequests } from '../../api/generated/resources.ts';
import { createRequest, type KeyPair } from '../../base/certificates.ts';
import type { Clock } from '../../base/clock.ts';
import { UserError } from '../../base/user-error.ts';
import type { Client } from '../../client/client.ts';

export const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client-kubelet';
export const SERVING_SIGNER = 'kubernetes.io/kubelet-serving';

const PATIENCE_MS = 30_000;

/** A key of its own and the certificate over it that the cluster signs, for the node; resolves when it is approved and signed. */
export async function requestCertificate(client: Client, clock: Clock, options: { readonly node: string; readonly signerName: typeof CLIENT_SIGNER | typeof SERVING_SIGNER; readonly address?: string }): Promise<KeyPair> {
  const { node, signerName, address } = options;
  const { key, request } = await createRequest({ commonName: `system:node:${node}`, organizations: ['system:nodes'], ...(address !== undefined && { dnsNames: [node], addresses: [address] }) });
  const made = await client.create(certificateSigningRequests, {
    metadata: { generateName: 'node-csr-' },
    spec: { request: Buffer.from(request).toString('base64'), signerName, usages: ['digital signature', signerName === SERVING_SIGNER ? 'server auth' : 'client auth'] },
  });
  const patience = new AbortController();
  using _limit = clock.timer(PATIENCE_MS, () => patience.abort(new UserError(
    `the request ${made.metadata.name} for a certificate of the node ${node} was not approved in ${PATIENCE_MS / 1000} s`, `on the first machine: wherry kubectl describe csr ${made.metadata.name}`)));
  for await (const { object } of await client.watch(certificateSigningRequests, { fieldSelector: `metadata.name=${made.metadata.name}`, signal: patience.signal })) {
    const refusal = refusalOf(object);
    if (refusal !== undefined) throw new UserError(`the cluster gives the node ${node} no certificate: ${refusal}`, 'on the first machine: wherry kubectl get csr');
    if (object.status?.certificate) return { key, certificate: Buffer.from(object.status.certificate, 'base64').toString() };
  }
  throw patience.signal.reason ?? new Error('the server ended the watch of the certificate request');
}

function refusalOf({ status }: CertificateSigningRequest): string | undefined {
  const refused = status?.conditions?.find(({ type }) => type === 'Denied' || type === 'Failed');
  return refused && (refused.message ?? refused.reason ?? refused.type);
}
