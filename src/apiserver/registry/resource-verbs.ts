import { methodNotAllowed, notFound, statusError } from '../../api/errors.ts';
import type { KubeObject, ObjectKey, ResourceType } from '../../api/object.ts';
import type { Patch, WriteOptions } from '../../client/client.ts';
import type { RequestContext } from '../request.ts';
import type { ApiRegistry, RegisteredResource } from './api-registry.ts';
import { withoutUndefined } from './deep-equal.ts';
import { scaleOf, withScale } from './scale.ts';
import { subresourceOf } from './served-resource.ts';
import type { Store } from './store.ts';

export interface Written {
  readonly object: KubeObject;
  readonly created: boolean;
}

/** The verbs on resources and on their status and scale, as HTTP and the in-process client share them. Authorization comes before. */
export class ResourceVerbs {
  readonly #registry: ApiRegistry;

  constructor(registry: ApiRegistry) {
    this.#registry = registry;
  }

  /** What serves the resource. Throws 404 as for an unknown path. */
  find({ group, version, resource }: Pick<ResourceType<unknown>, 'group' | 'version' | 'resource'>): RegisteredResource {
    const found = this.#registry.find(group, version, resource);
    if (!found) throw statusError(404, 'NotFound', 'the server could not find the requested resource', {});
    return found;
  }

  /** The store behind the resource. Throws 405 where it does not offer the verb. */
  store(resource: ResourceType<unknown>, verb: string): Store {
    const { served, store } = this.find(resource);
    if (!store || !served.verbs.includes(verb)) throw methodNotAllowed(resource, verb);
    return store;
  }

  get(context: RequestContext, resource: ResourceType<unknown>, key: ObjectKey, options: { readonly subresource?: string; readonly resourceVersion?: string } = {}): KubeObject {
    const store = this.store(resource, 'get');
    const object = store.get(context, key, options);
    if (options.subresource !== 'scale') return object;
    return scaleOf(this.find(resource).served, object);
  }

  async create(context: RequestContext, resource: ResourceType<unknown>, namespace: string, object: unknown, options: WriteOptions = {}): Promise<KubeObject> {
    const { schema } = this.find(resource).served;
    return this.store(resource, 'create').create(context, namespace, schema.decode(object).object, options);
  }

  /** Replaces the object, or its status or scale. */
  async update(context: RequestContext, resource: ResourceType<unknown>, key: ObjectKey, object: KubeObject, options: WriteOptions = {}): Promise<Written> {
    const next = options.subresource === 'scale' ? withoutUndefined(object) : this.find(resource).served.schema.decode(object).object;
    return this.change(context, resource, key, () => next, options);
  }

  /** Changes what the subresource shows: the object for none and for `status`, a Scale for `scale`. */
  async change(
    context: RequestContext, resource: ResourceType<unknown>, key: ObjectKey, change: (current: KubeObject | undefined) => KubeObject | Promise<KubeObject>, options: WriteOptions,
  ): Promise<Written> {
    const { served } = this.find(resource);
    const { subresource, ...rest } = options;
    const store = this.store(resource, 'update');
    if (!subresource) return store.update(context, key, change, rest);
    if (!subresourceOf(served, subresource)) throw notFound(resource as ResourceType<KubeObject>, key.name);
    if (subresource !== 'scale') return store.update(context, key, change, options);
    const written = await store.update(context, key, async (current) => withScale(served, current!, await change(scaleOf(served, current!))), rest);
    return { object: scaleOf(served, written.object), created: false };
  }

  patch(_context: RequestContext, _resource: ResourceType<unknown>, _key: ObjectKey, _patch: Patch, _options: WriteOptions): Promise<Written> {
    throw new Error('patch is not wired yet');
  }

  async createSubresource(_context: RequestContext, resource: ResourceType<unknown>, key: ObjectKey, subresource: string, _body: unknown, _options: WriteOptions): Promise<unknown> {
    throw notFound(resource as ResourceType<KubeObject>, `${key.name}/${subresource}`);
  }
}
