import type { CertificateSigningRequest } from '../../api/generated/certificates-v1.ts';
import { certificateSigningRequests } from '../../api/generated/resources.ts';
import { isReason } from '../../api/errors.ts';
import { readCertificate } from '../../base/certificates.ts';
import type { ReconcileResult } from '../../client/reconciler.ts';
import { itself, startLoop } from '../control-loop.ts';
import type { Controller } from '../controller.ts';
import { requestCondition } from './request-conditions.ts';

const HOUR_MS = 3_600_000;

/** Deletes requests that have served their purpose or never will. Upstream: pkg/controller/certificates/cleaner. */
export const certificateCleanerController: Controller = {
  name: 'csrcleaner-controller',
  start(context) {
    const { client, clock, informers } = context;
    const requests = informers.informer(certificateSigningRequests);

    async function reconcile(name: string): Promise<ReconcileResult> {
      const request = requests.get(name);
      if (!request) return;
      const left = endOf(request) - clock.now();
      if (left === Infinity) return;
      if (left > 0) return { requeueAfterMs: left };
      try {
        await client.delete(certificateSigningRequests, { name }, { preconditions: { uid: request.metadata.uid } });
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
      }
    }

    const loop = startLoop(context, { name: 'csrcleaner-controller', needs: [requests], workers: 1, reconcile });
    loop.follow(requests, itself);
    return loop;
  },
};

/**
 * When a request may go: an hour after it was denied, has failed, or was approved and signed (or when the certificate is over, if that is earlier); a day
 * after it was approved if nobody signed it, and after it was made if nobody said a word. Infinity: it stays.
 */
export function endOf(request: CertificateSigningRequest): number {
  const { certificate, conditions = [] } = request.status ?? {};
  if (conditions.length === 0) return Date.parse(request.metadata.creationTimestamp) + 24 * HOUR_MS;
  const after = (type: 'Approved' | 'Denied' | 'Failed', ms: number): number => (Date.parse(requestCondition(request, type)?.lastUpdateTime ?? '') || Infinity) + ms;
  const over = certificate && requestCondition(request, 'Approved') ? expiry(certificate) : Infinity;
  return Math.min(after('Denied', HOUR_MS), after('Failed', HOUR_MS), after('Approved', certificate ? HOUR_MS : 24 * HOUR_MS), over);
}

/** What a signer put there need not be a certificate. */
function expiry(certificate: string): number {
  try {
    return readCertificate(Buffer.from(certificate, 'base64')).notAfter;
  } catch {
    return Infinity;
  }
}
