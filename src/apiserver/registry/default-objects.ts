import { isReason } from '../../api/errors.ts';
import { namespaces } from '../../api/generated/resources.ts';
import type { KubeObject, ResourceType } from '../../api/object.ts';
import type { RequestContext } from '../request.ts';
import type { ApiRegistry } from './api-registry.ts';

/** A resource and an object of it that every cluster has. */
export type DefaultObject = readonly [ResourceType<KubeObject>, Readonly<Record<string, unknown>> & { readonly metadata: { readonly name: string; readonly namespace?: string } }];

/** The namespaces that every cluster has. */
export const systemNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'] as const;

/** Creates what is missing, all at once: one group commit. */
export async function ensureObjects(registry: ApiRegistry, context: RequestContext, objects: readonly DefaultObject[]): Promise<void> {
  await Promise.all(objects.map(async ([resource, object]) => {
    const store = registry.storeOf(resource);
    if (!store) throw new Error(`${resource.resource} is not served`);
    try {
      await store.create(context, object.metadata.namespace ?? '', object as unknown as KubeObject);
    } catch (error) {
      if (!isReason(error, 'AlreadyExists')) throw error;
    }
  }));
}

export function defaultNamespaces(): readonly DefaultObject[] {
  return systemNamespaces.map((name) => [namespaces, { metadata: { name } }]);
}
