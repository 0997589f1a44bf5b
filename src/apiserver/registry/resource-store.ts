import { alreadyExists, badRequest, conflict, expired, fieldError, invalid, isReason, notFound, StatusError, statusError, type FieldError } from '../../api/errors.ts';
import type { StrategyContext } from '../../api/kind.ts';
import { without } from '../../api/kinds/fill.ts';
import { apiVersionOf, type KubeObject, type ObjectKey, type ObjectList, type ResourceType } from '../../api/object.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../api/validation/object-meta.ts';
import { isSame } from '../../api/validation/same.ts';
import { rfc3339, type Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import type { DeleteOptions, ListOptions, WatchOptions } from '../../client/client.ts';
import type { Entry, Range, StorageEngine } from '../../storage/engine.ts';
import { CompactedError, FutureRevisionError, RevisionMismatchError } from '../../storage/errors.ts';
import type { AdmissionOperation } from '../admission/admission.ts';
import type { HookedWrite, WriteHook } from '../allocation/write-hook.ts';
import { managerOf, updateManagedFields } from '../apply/managed-fields.ts';
import type { RequestContext } from '../request.ts';
import type { UpdateSubresource } from '../subresources/update-subresource.ts';
import type { AdmissionChain } from './admission-chain.ts';
import type { BookmarkTicker } from './bookmark-ticker.ts';
import { decodeContinue, encodeContinue } from './continue-token.ts';
import { deepEqual, deepFreeze } from './deep-equal.ts';
import { decideDeletion, endsDeletion } from './deletion.ts';
import { EventQueue } from './event-queue.ts';
import { FieldWatches } from './field-watches.ts';
import { metadataForCreate, metaOf, namespaceFor, withResourceVersion } from './fill-metadata.ts';
import { bookmark, parseRevision, startWatch, type WatchSink, type WatchSource } from './resource-watch.ts';
import { compileSelection, fieldValue, type Selection } from './selection.ts';
import { storagePrefix, subresourceOf, type ServedResource } from './served-resource.ts';
import type { StoreUpdateOptions, StoreWriteOptions, WatchableStore } from './store.ts';

/** What all stores share. */
export interface StoreEnvironment {
  readonly engine: StorageEngine<KubeObject>;
  readonly admission: AdmissionChain;
  readonly clock: Clock;
  readonly random: Random;
  readonly bookmarks: BookmarkTicker;
  /** What has to happen around the storing of some resources' objects. */
  hookOf(resource: ResourceType<unknown>): WriteHook | undefined;
  /** The strategy of a subresource that shows a part of the object, `status` aside. */
  updateSubresourceOf(resource: ResourceType<unknown>, subresource: string): UpdateSubresource | undefined;
  /** Freeze what is stored at every depth, so that a test sees who changes it. */
  readonly freeze: boolean;
}

/** How often a generated name that is taken is drawn again. Upstream: RetryGenerateName. */
const NAME_ATTEMPTS = 8;

/** The verbs on one resource of the version that is stored. See `Store`. */
export class ResourceStore implements WatchableStore {
  readonly resource: ResourceType<KubeObject>;
  readonly served: ServedResource;
  readonly #environment: StoreEnvironment;
  readonly #prefix: string;
  readonly #hook: WriteHook | undefined;
  /** By field and prefix. */
  readonly #fieldWatches = new Map<string, FieldWatches>();
  /** Ends each open watch. */
  readonly #watches = new Set<() => void>();

  constructor(served: ServedResource, environment: StoreEnvironment) {
    this.served = served;
    this.resource = served.resource;
    this.#environment = environment;
    this.#prefix = storagePrefix(served.resource);
    this.#hook = environment.hookOf(served.resource);
  }

  get(_context: RequestContext, key: ObjectKey, options: { readonly resourceVersion?: string } = {}): KubeObject {
    this.#checkNotFuture(parseRevision(options.resourceVersion));
    return this.#present(key).value;
  }

  list(_context: RequestContext, options: ListOptions): ObjectList<KubeObject> {
    const { served, resource } = this;
    const selection = compileSelection(resource, served.definition, options.labelSelector, options.fieldSelector);
    const prefix = this.#prefixOf(options.namespace);
    if (selection.name !== undefined && !options.continue && (options.namespace || !resource.namespaced) && options.resourceVersionMatch !== 'Exact') {
      this.#checkNotFuture(parseRevision(options.resourceVersion));
      const entry = this.#environment.engine.get(prefix + selection.name);
      return this.#listOf(entry && selection.matches(entry.value) ? [entry.value] : [], { resourceVersion: String(this.#environment.engine.revision) });
    }
    let { revision, after } = this.#listPosition(options, prefix);
    const limit = options.limit || undefined;
    const items: KubeObject[] = [];
    for (;;) {
      const range = this.#range(prefix, { ...(revision !== undefined && { revision }), ...(after !== undefined && { after }), ...(limit && { limit: limit - items.length }) }, options);
      revision = range.revision;
      for (const entry of range.entries) if (selection.matches(entry.value)) items.push(entry.value);
      const last = range.entries.at(-1);
      if (!range.more || !last) return this.#listOf(items, { resourceVersion: String(revision) });
      after = last.key;
      if (limit && items.length >= limit) {
        return this.#listOf(items, {
          resourceVersion: String(revision),
          continue: encodeContinue({ revision, start: `${last.key.slice(prefix.length)}\0` }),
          ...(selection.everything && { remainingItemCount: range.remaining }),
        });
      }
    }
  }

  /** Subscribed when this returns: no event after it is missed. */
  watch(context: RequestContext, options: WatchOptions): EventQueue<KubeObject> {
    const queue = new EventQueue<KubeObject>();
    queue.follow(options.signal ? AbortSignal.any([options.signal, context.signal]) : context.signal, (sink) => this.openWatch(options, sink));
    return queue;
  }

  /** Delivers to `sink` from now on, until disposed or, after `timeoutSeconds`, ended. Throws StatusErrors for options that cannot be served. */
  openWatch(options: WatchOptions, sink: WatchSink): Disposable {
    const { engine, clock, bookmarks } = this.#environment;
    const { served, resource } = this;
    const selection = compileSelection(resource, served.definition, options.labelSelector, options.fieldSelector);
    const namespacePrefix = this.#prefixOf(options.namespace);
    const stack = new DisposableStack();
    const end = (): void => {
      stack.dispose();
      sink.end();
    };
    const follow = this.#followOf(selection, namespacePrefix);
    stack.use(startWatch({ engine, resource, prefix: namespacePrefix, selection, ...(follow && { follow }) }, options, sink));
    if (options.allowWatchBookmarks) stack.use(bookmarks.add(() => sink.events([bookmark(resource, engine.revision)])));
    if (options.timeoutSeconds) {
      stack.use(clock.timer(options.timeoutSeconds * 1000, end));
    }
    this.#watches.add(end);
    stack.defer(() => void this.#watches.delete(end));
    return stack;
  }

  /** Selections by one value of a field share one look at each change. */
  #followOf({ exact }: Selection, prefix: string): WatchSource['follow'] {
    if (!exact) return undefined;
    const { engine } = this.#environment;
    const { definition } = this.served;
    const key = `${exact.field} ${prefix}`;
    let watches = this.#fieldWatches.get(key);
    if (!watches) this.#fieldWatches.set(key, (watches = new FieldWatches(engine, prefix, (object) => fieldValue(object, definition, exact.field))));
    return (fromRevision, listener) => watches.watch(exact.value, fromRevision, listener);
  }

  endWatches(): void {
    for (const end of this.#watches) end();
  }

  async create(context: RequestContext, namespace: string, object: KubeObject, options: StoreWriteOptions = {}): Promise<KubeObject> {
    if (metaOf(object).resourceVersion) {
      throw new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: 'resourceVersion should not be set on objects to be created', code: 500 });
    }
    const generated = !metaOf(object).name && !!metaOf(object).generateName;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#createOnce(context, namespace, object, options);
      } catch (error) {
        if (!generated || attempt === NAME_ATTEMPTS || !isReason(error, 'AlreadyExists')) throw error;
      }
    }
  }

  async #createOnce(context: RequestContext, namespace: string, given: KubeObject, options: StoreUpdateOptions): Promise<KubeObject> {
    const { clock, random, admission, engine } = this.#environment;
    const { resource, served } = this;
    const { definition, schema } = served;
    const metadata = metadataForCreate(given, namespaceFor(resource, namespace, given), clock.now(), random);
    const filled = { ...given, apiVersion: apiVersionOf(resource), kind: resource.kind, metadata } as KubeObject;
    let object = this.#managed(undefined, this.#withDefaults(filled), context, options);
    const attributes = this.#attributes('CREATE', context, object, options);
    const admitted = await admission.mutate({ ...attributes, object });
    if (admitted && admitted !== object) object = this.#withDefaults(admitted);
    object = this.#prepareForCreate(object, { nowMs: clock.now(), user: context.user });
    const dryRun = options.dryRun ?? false;
    const hooked = await this.#hook?.beforeCreate?.(object, { dryRun, context });
    return await this.#finish(hooked, dryRun, object, async (final) => {
      this.#refuse(final, [...this.#metadataErrors(final), ...(schema.validate?.(final) ?? []), ...(definition.validate?.(final) ?? []), ...(definition.validateCreate?.(final) ?? [])]);
      for (const text of definition.warnings?.(final) ?? []) context.warn(text);
      await admission.validate({ ...attributes, object: final });
      const key = this.#keyOf(final.metadata);
      if (dryRun) {
        if (engine.get(key)) throw alreadyExists(resource, final.metadata.name);
        return final;
      }
      try {
        return (await engine.put(key, (revision) => this.#stored(final, revision), { ifRevision: 0 })).value;
      } catch (error) {
        if (error instanceof RevisionMismatchError) throw alreadyExists(resource, final.metadata.name);
        throw error;
      }
    });
  }

  /** Runs the rest of a write with the object as the hook left it, and tells the hook how it ended. */
  async #finish(hooked: HookedWrite | undefined, dryRun: boolean, object: KubeObject, write: (object: KubeObject) => Promise<KubeObject>): Promise<KubeObject> {
    if (!hooked) return await write(object);
    let written: KubeObject;
    try {
      written = await write(hooked.object);
    } catch (error) {
      await hooked.rollback();
      throw error;
    }
    if (dryRun) await hooked.rollback();
    else await hooked.commit?.();
    return written;
  }

  #prepareForCreate(object: KubeObject, context: StrategyContext): KubeObject {
    const { definition } = this.served;
    let prepared = object;
    if (this.#hasStatus && !definition.statusOnCreate && 'status' in prepared) {
      prepared = this.#withDefaults(without(prepared as KubeObject & { status?: unknown }, 'status') as KubeObject);
    }
    if (this.#countsGenerations) prepared = { ...prepared, metadata: { ...prepared.metadata, generation: 1 } };
    return definition.prepareForCreate?.(prepared, context) ?? prepared;
  }

  async update(
    context: RequestContext, key: ObjectKey, change: (current: KubeObject | undefined) => KubeObject | Promise<KubeObject>,
    options: StoreUpdateOptions = {},
  ): Promise<{ readonly object: KubeObject; readonly created: boolean }> {
    const { engine } = this.#environment;
    const { resource, served } = this;
    let entry = engine.get(this.#keyOf(key));
    for (;;) {
      if (!entry && !options.applied && (!served.definition.createOnUpdate || options.subresource)) throw notFound(resource, key.name);
      const proposed = await change(entry?.value);
      if (!entry) {
        if (metaOf(proposed).resourceVersion) throw notFound(resource, key.name);
        if (options.subresource) throw notFound(resource, key.name);
        return { object: await this.#createOnce(context, key.namespace ?? '', proposed, options), created: true };
      }
      try {
        return { object: await this.#updateOnce(context, entry, proposed, options), created: false };
      } catch (error) {
        if (!(error instanceof RevisionMismatchError)) throw error;
        entry = error.present as Entry<KubeObject> | undefined;
      }
    }
  }

  async #updateOnce(context: RequestContext, entry: Entry<KubeObject>, proposed: KubeObject, options: StoreUpdateOptions): Promise<KubeObject> {
    const { admission, clock, engine } = this.#environment;
    const { definition } = this.served;
    const previous = entry.value;
    this.#checkBasis(proposed, previous);
    const part = this.#partOf(options.subresource);
    const strategy = { nowMs: clock.now(), user: context.user };
    let object = this.#withDefaults({ ...proposed, apiVersion: previous.apiVersion, kind: previous.kind, metadata: keepMetadata(proposed, previous) } as KubeObject);
    object = this.#managed(previous, this.#prepareForUpdate(object, previous, part, strategy), context, options);
    const attributes = this.#attributes('UPDATE', context, object, options, options.subresource);
    const admitted = await admission.mutate({ ...attributes, object, oldObject: previous });
    if (admitted && admitted !== object) object = this.#prepareForUpdate(this.#withDefaults(admitted), previous, part, strategy);
    const dryRun = options.dryRun ?? false;
    const hooked = part ? undefined : await this.#hook?.beforeUpdate?.(object, previous, { dryRun, context });
    return await this.#finish(hooked, dryRun, object, async (final) => {
      this.#refuse(final, this.#updateErrors(final, previous, part));
      if (!part) for (const text of definition.warnings?.(final, previous) ?? []) context.warn(text);
      await admission.validate({ ...attributes, object: final, oldObject: previous });
      if (endsDeletion(definition, final, previous)) return await this.#remove(entry, final, dryRun);
      if (deepEqual(final, previous)) return previous;
      if (dryRun) return final;
      return (await engine.put(entry.key, (revision) => this.#stored(final, revision), { ifRevision: entry.modRevision })).value;
    });
  }

  /** How an update through a subresource goes; undefined for the object itself. Throws 404 for subresources without an update. */
  #partOf(subresource: string | undefined): 'status' | UpdateSubresource | undefined {
    if (!subresource) return undefined;
    const part = this.#environment.updateSubresourceOf(this.resource, subresource) ?? (subresource === 'status' && this.#hasStatus ? 'status' : undefined);
    if (!part) throw statusError(404, 'NotFound', 'the server could not find the requested resource', {});
    return part;
  }

  #updateErrors(next: KubeObject, previous: KubeObject, part: 'status' | UpdateSubresource | undefined): readonly FieldError[] {
    const { definition, schema } = this.served;
    const errors: FieldError[] = [...this.#metadataErrors(next), ...validateObjectMetaUpdate(next.metadata, previous.metadata), ...(schema.validate?.(next, previous) ?? [])];
    if (part === 'status') errors.push(...(definition.validateStatusUpdate?.(next, previous) ?? []));
    else if (part) errors.push(...(part.validatesWhole ? (definition.validate?.(next) ?? []) : []), ...(part.validate?.(next, previous) ?? []));
    else errors.push(...(definition.validate?.(next) ?? []), ...(definition.validateUpdate?.(next, previous) ?? []));
    return errors;
  }

  /** Conflict where the change was made to another state, or another object of the same name. */
  #checkBasis(proposed: KubeObject, previous: KubeObject): void {
    const { resource } = this;
    const { resourceVersion, uid, name, namespace } = metaOf(proposed);
    if (name && name !== previous.metadata.name) {
      throw badRequest(`the name of the object (${name}) does not match the name on the URL (${previous.metadata.name})`);
    }
    if (namespace && namespace !== previous.metadata.namespace) throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
    if (uid && uid !== previous.metadata.uid) {
      throw conflict(resource, previous.metadata.name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${previous.metadata.uid}`);
    }
    if (!resourceVersion) {
      if (this.served.definition.unconditionalUpdate === false) {
        throw invalid(resource, previous.metadata.name, [fieldError.invalid('metadata.resourceVersion', 0, 'must be specified for an update')]);
      }
    } else if (parseRevision(resourceVersion) !== parseRevision(previous.metadata.resourceVersion)) {
      throw conflict(resource, previous.metadata.name);
    }
  }

  #prepareForUpdate(next: KubeObject, previous: KubeObject, part: 'status' | UpdateSubresource | undefined, context: StrategyContext): KubeObject {
    const { definition } = this.served;
    if (part && part !== 'status') {
      const prepared = part.prepare(next, previous, context);
      return part.keepsGeneration ? prepared : this.#withGeneration(prepared, previous);
    }
    if (part === 'status') {
      const { labels, annotations, finalizers, managedFields, ownerReferences } = next.metadata;
      const fixed = without(previous.metadata, 'labels', 'annotations', 'finalizers', 'managedFields', 'ownerReferences');
      const metadata = {
        ...fixed, ...(labels && { labels }), ...(annotations && { annotations }), ...(ownerReferences && { ownerReferences }),
        ...(finalizers && { finalizers }), ...(managedFields && { managedFields }),
      };
      const kept = { ...previous, metadata: this.served.custom ? { ...previous.metadata, ...(managedFields && { managedFields }) } : metadata, status: (next as { status?: unknown }).status } as KubeObject & { status?: unknown };
      if (kept.status === undefined) delete kept.status;
      return definition.prepareForStatusUpdate?.(kept, previous) ?? kept;
    }
    let prepared = next;
    if (this.#hasStatus) {
      const status = (previous as { status?: unknown }).status;
      const rest = without(next as KubeObject & { status?: unknown }, 'status');
      prepared = (status === undefined ? rest : { ...rest, status }) as KubeObject;
    }
    prepared = this.#withGeneration(prepared, previous);
    return definition.prepareForUpdate?.(prepared, previous, context) ?? prepared;
  }

  #withGeneration(next: KubeObject, previous: KubeObject): KubeObject {
    if (!this.#countsGenerations || !contentDiffers(next, previous)) return next;
    return { ...next, metadata: { ...next.metadata, generation: (previous.metadata.generation ?? 0) + 1 } };
  }

  async delete(context: RequestContext, key: ObjectKey, options: DeleteOptions = {}): Promise<{ readonly object: KubeObject; readonly immediate: boolean }> {
    const { admission, clock, engine } = this.#environment;
    const { resource, served } = this;
    let entry: Entry<KubeObject> | undefined = this.#present(key);
    const { dryRun = false, ...sent } = options;
    const attributes = { ...this.#attributes('DELETE', context, entry.value, { dryRun }), options: sent };
    await admission.mutate({ ...attributes, oldObject: entry.value });
    await admission.validate({ ...attributes, oldObject: entry.value });
    for (;;) {
      if (!entry) throw notFound(resource, key.name);
      const { key: storageKey, value: present, modRevision } = entry;
      const deletion = decideDeletion(resource, served.definition, present, options, clock.now());
      if (deletion.kind === 'pending') return { object: present, immediate: false };
      try {
        if (deletion.kind === 'remove') return { object: await this.#remove(entry, present, dryRun), immediate: true };
        if (dryRun) return { object: deletion.object, immediate: false };
        const written = await engine.put(storageKey, (revision) => this.#stored(deletion.object, revision), { ifRevision: modRevision });
        return { object: written.value, immediate: false };
      } catch (error) {
        if (!(error instanceof RevisionMismatchError)) throw error;
        entry = error.present as Entry<KubeObject> | undefined;
      }
    }
  }

  /** Deletes exactly the state that was decided on; the last state under the deletion's revision comes back. */
  async #remove(entry: Entry<KubeObject>, last: KubeObject, dryRun: boolean): Promise<KubeObject> {
    if (dryRun) return last;
    const deleted = await this.#environment.engine.delete(entry.key, { ifRevision: entry.modRevision });
    if (!deleted) return last;
    await this.#hook?.afterDelete?.(last);
    return withResourceVersion(last, String(deleted.revision));
  }

  async deleteCollection(context: RequestContext, list: ListOptions, options: DeleteOptions = {}): Promise<ObjectList<KubeObject>> {
    const found = this.list(context, list);
    const items = await Promise.all(found.items.map(async (item) => {
      try {
        return (await this.delete(context, item.metadata, options)).object;
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
        return undefined; // somebody else deleted it: what was asked for
      }
    }));
    return { ...found, items: items.filter((item) => item !== undefined) };
  }

  /** The object with what this write changed booked to its writer. */
  #managed(previous: KubeObject | undefined, next: KubeObject, context: RequestContext, options: StoreUpdateOptions): KubeObject {
    if (options.applied) return next;
    const subresource = options.managedSubresource ?? options.subresource;
    return updateManagedFields(previous, next, {
      schema: this.served.schema.type, manager: options.fieldManager || managerOf(context.userAgent), apiVersion: apiVersionOf(this.resource),
      time: rfc3339(this.#environment.clock.now()), ...(subresource && { subresource }),
    });
  }

  get #hasStatus(): boolean {
    return subresourceOf(this.served, 'status') !== undefined;
  }

  get #countsGenerations(): boolean {
    return this.served.definition.generation ?? (this.#hasStatus && this.served.schema.type.fields.has('spec'));
  }

  #withDefaults(object: KubeObject): KubeObject {
    const filled = this.served.schema.defaults(object);
    return this.served.definition.defaults?.(filled) ?? filled;
  }

  #stored(object: KubeObject, revision: number): KubeObject {
    const stored = withResourceVersion(object, String(revision));
    return this.#environment.freeze ? deepFreeze(stored) : stored;
  }

  #refuse(object: KubeObject, errors: readonly FieldError[]): void {
    if (errors.length > 0) throw invalid(this.resource, object.metadata.name ?? '', errors);
  }

  #metadataErrors(object: KubeObject): readonly FieldError[] {
    const { custom, definition } = this.served;
    return validateObjectMeta(object.metadata, {
      namespaced: this.resource.namespaced, ...(definition.nameRule && { nameRule: definition.nameRule }), ...(custom && { shortFinalizers: true }),
    });
  }

  #attributes(operation: AdmissionOperation, context: RequestContext, object: KubeObject, options: StoreWriteOptions, subresource = '') {
    const { dryRun = false, fieldManager, fieldValidation } = options;
    return {
      operation, resource: this.resource, subresource, namespace: object.metadata.namespace ?? '', name: object.metadata.name ?? '', dryRun, context,
      options: { ...(dryRun && { dryRun: ['All'] }), ...(fieldManager && { fieldManager }), ...(fieldValidation && { fieldValidation }) },
    };
  }

  #keyOf({ namespace, name }: ObjectKey): string {
    if (!this.resource.namespaced) return this.#prefix + name;
    if (!namespace) throw badRequest('namespace is required');
    return `${this.#prefix}${namespace}/${name}`;
  }

  #prefixOf(namespace: string | undefined): string {
    return namespace && this.resource.namespaced ? `${this.#prefix}${namespace}/` : this.#prefix;
  }

  #present(key: ObjectKey): Entry<KubeObject> {
    const entry = this.#environment.engine.get(this.#keyOf(key));
    if (!entry) throw notFound(this.resource, key.name);
    return entry;
  }

  #listOf(items: readonly KubeObject[], metadata: ObjectList<KubeObject>['metadata']): ObjectList<KubeObject> {
    return { apiVersion: apiVersionOf(this.resource), kind: this.served.listKind, metadata, items };
  }

  /** Where a list begins. Upstream: apiserver pkg/storage.ValidateListOptions. */
  #listPosition(options: ListOptions, prefix: string): { revision: number | undefined; after: string | undefined } {
    const asked = parseRevision(options.resourceVersion);
    if (options.continue) {
      if (asked !== 0) throw badRequest('specifying resource version is not allowed when using continue');
      const token = decodeContinue(options.continue);
      return { revision: token.revision < 0 ? undefined : token.revision, after: prefix + token.start.replace(/\0$/, '') };
    }
    if (options.resourceVersionMatch === 'Exact') return { revision: asked, after: undefined };
    this.#checkNotFuture(asked);
    return { revision: undefined, after: undefined };
  }

  #range(prefix: string, range: { revision?: number; after?: string; limit?: number }, options: ListOptions): Range<KubeObject> {
    try {
      return this.#environment.engine.range(prefix, range);
    } catch (error) {
      if (error instanceof FutureRevisionError) throw tooLarge(range.revision!, this.#environment.engine.revision);
      if (!(error instanceof CompactedError)) throw error;
      if (!options.continue) throw expired('The resourceVersion for the provided list is too old.');
      const { start } = decodeContinue(options.continue);
      const fault = expired('The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.');
      throw new StatusError({ ...fault.status, metadata: { continue: encodeContinue({ revision: -1, start }) } });
    }
  }

  #checkNotFuture(asked: number): void {
    const { revision } = this.#environment.engine;
    if (asked > revision) throw tooLarge(asked, revision);
  }
}

