import { badRequest, fieldError, invalid, methodNotAllowed, noSuchResource, notFound, unsupportedMediaType } from '../../api/errors.ts';
import { apiVersionOf, type KubeObject, type ObjectKey, type ObjectList, type ResourceType } from '../../api/object.ts';
import type { Decoded } from '../../api/schema/decode.ts';
import type { DuplicateKeys } from '../../api/schema/json-text.ts';
import { kindType } from '../../api/schema/schema.ts';
import type { ListOptions, Patch, WriteOptions } from '../../client/client.ts';
import { rfc3339, type Clock } from '../../base/clock.ts';
import { apply, applyAcrossVersions } from '../apply/apply.ts';
import { authorizationFault, type Authorizer } from '../authz/authorizer.ts';
import { applyPatch, patchObject } from '../patch/patch-object.ts';
import type { RequestContext } from '../request.ts';
import type { PostCall, SubresourceHandler } from '../subresources/subresource-handler.ts';
import type { ApiRegistry, RegisteredResource } from './api-registry.ts';
import { decodeAs } from './decode-object.ts';
import { scaleOf, withScale } from './scale.ts';
import { subresourceOf, type ServedResource } from './served-resource.ts';
import type { StoreUpdateOptions, WatchableStore } from './store.ts';
import { shownText } from '../../api/schema/shown-text.ts';

export interface Written {
  readonly object: KubeObject;
  readonly created: boolean;
}

/** An object as a client sent it: parsed, not yet decoded. */
export interface SentObject {
  readonly value: unknown;
  readonly duplicates?: DuplicateKeys;
  /** Of the text: keys that come twice in YAML. */
  readonly fault?: string;
}

/** Looks up what takes requests on a resource's subresource, or on a resource that is not stored (subresource empty). */
export type HandlerLookup = (resource: { readonly group: string; readonly resource: string }, subresource: string) => SubresourceHandler | undefined;

export interface ResourceVerbsOptions {
  readonly registry: ApiRegistry;
  readonly handlerOf: HandlerLookup;
  /** Asked where a request turns out to be another than its verb says: an update that creates. */
  readonly authorizer: Authorizer;
  readonly clock: Clock;
}

/** The verbs on resources and their subresources, as HTTP and the in-process client share them. Authorization comes before. */
export class ResourceVerbs {
  readonly #registry: ApiRegistry;
  readonly #handlerOf: HandlerLookup;
  readonly #authorizer: Authorizer;
  readonly #clock: Clock;

  constructor({ registry, handlerOf, authorizer, clock }: ResourceVerbsOptions) {
    this.#authorizer = authorizer;
    this.#clock = clock;
    this.#registry = registry;
    this.#handlerOf = handlerOf;
  }

  /** What serves the resource. Throws 404 as for an unknown path. */
  find({ group, version, resource }: Pick<ResourceType<unknown>, 'group' | 'version' | 'resource'>): RegisteredResource {
    const found = this.#registry.find(group, version, resource);
    if (!found) throw noSuchResource();
    return found;
  }

  handler(resource: { readonly group: string; readonly resource: string }, subresource: string): SubresourceHandler | undefined {
    return this.#handlerOf(resource, subresource);
  }

  /** The store behind the resource. Throws 405 where it does not offer the verb. */
  store(resource: Pick<ResourceType<unknown>, 'group' | 'version' | 'resource'>, verb: string): WatchableStore {
    const { served, store } = this.find(resource);
    if (!store || !served.verbs.includes(verb)) throw methodNotAllowed(resource, verb);
    return store;
  }

  /** A promise only where something has to be waited for. */
  get(context: RequestContext, resource: ResourceType<unknown>, key: ObjectKey, options: { readonly subresource?: string; readonly resourceVersion?: string } = {}): KubeObject | Promise<KubeObject> {
    const { served, reader } = this.find(resource);
    const { subresource } = options;
    if (reader && !subresource) return reader.get(key);
    const found = this.store(resource, 'get').get(context, key, options);
    if (!subresource) return found;
    const part = (object: KubeObject): KubeObject => {
      this.#checkSubresource(served, subresource, 'get');
      return subresource === 'scale' ? scaleOf(served, object) : object;
    };
    return found instanceof Promise ? found.then(part) : part(found);
  }

