import { alreadyExists, badRequest, conflict, fieldError, invalid, isReason, notFound, StatusError, statusError, type FieldError } from '../../api/errors.ts';
import { apiVersionOf, type KubeObject, type ObjectKey, type ObjectList, type ResourceType } from '../../api/object.ts';
import { rfc3339 } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import type { DeleteOptions, ListOptions, WatchOptions } from '../../client/client.ts';
import type { Entry } from '../../storage/engine.ts';
import { RevisionMismatchError } from '../../storage/errors.ts';
import type { AdmissionOperation } from '../admission/admission.ts';
import type { HookedWrite, WriteHook } from '../allocation/write-hook.ts';
import { managerOf, updateManagedFields } from '../apply/managed-fields.ts';
import type { WriteRecorder } from '../ledger/write-recorder.ts';
import type { RequestContext } from '../request.ts';
import type { UpdateSubresource } from '../subresources/update-subresource.ts';
import type { AdmissionChain } from './admission-chain.ts';
import { deepEqual, deepFreeze } from './deep-equal.ts';
import { decideDeletion, endsDeletion } from './deletion.ts';
import { EventQueue } from './event-queue.ts';
import { metadataForCreate, metaOf, namespaceFor, withResourceVersion } from './fill-metadata.ts';
import { ResourceReads, type ReadEnvironment } from './resource-reads.ts';
import { parseRevision, type WatchSink } from './resource-watch.ts';
import type { ServedResource } from './served-resource.ts';
import type { StoreUpdateOptions, StoreWriteOptions, WatchableStore } from './store.ts';
import { keepMetadata, WriteStrategy, type WrittenPart } from './write-strategy.ts';

/** What all stores share. */
export interface StoreEnvironment extends ReadEnvironment {
  readonly admission: AdmissionChain;
  readonly random: Random;
  /** What has to happen around the storing of some resources' objects. */
  hookOf(resource: ResourceType<unknown>): WriteHook | undefined;
  /** The strategy of a subresource that shows a part of the object, `status` aside. */
  updateSubresourceOf(resource: ResourceType<unknown>, subresource: string): UpdateSubresource | undefined;
  /** Absent: no ledger is kept. */
  readonly recorder?: WriteRecorder | undefined;
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
  readonly #reads: ResourceReads;
  readonly #strategy: WriteStrategy;
  readonly #hook: WriteHook | undefined;

  constructor(served: ServedResource, environment: StoreEnvironment) {
    this.served = served;
    this.resource = served.resource;
    this.#environment = environment;
    this.#reads = new ResourceReads(served, environment);
    this.#strategy = new WriteStrategy(served);
    this.#hook = environment.hookOf(served.resource);
  }

  get(_context: RequestContext, key: ObjectKey, options?: { readonly resourceVersion?: string }): KubeObject {
    return this.#reads.get(key, options);
  }

  list(_context: RequestContext, options: ListOptions): ObjectList<KubeObject> {
    return this.#reads.list(options);
  }

  /** Subscribed when this returns: no event after it is missed. */
  watch(context: RequestContext, options: WatchOptions): EventQueue<KubeObject> {
    const queue = new EventQueue<KubeObject>();
    queue.follow(options.signal ? AbortSignal.any([options.signal, context.signal]) : context.signal, (sink) => this.openWatch(options, sink));
    return queue;
  }

  openWatch(options: WatchOptions, sink: WatchSink): Disposable {
    return this.#reads.openWatch(options, sink);
  }

