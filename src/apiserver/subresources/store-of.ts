import { serviceUnavailable } from '../../api/errors.ts';
import type { KubeObject, ResourceType } from '../../api/object.ts';
import type { Registry, Store } from '../registry/store.ts';

/** The store of a built-in resource. 503 while it is not served, which is at the server's start only. */
export function storeOf<T extends KubeObject>({ registry }: { readonly registry: Registry }, resource: ResourceType<T>): Store<T> {
  const store = registry.store(resource.group, resource.version, resource.resource);
  if (!store) throw serviceUnavailable(`${resource.resource} are not served yet`);
  return store as unknown as Store<T>;
}
