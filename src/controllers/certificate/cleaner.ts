import type { CertificateSigningRequest } from '../../api/generated/certificates-v1.ts';
import { certificateSigningRequests } from '../../api/generated/resources.ts';
import { isReason } from '../../api/errors.ts';
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

/** When a request may go: an hour after it was decided, a day after it was made if nobody decided (or signed) it. */
export function endOf(request: CertificateSigningRequest): number {
  const decided = requestCondition(request, 'Denied') ?? requestCondition(request, 'Failed') ?? (request.status?.certificate ? requestCondition(request, 'Approved') : undefined);
  if (decided) return Date.parse(decided.lastUpdateTime ?? request.metadata.creationTimestamp) + HOUR_MS;
  return Date.parse(request.metadata.creationTimestamp) + 24 * HOUR_MS;
}