  endWatches(): void {
    this.#reads.endWatches();
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
    const { clock, random, admission, engine, recorder } = this.#environment;
    const began = recorder?.begin() ?? 0;
    const { resource, served } = this;
    const { definition } = served;
    const metadata = metadataForCreate(given, namespaceFor(resource, namespace, given), clock.now(), random);
    const filled = { ...given, apiVersion: apiVersionOf(resource), kind: resource.kind, metadata } as KubeObject;
    let object = this.#managed(undefined, this.#strategy.withDefaults(filled), context, options);
    const attributes = this.#attributes('CREATE', context, object, options);
    const admitted = await admission.mutate({ ...attributes, object });
    if (admitted && admitted !== object) object = this.#strategy.withDefaults(admitted);
    object = this.#strategy.prepareForCreate(object, { nowMs: clock.now(), user: context.user });
    const dryRun = options.dryRun ?? false;
    const hooked = await this.#hook?.beforeCreate?.(object, { dryRun, context });
    return await this.#finish(hooked, dryRun, object, async (final) => {
      this.#refuse(final, this.#strategy.createErrors(final));
      for (const text of definition.warnings?.(final) ?? []) context.warn(text);
      await admission.validate({ ...attributes, object: final });
      const key = this.#reads.keyOf(final.metadata);
      if (dryRun) {
        if (engine.get(key)) throw alreadyExists(resource, final.metadata.name);
        return final;
      }
      try {
        const { value, modRevision } = await engine.put(key, (revision) => this.#stored(final, revision), { ifRevision: 0 });
        recorder?.record(context, { resource, verb: 'create', object: value, revision: modRevision, began, fieldManager: options.fieldManager });
        return value;
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

  async update(
    context: RequestContext, key: ObjectKey, change: (current: KubeObject | undefined) => KubeObject | Promise<KubeObject>,
    options: StoreUpdateOptions = {},
  ): Promise<{ readonly object: KubeObject; readonly created: boolean }> {
    const { engine } = this.#environment;
    const { resource, served } = this;
    let entry = engine.get(this.#reads.keyOf(key));
    for (;;) {
      if (!entry && !options.applied && (!served.definition.createOnUpdate || options.subresource)) throw notFound(resource, key.name);
      const proposed = await change(entry && this.#ours(entry.value));
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

  /** A stored object under the version of this store: it may still be stored under the one that its definition had before. */
  #ours(value: KubeObject): KubeObject {
    const apiVersion = apiVersionOf(this.resource);
    return value.apiVersion === apiVersion ? value : { ...value, apiVersion };
  }

  async #updateOnce(context: RequestContext, entry: Entry<KubeObject>, proposed: KubeObject, options: StoreUpdateOptions): Promise<KubeObject> {
    const { admission, clock, engine, recorder } = this.#environment;
    const began = recorder?.begin() ?? 0;
    const { definition } = this.served;
    const previous = this.#ours(entry.value);
    this.#checkBasis(proposed, previous);
    const part = this.#partOf(options.subresource);
    const strategy = { nowMs: clock.now(), user: context.user };
    let object = this.#strategy.withDefaults({ ...proposed, apiVersion: previous.apiVersion, kind: previous.kind, metadata: keepMetadata(proposed, previous) } as KubeObject);
    object = this.#managed(previous, this.#strategy.prepareForUpdate(object, previous, part, strategy), context, options);
    const attributes = this.#attributes('UPDATE', context, object, options, options.subresource);
    const admitted = await admission.mutate({ ...attributes, object, oldObject: previous });
    if (admitted && admitted !== object) object = this.#strategy.prepareForUpdate(this.#strategy.withDefaults(admitted), previous, part, strategy);
    const dryRun = options.dryRun ?? false;
    const hooked = part ? undefined : await this.#hook?.beforeUpdate?.(object, previous, { dryRun, context });
    return await this.#finish(hooked, dryRun, object, async (final) => {
      this.#refuse(final, this.#strategy.updateErrors(final, previous, part));
      if (!part) for (const text of definition.warnings?.(final, previous) ?? []) context.warn(text);
      await admission.validate({ ...attributes, object: final, oldObject: previous });
      if (endsDeletion(definition, final, previous)) return await this.#remove(context, entry, final, dryRun);
      if (deepEqual(final, previous)) return previous;
      if (dryRun) return final;
      const { value, modRevision } = await engine.put(entry.key, (revision) => this.#stored(final, revision), { ifRevision: entry.modRevision });
      const { resource } = this;
      const subresource = options.managedSubresource ?? options.subresource;
      recorder?.record(context, { resource, verb: 'update', subresource, previous, object: value, revision: modRevision, began, fieldManager: options.fieldManager });
      return value;
    });
  }

  /** How an update through a subresource goes; undefined for the object itself. Throws 404 for subresources without an update. */
  #partOf(subresource: string | undefined): WrittenPart {
    if (!subresource) return undefined;
    const part = this.#environment.updateSubresourceOf(this.resource, subresource) ?? (subresource === 'status' && this.#strategy.hasStatus ? 'status' : undefined);
    if (!part) throw statusError(404, 'NotFound', 'the server could not find the requested resource', {});
    return part;
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

  async delete(context: RequestContext, key: ObjectKey, options: DeleteOptions = {}): Promise<{ readonly object: KubeObject; readonly immediate: boolean }> {
    const { admission, clock, engine, recorder } = this.#environment;
    const began = recorder?.begin() ?? 0;
    const { resource, served } = this;
    let entry: Entry<KubeObject> | undefined = this.#reads.entry(key);
    const { dryRun = false, ...sent } = options;
    if (served.definition.deletionWarning && options.propagationPolicy === undefined) context.warn(served.definition.deletionWarning);
    const attributes = { ...this.#attributes('DELETE', context, entry.value, { dryRun }), options: sent };
    await admission.mutate({ ...attributes, oldObject: entry.value });
    await admission.validate({ ...attributes, oldObject: entry.value });
    for (;;) {
      if (!entry) throw notFound(resource, key.name);
      const { key: storageKey, value: present, modRevision } = entry;
      const deletion = decideDeletion(resource, served.definition, present, options, clock.now());
      if (deletion.kind === 'pending') return { object: present, immediate: false };
      try {
        if (deletion.kind === 'remove') return { object: await this.#remove(context, entry, present, dryRun), immediate: true };
        if (dryRun) return { object: deletion.object, immediate: false };
        const written = await engine.put(storageKey, (revision) => this.#stored(deletion.object, revision), { ifRevision: modRevision });
        recorder?.record(context, { resource, verb: 'mark', previous: present, object: written.value, revision: written.modRevision, began });
        return { object: written.value, immediate: false };
      } catch (error) {
        if (!(error instanceof RevisionMismatchError)) throw error;
        entry = error.present as Entry<KubeObject> | undefined;
      }
    }
  }

  /** Deletes exactly the state that was decided on; the last state under the deletion's revision comes back. */
  async #remove(context: RequestContext, entry: Entry<KubeObject>, last: KubeObject, dryRun: boolean): Promise<KubeObject> {
    if (dryRun) return last;
    const { engine, recorder } = this.#environment;
    const began = recorder?.begin() ?? 0;
    const deleted = await engine.delete(entry.key, { ifRevision: entry.modRevision });
    if (!deleted) return last;
    recorder?.record(context, { resource: this.resource, verb: 'delete', previous: entry.value, object: last, revision: deleted.revision, began });
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

  #stored(object: KubeObject, revision: number): KubeObject {
    const stored = withResourceVersion(object, String(revision));
    return this.#environment.freeze ? deepFreeze(stored) : stored;
  }

  #refuse(object: KubeObject, errors: readonly FieldError[]): void {
    if (errors.length > 0) throw invalid(this.resource, object.metadata.name ?? '', errors);
  }

  #attributes(operation: AdmissionOperation, context: RequestContext, object: KubeObject, options: StoreWriteOptions, subresource = '') {
    const { dryRun = false, fieldManager, fieldValidation } = options;
    return {
      operation, resource: this.resource, subresource, namespace: object.metadata.namespace ?? '', name: object.metadata.name ?? '', dryRun, context,
      options: { ...(dryRun && { dryRun: ['All'] }), ...(fieldManager && { fieldManager }), ...(fieldValidation && { fieldValidation }) },
    };
  }

}