  async list(context: RequestContext, resource: Pick<ResourceType<unknown>, 'group' | 'version' | 'resource'>, options: ListOptions): Promise<ObjectList<KubeObject>> {
    const { reader } = this.find(resource);
    return reader ? reader.list(options) : this.store(resource, 'list').list(context, options);
  }

  async create(context: RequestContext, resource: ResourceType<unknown>, namespace: string, sent: SentObject, options: WriteOptions = {}): Promise<KubeObject> {
    const { served, store } = this.find(resource);
    const object = warned(context, served.schema.decode(sent.value, decoding(options, sent)));
    if (!store) return (await this.#post(context, resource, '', { name: '', namespace }, object, options)) as KubeObject;
    return this.store(resource, 'create').create(context, namespace, object, options);
  }

  /** POST to a subresource: `binding`, `eviction`, `token`. */
  async createSubresource(context: RequestContext, resource: ResourceType<unknown>, key: ObjectKey, subresource: string, sent: SentObject, options: WriteOptions = {}): Promise<unknown> {
    const { served } = this.find(resource);
    const entry = this.#checkSubresource(served, subresource, 'create');
    const { group = served.resource.group, version = served.resource.version, kind } = entry;
    const type = kindType(group, version, kind);
    const body = type ? warned(context, decodeAs<KubeObject>(type.name, { group, version, kind }, sent.value, decoding(options, sent))) : sent.value;
    return this.#post(context, resource, subresource, key, body, options);
  }

  #post(context: RequestContext, resource: ResourceType<unknown>, subresource: string, key: ObjectKey, body: unknown, options: WriteOptions): Promise<unknown> {
    const handler = this.#handlerOf(resource, subresource);
    if (!handler?.post) throw methodNotAllowed(resource, 'create');
    const call: PostCall = { context, key, body, dryRun: options.dryRun ?? false };
    return handler.post(call);
  }

  /** Replaces the object, or its status or scale. */
  async update(context: RequestContext, resource: ResourceType<unknown>, key: ObjectKey, sent: SentObject, options: WriteOptions = {}): Promise<Written> {
    const { served } = this.find(resource);
    const next = warned(context, this.#decode(served, options.subresource, sent, options));
    return this.#change(context, resource, key, (current) => (current ? next : this.#checkMayCreate(context, served, key).then(() => next)), options, 'update');
  }

  async patch(context: RequestContext, resource: ResourceType<unknown>, key: ObjectKey, patch: Patch, options: WriteOptions & { readonly duplicates?: readonly string[]; readonly fault?: string } = {}): Promise<Written> {
    const { served } = this.find(resource);
    if (patch.type === 'application/apply-patch+yaml') return this.#apply(context, resource, key, patch, options);
    const { group, version, kind } = this.#kindOf(served, options.subresource);
    const type = served.custom && options.subresource !== 'scale' ? undefined : kindType(group, version, kind);
    const change = (current: KubeObject | undefined): KubeObject => {
      if (!current) throw notFound(resource, key.name);
      const patched = type
        ? patchObject(current, patch.type, patch.body, type, options.fieldValidation, options.duplicates)
        : served.schema.decode(applyPatch(current, patch.type, patch.body, undefined), { validation: options.fieldValidation ?? 'Ignore' });
      checkIdentity(patched.object, current, key, { group, kind });
      return warned(context, patched);
    };
    return this.#change(context, resource, key, change, options, 'patch');
  }

  /** Server-side apply: creates the object where it is not there. */
  #apply(context: RequestContext, resource: ResourceType<unknown>, key: ObjectKey, patch: Patch, { fault, ...options }: WriteOptions & { readonly fault?: string }): Promise<Written> {
    const { served } = this.find(resource);
    if (options.subresource === 'scale') throw unsupportedMediaType(['application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json']);
    const { body, force = false } = patch as Extract<Patch, { type: 'application/apply-patch+yaml' }>;
    const given = (body as { readonly metadata?: { readonly name?: unknown; readonly namespace?: unknown } } | null)?.metadata;
    if (given?.name !== undefined && given.name !== key.name) throw badRequest(`the name of the object (${shownText(given.name)}) does not match the name on the URL (${key.name})`);
    const named = { ...(body as object), metadata: { ...given, name: key.name, ...(key.namespace && { namespace: given?.namespace ?? key.namespace }) } };
    const { versions } = this.store(resource, 'patch');
    const change = async (live: KubeObject | undefined): Promise<KubeObject> => {
      if (!live) await this.#checkMayCreate(context, served, key);
      const request = {
        live, applied: named, force, kind: served.resource.kind, apiVersion: apiVersionOf(served.resource), schema: served.schema.type, manager: options.fieldManager ?? '',
        time: rfc3339(this.#clock.now()), ...(options.subresource && { subresource: options.subresource }),
      };
      const { object } = versions ? await applyAcrossVersions(request, versions) : apply(request);
      if (live) checkIdentity(object, live, key, served.resource);
      if (fault && options.fieldValidation === 'Strict') throw badRequest(`error strict decoding YAML: error converting YAML to JSON: ${fault}`);
      if (fault && options.fieldValidation === 'Warn') context.warn(`error converting YAML to JSON: ${fault}`);
      return warned(context, served.schema.decode(object, { validation: options.fieldValidation ?? 'Ignore', known: live }));
    };
    return this.#change(context, resource, key, change, { ...options, applied: true }, 'patch');
  }

  /** Changes what the subresource shows: a Scale for `scale`, else the object. */
  async #change(
    context: RequestContext, resource: ResourceType<unknown>, key: ObjectKey, change: (current: KubeObject | undefined) => KubeObject | Promise<KubeObject>, options: StoreUpdateOptions, verb: 'update' | 'patch',
  ): Promise<Written> {
    const { served } = this.find(resource);
    const { subresource, ...rest } = options;
    const store = this.store(resource, verb);
    if (!subresource) return store.update(context, key, change, rest);
    this.#checkSubresource(served, subresource, verb);
    if (subresource !== 'scale') return store.update(context, key, change, options);
    const written = await store.update(context, key, async (current) => withScale(served, current!, await change(scaleOf(served, current!))), { ...rest, managedSubresource: 'scale' });
    return { object: scaleOf(served, written.object), created: false };
  }

