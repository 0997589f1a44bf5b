import type { CertificateSigningRequest } from '../../api/generated/certificates-v1.ts';
import type { User } from '../../api/kind.ts';
import { readRequest } from '../../base/certificates.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import { deepEqual } from '../registry/deep-equal.ts';
import { concerns, refused } from './admission-fault.ts';
import type { AdmissionPlugin } from './admission.ts';
import type { AdmissionServices } from './admission-services.ts';

const GROUP = 'certificates.k8s.io';
const REQUESTS = 'certificatesigningrequests';

/** The right is to a signer by its name, or to all of its domain: `example.com/*`. */
async function mayUseSigner(authorizer: Authorizer, user: User, verb: string, signer: string): Promise<boolean> {
  const may = async (name: string): Promise<boolean> => (await authorizer.authorize({ user, verb, resource: { group: GROUP, version: '*', resource: 'signers', subresource: '', namespace: '', name } })).allowed;
  return (await may(signer)) || may(`${signer.split('/')[0]}/*`);
}

/** Upstream: plugin/pkg/admission/certificates/approval. */
export function certificateApproval({ authorizer }: AdmissionServices): AdmissionPlugin {
  return {
    name: 'CertificateApproval',
    handles: (operation) => operation === 'UPDATE',
    async validate(attributes) {
      if (!concerns(attributes, GROUP, REQUESTS, 'approval')) return;
      const signer = (attributes.oldObject as CertificateSigningRequest).spec.signerName;
      if (!(await mayUseSigner(authorizer, attributes.context.user, 'approve', signer))) throw refused(attributes, `user not permitted to approve requests with signerName ${JSON.stringify(signer)}`);
    },
  };
}

/** Upstream: plugin/pkg/admission/certificates/signing. */
export function certificateSigning({ authorizer }: AdmissionServices): AdmissionPlugin {
  return {
    name: 'CertificateSigning',
    handles: (operation) => operation === 'UPDATE',
    async validate(attributes) {
      if (!concerns(attributes, GROUP, REQUESTS, 'status')) return;
      const [next, old] = [attributes.object as CertificateSigningRequest, attributes.oldObject as CertificateSigningRequest];
      if (next.status?.certificate === old.status?.certificate && deepEqual(next.status?.conditions, old.status?.conditions)) return;
      const signer = old.spec.signerName;
      if (!(await mayUseSigner(authorizer, attributes.context.user, 'sign', signer))) throw refused(attributes, `user not permitted to sign requests with signerName ${JSON.stringify(signer)}`);
    },
  };
}

/** Nobody becomes a master of the cluster by a certificate. Upstream: plugin/pkg/admission/certificates/subjectrestriction. */
export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  handles: (operation) => operation === 'CREATE',
  async validate(attributes) {
    if (!concerns(attributes, GROUP, REQUESTS)) return;
    const { spec } = attributes.object as CertificateSigningRequest;
    if (spec.signerName !== 'kubernetes.io/kube-apiserver-client') return;
    let organizations: readonly string[];
    try {
      ({ organizations } = await readRequest(Buffer.from(spec.request, 'base64').toString()));
    } catch (error) {
      // Whatever the reader did not understand in it, the request is no request.
      throw refused(attributes, `failed to parse CSR: ${(error as Error).message}`);
    }
    if (organizations.includes('system:masters')) throw refused(attributes, 'use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed');
  },
};
