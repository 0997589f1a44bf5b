import { namespaces as namespaceResource, serviceAccounts } from '../api/generated/resources.ts';
import { isReason } from '../api/errors.ts';
import { itself, startLoop } from './control-loop.ts';
import type { Controller } from './controller.ts';
import { isNamespaceTerminating } from './pod-control.ts';

const NAME = 'default';

/** Every namespace has a service account `default`, which pods run under that name none. Upstream: pkg/controller/serviceaccount. */
export const serviceAccountController: Controller = {
  name: 'service-account-controller',
  start(context) {
    const namespaces = context.informers.informer(namespaceResource);
    const accounts = context.informers.informer(serviceAccounts);

    async function reconcile(namespace: string): Promise<void> {
      const isActive = namespaces.get(namespace)?.status?.phase === 'Active';
      if (!isActive || accounts.get(`${namespace}/${NAME}`)) return;
      try {
        await context.client.create(serviceAccounts, { metadata: { name: NAME, namespace } });
      } catch (error) {
        if (!isReason(error, 'AlreadyExists') && !isNamespaceTerminating(error)) throw error;
      }
    }

    const loop = startLoop(context, { name: 'service-account-controller', queue: 'serviceaccount', needs: [namespaces, accounts], workers: 1, reconcile });
    loop.follow(namespaces, itself);
    loop.follow(accounts, (account) => (account.metadata.name === NAME ? [account.metadata.namespace] : []));
    return loop;
  },
};
