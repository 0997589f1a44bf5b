import { alreadyExists, badRequest, conflict, fieldError, invalid, isReason, notFound, StatusError, statusError, type FieldError } from '../../api/errors.ts';
import { apiVersionOf, type KubeObject, type ObjectKey, type ObjectList, type ResourceType } from '../../api/object.ts';
import { rfc3339 } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import type { DeleteOptions, ListOptions, WatchOptions } from '../../client/client.ts';
import { shareUnchanged } from '../../client/share-unchanged.ts';
import type { Entry } from '../../storage/engine.ts';
import { RevisionMismatchError } from '../../storage/errors.ts';
import type { AdmissionOperation } from '../admission/admission.ts';
import type { HookedWrite, WriteHook } from '../allocation/write-hook.ts';
import { managerOf, updateManagedFields } from '../apply/managed-fields.ts';
import { compareInVersions, otherVersionsOf, type VersionLookup } from '../apply/other-versions.ts';
import type { WriteRecorder } from '../ledger/write-recorder.ts';
import type { RequestContext } from '../request.ts';
import type { UpdateSubresource } from '../subresources/update-subresource.ts';
import type { AdmissionChain } from './admission-chain.ts';
import { deepEqual, deepFreeze } from './deep-equal.ts';
import { decideDeletion, endsDeletion } from './deletion.ts';
import { EventQueue } from './event-queue.ts';
import { metadataForCreate, metaOf, namespaceFor, withHead, withResourceVersion } from './fill-metadata.ts';
import { ResourceReads, type ReadEnvironment } from './resource-reads.ts';
import { parseRevision } from './resource-watch.ts';
import type { WatchSink } from './watch-sink.ts';
import type { ServedResource } from './served-resource.ts';
import type { StoredForm } from './stored-form.ts';
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
  /** Whether the value of a key, written under a revision, would be encrypted otherwise now. */
  isWrittenOtherwise?(key: string, revision: number): boolean;
  /** Absent: no ledger is kept. */
  readonly recorder?: WriteRecorder | undefined;
  /** Freeze what is stored at every depth, so that a test sees who changes it. */
  readonly freeze: boolean;
}

/** What a store of a kind with several versions goes by. */
export interface Versions {
  /** How the objects are stored; absent: as they are shown. */
  readonly form?: StoredForm;
  /** The versions of the kind, for the managers that wrote in another. */
  readonly lookup: VersionLookup;
}

/** How often a generated name that is taken is drawn again. Upstream: RetryGenerateName. */
const NAME_ATTEMPTS = 8;

/** The verbs on one resource in one version. See `Store`. */
export class ResourceStore implements WatchableStore {
  readonly resource: ResourceType<KubeObject>;
  readonly served: ServedResource;
  readonly #environment: StoreEnvironment;
  readonly #reads: ResourceReads;
  readonly #strategy: WriteStrategy;
  readonly #hook: WriteHook | undefined;
  readonly #form: StoredForm | undefined;
  readonly versions: VersionLookup | undefined;

  constructor(served: ServedResource, environment: StoreEnvironment, { form, lookup }: Partial<Versions> = {}) {
    this.served = served;
    this.resource = served.resource;
    this.#environment = environment;
    this.#form = form;
    this.versions = lookup;
    this.#reads = new ResourceReads(served, environment, form);
    this.#strategy = new WriteStrategy(served);
    this.#hook = environment.hookOf(served.resource);
  }

  get(_context: RequestContext, key: ObjectKey, options?: { readonly resourceVersion?: string }): KubeObject | Promise<KubeObject> {
    return this.#reads.get(key, options);
  }

