import type { Namespace, Pod } from '../api/generated/core-v1.ts';
import { customResourceDefinitions, namespaces as namespaceResource, pods as podResource } from '../api/generated/resources.ts';
import { isReason } from '../api/errors.ts';
import type { ReconcileResult } from '../client/reconciler.ts';
import { itself, startLoop } from './control-loop.ts';
import type { Controller } from './controller.ts';
import { namespaceConditions, type Remains } from './namespace-conditions.ts';
import { storedResources, type StoredResource } from './served-resources.ts';

const FINALIZER = 'kubernetes';
const LOOK_AGAIN_MS = 1000;

/**
 * Empties a namespace that is being deleted, then lets it go. Pods go first, and all else waits for their end: what
 * they use (secrets, network policies) must not vanish under them. Upstream: pkg/controller/namespace.
 */
export const namespaceController: Controller = {
  name: 'namespace-controller',
  start(context) {
    const { client, clock, informers } = context;
    const namespaces = informers.informer(namespaceResource);
    const definitions = informers.informer(customResourceDefinitions);
    const pods = informers.informer(podResource);

    async function reconcile(name: string): Promise<ReconcileResult> {
      const namespace = namespaces.get(name);
      if (!namespace?.metadata.deletionTimestamp || !namespace.spec?.finalizers?.includes(FINALIZER)) return;

      const resources = storedResources(definitions.list(), 'delete', 'list').filter((resource) => resource.namespaced);
      const podsFirst = resources.toSorted((a, b) => Number(isPods(b)) - Number(isPods(a)));
      const remains = { resources: new Map<string, number>(), finalizers: new Map<string, number>(), failures: [] as Error[] };
      for (const resource of podsFirst) {
        await empty(name, resource, remains);
        if (isPods(resource) && remains.resources.size > 0) break;
      }
      const settled = await note(namespace, remains);
      if (remains.failures.length > 0) throw new Error(`namespace ${name} is not empty yet: ${remains.failures.map((failure) => failure.message).join(', ')}`);
      if (remains.resources.size > 0) return { requeueAfterMs: LOOK_AGAIN_MS };
      await finalize(settled);
    }

    /** Deletes all of one kind and counts what is still there. */
    async function empty(namespace: string, resource: StoredResource, remains: { resources: Map<string, number>; finalizers: Map<string, number>; failures: Error[] }): Promise<void> {
      try {
        if ((await client.list(resource, { namespace, limit: 1 })).items.length === 0) return;
        await client.deleteCollection(resource, { namespace }, { propagationPolicy: 'Background' });
        const { items } = await client.list(resource, { namespace });
        if (items.length === 0) return;
        remains.resources.set(`${resource.resource}.${resource.group}`, items.length);
        for (const finalizer of items.flatMap((item) => item.metadata.finalizers ?? [])) remains.finalizers.set(finalizer, (remains.finalizers.get(finalizer) ?? 0) + 1);
      } catch (error) {
        // The resource is not served (any more), or knows no such verb: there is nothing of it here.
        if (!isReason(error, 'NotFound', 'MethodNotAllowed')) remains.failures.push(error as Error);
      }
    }

    async function note(namespace: Namespace, remains: Remains): Promise<Namespace> {
      const { conditions } = namespace.status ?? {};
      const next = namespaceConditions(conditions, remains, clock.now());
      if (next.length === conditions?.length && next.every((condition, index) => condition === conditions[index])) return namespace;
      return await client.updateStatus(namespaceResource, { ...namespace, status: { ...namespace.status, conditions: next } });
    }

    async function finalize(namespace: Namespace): Promise<void> {
      const finalizers = namespace.spec?.finalizers?.filter((finalizer) => finalizer !== FINALIZER);
      try {
        await client.update(namespaceResource, { ...namespace, spec: { ...namespace.spec, finalizers } }, { subresource: 'finalize' });
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
      }
    }

    /** The end of a pod may be what its namespace waits for. */
    const endingNamespace = (pod: Pod): string[] => (namespaces.get(pod.metadata.namespace)?.metadata.deletionTimestamp ? [pod.metadata.namespace] : []);

    const loop = startLoop(context, { name: 'namespace-controller', queue: 'namespace', needs: [namespaces, definitions, pods], workers: 10, reconcile });
    loop.follow(namespaces, itself);
    loop.own(pods.subscribe({ delete: (pod) => endingNamespace(pod).forEach((key) => loop.enqueue(key)) }));
    return loop;
  },
};

function isPods(resource: StoredResource): boolean {
  return resource.group === '' && resource.resource === 'pods';
}
