import { certificateSigningRequests } from '../../api/generated/resources.ts';
import { itself, startLoop } from '../control-loop.ts';
import type { Controller } from '../controller.ts';
import { requestCondition, requestPem, withRequestCondition } from './request-conditions.ts';

const SIGNERS = ['kubernetes.io/kube-apiserver-client', 'kubernetes.io/kube-apiserver-client-kubelet', 'kubernetes.io/kubelet-serving', 'kubernetes.io/legacy-unknown'];

/** Has approved requests signed, where a signer was given. Upstream: pkg/controller/certificates/signer. */
export const certificateSignerController: Controller = {
  name: 'csrsigning-controller',
  start(context) {
    const { client, clock, informers, options: { certificateSigner } } = context;
    const requests = informers.informer(certificateSigningRequests);

    async function reconcile(name: string): Promise<void> {
      const request = requests.get(name);
      if (!certificateSigner || !request || request.status?.certificate || !SIGNERS.includes(request.spec.signerName)) return;
      if (!requestCondition(request, 'Approved') || requestCondition(request, 'Denied') || requestCondition(request, 'Failed')) return;
      const { signerName, usages = [], expirationSeconds } = request.spec;
      let certificate: string;
      try {
        certificate = await certificateSigner({ request: requestPem(request), signerName, usages, ...(expirationSeconds !== undefined && { expirationSeconds }) });
      } catch (error) {
        // A request that was refused once is refused again: it is the requester who must do something.
        await client.updateStatus(certificateSigningRequests, withRequestCondition(request, 'Failed', 'SignerValidationFailure', (error as Error).message, clock.now()));
        return;
      }
      await client.updateStatus(certificateSigningRequests, { ...request, status: { ...request.status, certificate: Buffer.from(certificate).toString('base64') } });
    }

    const loop = startLoop(context, { name: 'csrsigning-controller', queue: 'certificate', needs: [requests], workers: 1, reconcile });
    loop.follow(requests, itself);
    return loop;
  },
};