/** Upstream: apiserver pkg/storage.NewTooLargeResourceVersionError. */
function tooLarge(asked: number, current: number): StatusError {
  return statusError(504, 'Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }], retryAfterSeconds: 1,
  });
}

/** What no update changes. Upstream: apiserver pkg/registry/rest.BeforeUpdate. */
function keepMetadata(proposed: KubeObject, previous: KubeObject): KubeObject['metadata'] {
  const next = without(metaOf(proposed) as KubeObject['metadata'] & { readonly selfLink?: string }, 'selfLink');
  const { name, namespace, uid, resourceVersion, creationTimestamp, generation, deletionTimestamp, deletionGracePeriodSeconds } = previous.metadata;
  const metadata: Record<string, unknown> = {
    ...next, name, ...(namespace && { namespace }), uid, resourceVersion, creationTimestamp,
    generation, deletionTimestamp, deletionGracePeriodSeconds,
  };
  for (const key of ['generation', 'deletionTimestamp', 'deletionGracePeriodSeconds']) if (metadata[key] === undefined) delete metadata[key];
  return metadata as unknown as KubeObject['metadata'];
}

/** Whether anything but metadata and status differs. */
function contentDiffers(next: KubeObject, previous: KubeObject): boolean {
  const left = next as unknown as Readonly<Record<string, unknown>>;
  const right = previous as unknown as Readonly<Record<string, unknown>>;
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
    if (key !== 'metadata' && key !== 'status' && !isSame(left[key], right[key])) return true;
  }
  return false;
}
