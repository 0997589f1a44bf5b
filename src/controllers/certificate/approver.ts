import type { SubjectAccessReview } from '../../api/generated/authorization-v1.ts';
import type { CertificateSigningRequest } from '../../api/generated/certificates-v1.ts';
import { certificateSigningRequests, subjectAccessReviews } from '../../api/generated/resources.ts';
import { readRequest } from '../../base/certificates.ts';
import { itself, startLoop } from '../control-loop.ts';
import type { Controller } from '../controller.ts';
import { requestCondition, requestPem, withRequestCondition } from './request-conditions.ts';

const KUBELET_CLIENT = 'kubernetes.io/kube-apiserver-client-kubelet';
const ALLOWED_USAGES = [['client auth', 'digital signature'], ['client auth', 'digital signature', 'key encipherment']];

/** Approves requests for kubelets' client certificates of those who may make them. Upstream: pkg/controller/certificates/approver. */
export const certificateApproverController: Controller = {
  name: 'csrapproving-controller',
  start(context) {
    const { client, clock, informers } = context;
    const requests = informers.informer(certificateSigningRequests);

    async function reconcile(name: string): Promise<void> {
      const request = requests.get(name);
      if (!request || request.status?.certificate || requestCondition(request, 'Approved') || requestCondition(request, 'Denied')) return;
      const node = await kubeletOf(request);
      if (!node) return;
      const self = request.spec.username === node;
      const allowed = (self && (await may(request, 'selfnodeclient'))) || (await may(request, 'nodeclient'));
      if (!allowed) return;
      const message = self ? 'Auto approving self kubelet client certificate after SubjectAccessReview.' : 'Auto approving kubelet client certificate after SubjectAccessReview.';
      await client.update(certificateSigningRequests, withRequestCondition(request, 'Approved', 'AutoApproved', message, clock.now()), { subresource: 'approval' });
    }

    async function may({ spec }: CertificateSigningRequest, subresource: string): Promise<boolean> {
      const { username, uid, groups, extra } = spec;
      const review = await client.create(subjectAccessReviews, {
        metadata: {},
        spec: {
          ...(username && { user: username }), ...(uid && { uid }), ...(groups && { groups }), ...(extra && { extra }),
          resourceAttributes: { group: 'certificates.k8s.io', resource: 'certificatesigningrequests', verb: 'create', subresource },
        },
      }) as SubjectAccessReview;
      return review.status?.allowed ?? false;
    }

    const loop = startLoop(context, { name: 'csrapproving-controller', queue: 'certificate', needs: [requests], workers: 1, reconcile });
    loop.follow(requests, itself);
    return loop;
  },
};

/** `system:node:NAME` when the request is a kubelet's for its client certificate, and for nothing else. */
export async function kubeletOf({ spec, ...request }: CertificateSigningRequest): Promise<string | undefined> {
  if (spec.signerName !== KUBELET_CLIENT) return undefined;
  const usages = (spec.usages ?? []).toSorted().join();
  if (!ALLOWED_USAGES.some((allowed) => allowed.join() === usages)) return undefined;
  const { commonName, organizations, dnsNames, addresses, emailAddresses, uris } = await readRequest(requestPem({ spec, ...request }));
  const alternatives = [...dnsNames, ...addresses, ...emailAddresses, ...uris];
  const isKubelet = organizations.length === 1 && organizations[0] === 'system:nodes' && commonName.startsWith('system:node:') && alternatives.length === 0;
  return isKubelet ? commonName : undefined;
}