  list(_context: RequestContext, options: ListOptions): ObjectList<KubeObject> | Promise<ObjectList<KubeObject>> {
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
    const filled = withHead(given, resource.kind, apiVersionOf(resource), metadata);
    let object = await this.#managed(undefined, this.#strategy.withDefaults(filled), context, options);
    const attributes = this.#attributes('CREATE', context, object, options);
    const admitted = await admission.mutate({ ...attributes, object });
    if (admitted && admitted !== object) object = this.#strategy.withDefaults(admitted, object);
    object = this.#strategy.prepareForCreate(object, { nowMs: clock.now(), user: context.user });
    const dryRun = options.dryRun ?? false;
    const hooked = await this.#hook?.beforeCreate?.(object, { dryRun, context });
    return await this.#finish(hooked, dryRun, object, async (final) => {
      this.#refuse(final, this.#strategy.createErrors(final));
      for (const text of definition.warnings?.(final) ?? []) context.warn(text);
      await admission.validate({ ...attributes, object: final });
      const key = this.#reads.keyOf(final.metadata);
      if (dryRun) {
        const present = engine.get(key);
        if (present) throw alreadyExists(resource, final.metadata.name, present.value.metadata.deletionTimestamp !== undefined);
        return final;
      }
      // Last, as storage does there: whoever may not write hears that first.
      if (metaOf(given).resourceVersion) {
        throw new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: 'resourceVersion should not be set on objects to be created', code: 500 });
      }
      const stored = this.#form ? await this.#form.stored(final) : final;
      try {
        const { value, modRevision } = await engine.put(key, (revision) => this.#stored(stored, revision), { ifRevision: 0 });
        recorder?.record(context, { resource: this.#recorded, verb: 'create', object: value, revision: modRevision, began, fieldManager: options.fieldManager });
        return this.#reads.shown(value);
      } catch (error) {
        if (error instanceof RevisionMismatchError) throw alreadyExists(resource, final.metadata.name, engine.get(key)?.value.metadata.deletionTimestamp !== undefined);
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
      const current = entry && await this.#reads.shown(entry.value);
      const proposed = await change(current);
      if (!entry) {
        if (metaOf(proposed).resourceVersion) throw notFound(resource, key.name);
        if (options.subresource) throw notFound(resource, key.name);
        return { object: await this.#createOnce(context, key.namespace ?? '', proposed, options), created: true };
      }
      try {
        return { object: await this.#updateOnce(context, entry, current!, proposed, options), created: false };
      } catch (error) {
        if (!(error instanceof RevisionMismatchError)) throw error;
        entry = error.present as Entry<KubeObject> | undefined;
      }
    }
  }

  /** `previous` is what `entry` holds, as this version shows it. */
  async #updateOnce(context: RequestContext, entry: Entry<KubeObject>, previous: KubeObject, proposed: KubeObject, options: StoreUpdateOptions): Promise<KubeObject> {
    const { admission, clock, engine, recorder } = this.#environment;
    const began = recorder?.begin() ?? 0;
    const { definition } = this.served;
    this.#checkBasis(proposed, previous);
    const part = this.#partOf(options.subresource);
    const strategy = { nowMs: clock.now(), user: context.user };
    let object = this.#strategy.withDefaults(withHead(proposed, previous.kind, previous.apiVersion, keepMetadata(proposed, previous)));
    object = await this.#managed(previous, this.#strategy.prepareForUpdate(object, previous, part, strategy), context, options);
    const attributes = this.#attributes('UPDATE', context, object, options, options.subresource);
    const admitted = await admission.mutate({ ...attributes, object, oldObject: previous });
    if (admitted && admitted !== object) object = this.#strategy.prepareForUpdate(this.#strategy.withDefaults(admitted, object), previous, part, strategy);
    const dryRun = options.dryRun ?? false;
    const hooked = part ? undefined : await this.#hook?.beforeUpdate?.(object, previous, { dryRun, context });
    return await this.#finish(hooked, dryRun, object, async (final) => {
      this.#refuse(final, this.#strategy.updateErrors(final, previous, part));
      if (!part) for (const text of definition.warnings?.(final, previous) ?? []) context.warn(text);
      await admission.validate({ ...attributes, object: final, oldObject: previous });
      if (endsDeletion(definition, final, previous)) return await this.#remove(context, entry, final, dryRun);
      if (dryRun) return deepEqual(final, previous) ? previous : final;
      // What is stored decides: a write that changes nothing still brings an object that is stored in another version into the one that is stored now.
      // Whoever caches the object then shares these parts as well, and so does the history.
      const stored = shareUnchanged(entry.value, this.#form ? await this.#form.stored(final) : final);
      if (deepEqual(stored, entry.value) && !this.#environment.isWrittenOtherwise?.(entry.key, entry.modRevision)) return previous;
      const { value, modRevision } = await engine.put(entry.key, (revision) => this.#stored(stored, revision), { ifRevision: entry.modRevision });
      const subresource = options.managedSubresource ?? options.subresource;
      recorder?.record(context, {
        resource: this.#recorded, verb: 'update', subresource, previous: entry.value, object: value, revision: modRevision, began, fieldManager: options.fieldManager,
      });
      return this.#reads.shown(value);
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
    if (resource.namespaced && namespace && namespace !== previous.metadata.namespace) throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
    if (uid && uid !== previous.metadata.uid) {
      throw conflict(resource, previous.metadata.name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${previous.metadata.uid}`);
    }
    if (!resourceVersion) {
      if (this.served.definition.unconditionalUpdate === false) {
        throw invalid({ group: resource.group, kind: resource.resource }, previous.metadata.name, [fieldError.invalid('metadata.resourceVersion', 0, 'must be specified for an update')]);
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
    let present = await this.#reads.shown(entry.value);
    const attributes = { ...this.#attributes('DELETE', context, present, { dryRun }), options: sent, oldObject: present };
    await admission.mutate(attributes);
    await admission.validate(attributes);
    for (;;) {
      if (!entry) throw notFound(resource, key.name);
      const { key: storageKey, value, modRevision } = entry;
      const deletion = decideDeletion(resource, served.definition, present, options, clock.now());
      if (deletion.kind === 'pending') return { object: present, immediate: false };
      try {
        if (deletion.kind === 'remove') return { object: await this.#remove(context, entry, present, dryRun), immediate: true };
        if (dryRun) return { object: deletion.object, immediate: false };
        const stored = this.#form ? await this.#form.stored(deletion.object) : deletion.object;
        const written = await engine.put(storageKey, (revision) => this.#stored(stored, revision), { ifRevision: modRevision });
        recorder?.record(context, { resource: this.#recorded, verb: 'mark', previous: value, object: written.value, revision: written.modRevision, began });
        return { object: await this.#reads.shown(written.value), immediate: false };
      } catch (error) {
        if (!(error instanceof RevisionMismatchError)) throw error;
        entry = error.present as Entry<KubeObject> | undefined;
        if (entry) present = await this.#reads.shown(entry.value);
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
    recorder?.record(context, { resource: this.#recorded, verb: 'delete', previous: entry.value, object: last, revision: deleted.revision, began });
    await this.#hook?.afterDelete?.(last);
    return withResourceVersion(last, String(deleted.revision));
  }

  async deleteCollection(context: RequestContext, list: ListOptions, options: DeleteOptions = {}): Promise<ObjectList<KubeObject>> {
    const found = await this.list(context, list);
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
  #managed(previous: KubeObject | undefined, next: KubeObject, context: RequestContext, options: StoreUpdateOptions): KubeObject | Promise<KubeObject> {
    if (options.applied) return next;
    const subresource = options.managedSubresource ?? options.subresource;
    const apiVersion = apiVersionOf(this.resource);
    const write = {
      schema: this.served.schema.type, manager: options.fieldManager || managerOf(context.userAgent), apiVersion,
      time: rfc3339(this.#environment.clock.now()), ...(subresource && { subresource }),
    };
    const { versions } = this;
    const others = versions ? otherVersionsOf([previous, next], apiVersion) : [];
    if (!versions || others.length === 0) return updateManagedFields(previous, next, write);
    return compareInVersions(others, write, previous, next, versions).then((otherVersions) => updateManagedFields(previous, next, { ...write, otherVersions }));
  }

  /** The ledger tells of what is stored. */
  get #recorded(): ResourceType<KubeObject> {
    return this.#form?.resource ?? this.resource;
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
