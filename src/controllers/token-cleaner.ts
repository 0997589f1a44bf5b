import { secrets } from '../api/generated/resources.ts';
import { isReason } from '../api/errors.ts';
import type { ReconcileResult } from '../client/reconciler.ts';
import { itself, startLoop } from './control-loop.ts';
import type { Controller } from './controller.ts';

const TYPE = 'bootstrap.kubernetes.io/token';

/** Deletes bootstrap tokens when their time is over. Upstream: pkg/controller/bootstrap, TokenCleaner. */
export const tokenCleanerController: Controller = {
  name: 'token-cleaner',
  start(context) {
    const { client, clock, informers } = context;
    const tokens = informers.informer(secrets, { namespace: 'kube-system', fieldSelector: `type=${TYPE}` });

    async function reconcile(key: string): Promise<ReconcileResult> {
      const token = tokens.get(key);
      const expiration = token?.data?.['expiration'];
      if (!token || !expiration) return;
      const end = Date.parse(Buffer.from(expiration, 'base64').toString());
      const left = Number.isNaN(end) ? 0 : end - clock.now();
      if (left > 0) return { requeueAfterMs: left };
      const { namespace, name, uid } = token.metadata;
      try {
        await client.delete(secrets, { namespace, name }, { preconditions: { uid } });
      } catch (error) {
        if (!isReason(error, 'NotFound', 'Conflict')) throw error;
      }
    }

    const loop = startLoop(context, { name: 'token-cleaner', queue: 'token_cleaner', needs: [tokens], workers: 1, reconcile });
    loop.follow(tokens, itself);
    return loop;
  },
};