  #decode(served: ServedResource, subresource: string | undefined, sent: SentObject, options: WriteOptions): Decoded<KubeObject> {
    if (subresource !== 'scale') return served.schema.decode(sent.value, decoding(options, sent));
    return decodeAs<KubeObject>('io.k8s.api.autoscaling.v1.Scale', SCALE, sent.value, decoding(options, sent));
  }

  #kindOf(served: ServedResource, subresource: string | undefined): { readonly group: string; readonly version: string; readonly kind: string } {
    return subresource === 'scale' ? SCALE : served.resource;
  }

  /** Throws 403 where the user may not create what is not there yet. */
  async #checkMayCreate({ user }: RequestContext, { resource: { group, version, resource } }: ServedResource, { namespace = '', name }: ObjectKey): Promise<void> {
    const attributes = { user, verb: 'create', resource: { group, version, resource, subresource: '', namespace, name } };
    const decision = await this.#authorizer.authorize(attributes);
    if (!decision.allowed) throw authorizationFault(attributes, decision);
  }

  #checkSubresource(served: ServedResource, name: string, verb: string) {
    const entry = subresourceOf(served, name);
    if (!entry) throw noSuchResource();
    if (!entry.verbs.includes(verb)) throw methodNotAllowed(served.resource, verb);
    return entry;
  }
}

const SCALE = { group: 'autoscaling', version: 'v1', kind: 'Scale' } as const;

/** Throws 400 where a patch takes the name away, 422 where it changes the uid. */
function checkIdentity({ metadata }: KubeObject, current: KubeObject, { name }: ObjectKey, kind: { readonly group: string; readonly kind: string }): void {
  if (!metadata?.name) throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  if (!metadata.uid || metadata.uid === current.metadata.uid) return;
  const fault = fieldError.invalid('metadata.uid', metadata.uid, 'field is immutable');
  throw invalid(kind, name, [fault, fault]);
}

const decoding = ({ fieldValidation = 'Ignore' }: WriteOptions, { duplicates, fault }: SentObject) => ({ validation: fieldValidation, ...(duplicates && { duplicates }), ...(fault && { fault }) });

function warned<T>(context: RequestContext, { object, warnings }: { readonly object: T; readonly warnings: readonly string[] }): T {
  for (const text of warnings) context.warn(text);
  return object;
}
