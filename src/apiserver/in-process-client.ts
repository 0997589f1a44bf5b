import { badRequest } from '../api/errors.ts';
import type { User } from '../api/kind.ts';
import type { KubeObject, New, ObjectKey, ObjectList, ResourceType } from '../api/object.ts';
import type { Log } from '../base/log.ts';
import type { Client, DeleteOptions, ListOptions, Patch, WatchEvent, WatchOptions, WriteOptions } from '../client/client.ts';
import { authorizationFault, type Authorizer } from './authz/authorizer.ts';
import type { ResourceVerbs } from './registry/resource-verbs.ts';
import type { RequestContext } from './request.ts';

export interface InProcessClientOptions {
  readonly verbs: ResourceVerbs;
  readonly authorizer: Authorizer;
  readonly user: User;
  readonly userAgent: string;
  readonly log: Log;
  /** Aborts when the server stops. */
  readonly signal: AbortSignal;
}

/**
 * The API without HTTP and JSON, through the same authorization, admission, strategies and stores. Objects that come back are the stored
 * ones themselves: they must not be changed.
 */
export class InProcessClient implements Client {
  readonly #verbs: ResourceVerbs;
  readonly #authorizer: Authorizer;
  readonly #context: RequestContext;

  constructor({ verbs, authorizer, user, userAgent, log, signal }: InProcessClientOptions) {
    this.#verbs = verbs;
    this.#authorizer = authorizer;
    const groups = user.groups.includes('system:authenticated') ? user.groups : [...user.groups, 'system:authenticated'];
    this.#context = { user: { ...user, groups }, userAgent, signal, warn: (text) => log.warn(text, { user: user.name }) };
  }

  async get<T>(resource: ResourceType<T>, key: ObjectKey, options: { readonly subresource?: string; readonly resourceVersion?: string } = {}): Promise<T> {
    this.#authorize('get', resource, key, options.subresource);
    return (await this.#verbs.get(this.#context, resource, key, options)) as T;
  }

  async list<T>(resource: ResourceType<T>, options: ListOptions = {}): Promise<ObjectList<T>> {
    this.#authorize('list', resource, options, '', options.fieldSelector);
    return (await this.#verbs.list(this.#context, resource, options)) as ObjectList<unknown> as ObjectList<T>;
  }

  async watch<T>(resource: ResourceType<T>, options: WatchOptions): Promise<AsyncIterable<WatchEvent<T>>> {
    this.#authorize('watch', resource, options, '', options.fieldSelector);
    return this.#verbs.store(resource, 'watch').watch(this.#context, options) as AsyncIterable<WatchEvent<unknown>> as AsyncIterable<WatchEvent<T>>;
  }

  async create<T>(resource: ResourceType<T>, object: New<T>, options: WriteOptions = {}): Promise<T> {
    const { metadata } = object;
    const key = { name: metadata?.name ?? '', ...(metadata?.namespace && { namespace: metadata.namespace }) };
    this.#authorize('create', resource, { ...(key.namespace && { namespace: key.namespace }) }, options.subresource);
    if (options.subresource) return (await this.#verbs.createSubresource(this.#context, resource, key, options.subresource, { value: object }, options)) as T;
    return (await this.#verbs.create(this.#context, resource, key.namespace ?? '', { value: object }, options)) as T;
  }

  async createSubresource<R = KubeObject>(resource: ResourceType<unknown>, key: ObjectKey, subresource: string, body: unknown, options: WriteOptions = {}): Promise<R> {
    this.#authorize('create', resource, key, subresource);
    return (await this.#verbs.createSubresource(this.#context, resource, key, subresource, { value: body }, options)) as R;
  }

  async update<T extends KubeObject>(resource: ResourceType<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const { name, namespace } = object.metadata;
    if (!name) throw badRequest('name is required');
    const key = { name, ...(namespace && { namespace }) };
    this.#authorize('update', resource, key, options.subresource);
    return (await this.#verbs.update(this.#context, resource, key, { value: object }, options)).object as T;
  }

  updateStatus<T extends KubeObject>(resource: ResourceType<T>, object: T, options: WriteOptions = {}): Promise<T> {
    return this.update(resource, object, { ...options, subresource: 'status' });
  }

  async patch<T>(resource: ResourceType<T>, key: ObjectKey, patch: Patch, options: WriteOptions = {}): Promise<T> {
    this.#authorize('patch', resource, key, options.subresource);
    return (await this.#verbs.patch(this.#context, resource, key, patch, options)).object as T;
  }

  async delete<T>(resource: ResourceType<T>, key: ObjectKey, options: DeleteOptions = {}): Promise<void> {
    this.#authorize('delete', resource, key);
    await this.#verbs.store(resource, 'delete').delete(this.#context, key, options);
  }

  async deleteCollection<T>(resource: ResourceType<T>, list: ListOptions, options: DeleteOptions = {}): Promise<void> {
    this.#authorize('deletecollection', resource, list);
    await this.#verbs.store(resource, 'deletecollection').deleteCollection(this.#context, list, options);
  }

  #authorize(verb: string, { group, version, resource }: ResourceType<unknown>, { namespace = '', name = '' }: Partial<ObjectKey>, subresource = '', fieldSelector?: string): void {
    const attributes = {
      user: this.#context.user, verb,
      resource: { group, version, resource, subresource, namespace, name, ...(fieldSelector && { fieldSelector }) },
    };
    const decision = this.#authorizer.authorize(attributes);
    if (!decision.allowed) throw authorizationFault(attributes, decision);
  }
}
