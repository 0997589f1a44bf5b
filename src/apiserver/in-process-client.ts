import { badRequest } from '../api/errors.ts';
import type { User } from '../api/kind.ts';
import type { KubeObject, New, ObjectKey, ObjectList, ResourceType } from '../api/object.ts';
import type { Log } from '../base/log.ts';
import type { Client, DeleteOptions, ListOptions, Patch, WatchEvent, WatchOptions, WriteOptions } from '../client/client.ts';
import type { InProcessAudit, InProcessRequest } from './audit/in-process-audit.ts';
import { authorizationFault, type Authorizer, type Decision } from './authz/authorizer.ts';
import type { ResourceVerbs } from './registry/resource-verbs.ts';
import type { RequestContext } from './request.ts';

export interface InProcessClientOptions {
  readonly verbs: ResourceVerbs;
  readonly authorizer: Authorizer;
  readonly user: User;
  readonly userAgent: string;
  readonly log: Log;
  /** Absent: nothing is written down. */
  readonly audit?: InProcessAudit | undefined;
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
  readonly #audit: InProcessAudit | undefined;

  constructor({ verbs, authorizer, user, userAgent, log, audit, signal }: InProcessClientOptions) {
    this.#verbs = verbs;
    this.#authorizer = authorizer;
    this.#audit = audit;
    const groups = user.groups.includes('system:authenticated') ? user.groups : [...user.groups, 'system:authenticated'];
    this.#context = { user: { ...user, groups }, userAgent, signal, warn: (text) => log.warn(text, { user: user.name }) };
  }

  get<T>(resource: ResourceType<T>, key: ObjectKey, options: { readonly subresource?: string; readonly resourceVersion?: string } = {}): Promise<T> {
    return this.#run({ verb: 'get', resource, ...key, subresource: options.subresource }, async (context) => (await this.#verbs.get(context, resource, key, options)) as T);
  }

  list<T>(resource: ResourceType<T>, options: ListOptions = {}): Promise<ObjectList<T>> {
    return this.#run({ verb: 'list', resource, namespace: options.namespace, fieldSelector: options.fieldSelector }, async (context) => (await this.#verbs.list(context, resource, options)) as ObjectList<unknown> as ObjectList<T>);
  }

  watch<T>(resource: ResourceType<T>, options: WatchOptions): Promise<AsyncIterable<WatchEvent<T>>> {
    return this.#run({ verb: 'watch', resource, namespace: options.namespace, fieldSelector: options.fieldSelector }, (context) => this.#verbs.store(resource, 'watch').watch(context, options) as AsyncIterable<WatchEvent<unknown>> as AsyncIterable<WatchEvent<T>>);
  }

  create<T>(resource: ResourceType<T>, object: New<T>, options: WriteOptions = {}): Promise<T> {
    const { metadata } = object;
    const { subresource } = options;
    const key = { name: metadata?.name ?? '', ...(metadata?.namespace && { namespace: metadata.namespace }) };
    return this.#run({ verb: 'create', resource, namespace: key.namespace, subresource, body: object }, async (context) => (subresource
      ? await this.#verbs.createSubresource(context, resource, key, subresource, { value: object }, options)
      : await this.#verbs.create(context, resource, key.namespace ?? '', { value: object }, options)) as T);
  }

  createSubresource<R = KubeObject>(resource: ResourceType<unknown>, key: ObjectKey, subresource: string, body: unknown, options: WriteOptions = {}): Promise<R> {
    return this.#run({ verb: 'create', resource, ...key, subresource, body }, async (context) => (await this.#verbs.createSubresource(context, resource, key, subresource, { value: body }, options)) as R);
  }

  async update<T extends KubeObject>(resource: ResourceType<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const { name, namespace } = object.metadata;
    if (!name) throw badRequest('name is required');
    const key = { name, ...(namespace && { namespace }) };
    return await this.#run({ verb: 'update', resource, ...key, subresource: options.subresource, body: object }, async (context) => (await this.#verbs.update(context, resource, key, { value: object }, options)).object as T);
  }

  updateStatus<T extends KubeObject>(resource: ResourceType<T>, object: T, options: WriteOptions = {}): Promise<T> {
    return this.update(resource, object, { ...options, subresource: 'status' });
  }

  patch<T>(resource: ResourceType<T>, key: ObjectKey, patch: Patch, options: WriteOptions = {}): Promise<T> {
    return this.#run({ verb: 'patch', resource, ...key, subresource: options.subresource, body: patch.body }, async (context) => (await this.#verbs.patch(context, resource, key, patch, options)).object as T);
  }

  delete<T>(resource: ResourceType<T>, key: ObjectKey, options: DeleteOptions = {}): Promise<void> {
    return this.#run({ verb: 'delete', resource, ...key }, async (context) => void (await this.#verbs.store(resource, 'delete').delete(context, key, options)));
  }

  deleteCollection<T>(resource: ResourceType<T>, list: ListOptions, options: DeleteOptions = {}): Promise<void> {
    return this.#run({ verb: 'deletecollection', resource, namespace: list.namespace, fieldSelector: list.fieldSelector }, async (context) => void (await this.#verbs.store(resource, 'deletecollection').deleteCollection(context, list, options)));
  }

  /** Authorizes, works, and writes down both where somebody wants it. */
  async #run<T>(request: InProcessRequest & { readonly fieldSelector?: string | undefined }, work: (context: RequestContext) => Promise<T> | T): Promise<T> {
    const authorized = (context: RequestContext): Promise<T> | T => {
      const deciding = this.#authorize(context, request);
      return deciding ? deciding.then(() => work(context)) : work(context);
    };
    return await (this.#audit ? this.#audit.run(this.#context, request, authorized) : authorized(this.#context));
  }

  #authorize({ user, audit }: RequestContext, { verb, resource: { group, version, resource }, namespace = '', name = '', subresource = '', fieldSelector }: InProcessRequest & { readonly fieldSelector?: string | undefined }): Promise<void> | void {
    const attributes = { user, verb, resource: { group, version, resource, subresource, namespace, name, ...(fieldSelector && { fieldSelector }) } };
    const take = (decision: Decision): void => {
      audit?.annotate('authorization.k8s.io/decision', decision.allowed ? 'allow' : 'forbid');
      audit?.annotate('authorization.k8s.io/reason', decision.reason);
      if (!decision.allowed) throw authorizationFault(attributes, decision);
    };
    const answer = this.#authorizer.authorize(attributes);
    return answer instanceof Promise ? answer.then(take) : take(answer);
  }
}
