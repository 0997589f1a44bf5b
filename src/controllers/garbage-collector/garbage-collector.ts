import type { OwnerReference } from '../../api/generated/meta-v1.ts';
import { customResourceDefinitions } from '../../api/generated/resources.ts';
import { isReason } from '../../api/errors.ts';
import { keyOf, type KubeObject } from '../../api/object.ts';
import { parseApiVersion } from '../../api/resources.ts';
import type { Informer } from '../../client/informer.ts';
import type { ReconcileResult } from '../../client/reconciler.ts';
import { startLoop } from '../control-loop.ts';
import type { Controller } from '../controller.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { customResource, storedResources, type StoredResource } from '../served-resources.ts';
import { blocking, FOREGROUND, isDeletingInForeground, isOrphaning, ORPHAN, ownerState, verdict, type FoundOwner } from './owner-verdict.ts';

const BY_OWNER = 'owner';
/** Kinds that own nothing, are owned by nothing, and come in numbers. */
const IGNORED = new Set(['events.']);
/** So many objects that went are remembered: of their dependents it need not be asked whether they name an owner of another namespace. */
const GONE = 10_000;
/** An owner that the server knows and the cache does not: the cache will catch up, but nothing tells when. */
const LAGGING_OWNER_MS = 1000;

interface Watched {
  readonly resource: StoredResource;
  readonly informer: Informer<KubeObject>;
}

/**
 * Deletes what nobody owns any more. The graph of owners is not kept beside the caches: it is an index in each of them,
 * from the uid of an owner to its dependents. A key is `resource.group|namespace/name`.
 * Upstream: pkg/controller/garbagecollector.
 */
export const garbageCollectorController: Controller = {
  name: 'garbage-collector-controller',
  start(context) {
    const { client, informers, recorder, log } = context;
    const definitions = informers.informer(customResourceDefinitions);
    const watched = new Map<string, Watched>();
    const byKind = new Map<string, Watched>();
    const gone = new Set<string>();

    async function reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
      const bar = key.indexOf('|');
      const entry = watched.get(key.slice(0, bar));
      const object = entry?.informer.get(key.slice(bar + 1));
      if (!entry || !object) return;
      // Custom resources are not waited for: one that cannot be listed must not stop all.
      for (const { informer } of builtIn) if (!informer.synced) await informer.untilSynced(signal);
      if (isOrphaning(object)) return await orphanDependents(entry, object);
      if (isDeletingInForeground(object)) return await deleteDependents(entry, object);
      if (object.metadata.deletionTimestamp) return;
      return await judge(entry, object);
    }

    /** Deletes the object if its owners are gone. What the caches say is believed only as far as it keeps the object. */
    async function judge({ resource }: Watched, object: KubeObject): Promise<ReconcileResult> {
      const references = object.metadata.ownerReferences ?? [];
      let lagging = false;
      const owners: FoundOwner[] = [];
      for (const reference of references) {
        const cached = cachedOwner(object, reference);
        if (cached === 'invalid') return noteInvalid(object, reference);
        if (!cached && livesElsewhere(object, reference)) noteInvalid(object, reference);
        let state = ownerState(cached, reference);
        if (state === 'absent') {
          state = ownerState(await liveOwner(object, reference), reference);
          lagging ||= state !== 'absent';
        }
        owners.push({ reference, state });
      }
      const decided = verdict(object, owners, owners.some(({ state }) => state === 'waiting') ? dependentsOf(object) : []);
      const { namespace, name, uid } = object.metadata;
      switch (decided.action) {
        case 'keep':
          break;
        case 'drop':
          await writeReferences(resource, object, references.filter((reference) => !decided.references.includes(reference)));
          break;
        case 'delete': {
          // The object itself may have another owner by now, or be another object.
          const fresh = await client.get(resource, { namespace, name });
          if (fresh.metadata.uid !== uid || !semanticEqual(fresh.metadata.ownerReferences, references)) return { requeueAfterMs: LAGGING_OWNER_MS };
          if (decided.unblock) await writeReferences(resource, fresh, references.map((reference) => ({ ...reference, blockOwnerDeletion: false })));
          log.debug('deleting an object without owners', { resource: resource.resource, object: keyOf(object) });
          await client.delete(resource, { namespace, name }, { propagationPolicy: decided.propagationPolicy, preconditions: { uid } });
        }
      }
      if (lagging) return { requeueAfterMs: LAGGING_OWNER_MS };
    }

    /** Foreground: the dependents go first, and the object when none blocks it any more. */
    async function deleteDependents({ resource }: Watched, owner: KubeObject): Promise<void> {
      const dependents = dependentsOf(owner);
      if (blocking(owner, dependents).length === 0) return await removeFinalizer(resource, owner, FOREGROUND);
      for (const dependent of dependents) if (!isDeletingInForeground(dependent)) enqueue(dependent);
    }

    async function orphanDependents({ resource }: Watched, owner: KubeObject): Promise<void> {
      for (const { resource: kind, object: dependent } of eachDependent(owner)) {
        await writeReferences(kind, dependent, (dependent.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== owner.metadata.uid));
      }
      await removeFinalizer(resource, owner, ORPHAN);
    }

    function* eachDependent(owner: KubeObject): Iterable<{ resource: StoredResource; object: KubeObject }> {
      for (const { resource, informer } of watched.values()) {
        for (const object of informer.byIndex(BY_OWNER, owner.metadata.uid)) yield { resource, object };
      }
    }

    function dependentsOf(owner: KubeObject): readonly KubeObject[] {
      return [...eachDependent(owner)].map(({ object }) => object);
    }

    /** A merge patch, since custom resources know no other; the version guards against references added meanwhile. */
    async function writeReferences(resource: StoredResource, object: KubeObject, ownerReferences: readonly OwnerReference[]): Promise<void> {
      const { namespace, name, uid, resourceVersion } = object.metadata;
      await quietly(() => client.patch(resource, { namespace, name }, {
        type: 'application/merge-patch+json', body: { metadata: { uid, resourceVersion, ownerReferences: ownerReferences.length > 0 ? ownerReferences : null } },
      }));
    }

    async function removeFinalizer(resource: StoredResource, object: KubeObject, finalizer: string): Promise<void> {
      const { namespace, name, uid, resourceVersion } = object.metadata;
      const finalizers = object.metadata.finalizers?.filter((other) => other !== finalizer);
      await quietly(() => client.patch(resource, { namespace, name }, {
        type: 'application/merge-patch+json', body: { metadata: { uid, resourceVersion, finalizers: finalizers?.length ? finalizers : null } },
      }));
    }

    async function quietly(write: () => Promise<unknown>): Promise<void> {
      try {
        await write();
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
      }
    }

    function watchedKind({ apiVersion, kind }: OwnerReference): Watched | undefined {
      const { group } = parseApiVersion(apiVersion);
      return byKind.get(`${group}/${kind}`);
    }

    /** A namespaced owner lives in its dependent's namespace; a cluster-scoped object cannot have one. */
    function cachedOwner(object: KubeObject, reference: OwnerReference): KubeObject | undefined | 'invalid' {
      const kind = watchedKind(reference);
      if (!kind) return undefined;
      const { namespace } = object.metadata;
      if (kind.resource.namespaced && !namespace) return 'invalid';
      return kind.informer.get(keyOf({ metadata: { name: reference.name, ...(kind.resource.namespaced && { namespace }) } }));
    }

    /** The owner is there, but in another namespace, where it can own nothing of this one. */
    function livesElsewhere(object: KubeObject, reference: OwnerReference): boolean {
      const kind = watchedKind(reference);
      return kind !== undefined && kind.resource.namespaced && !gone.has(reference.uid) &&
        kind.informer.list().some(({ metadata: { uid, namespace } }) => uid === reference.uid && namespace !== object.metadata.namespace);
    }

    async function liveOwner(object: KubeObject, reference: OwnerReference): Promise<KubeObject | undefined> {
      const kind = watchedKind(reference);
      // A kind that nobody serves (not yet, or for a while) is no proof that its objects are gone.
      if (!kind) throw new Error(`the owner of ${keyOf(object)} is of a kind that is not served: ${reference.apiVersion} ${reference.kind}`);
      try {
        return await client.get(kind.resource, { name: reference.name, ...(kind.resource.namespaced && { namespace: object.metadata.namespace }) });
      } catch (error) {
        if (isReason(error, 'NotFound')) return undefined;
        throw error;
      }
    }

    function noteInvalid(object: KubeObject, { apiVersion, kind, name, uid }: OwnerReference): void {
      const { namespace = '' } = object.metadata;
      recorder.event(object, 'Warning', 'OwnerRefInvalidNamespace', `ownerRef [${apiVersion}/${kind}, namespace: ${namespace}, name: ${name}, uid: ${uid}] does not exist in namespace "${namespace}"`);
    }

    function enqueue(object: KubeObject): void {
      const kind = byKind.get(`${parseApiVersion(object.apiVersion).group}/${object.kind}`);
      if (kind) loop.enqueue(`${nameOf(kind.resource)}|${keyOf(object)}`);
    }

    function enqueueOwners(object: KubeObject): void {
      for (const reference of object.metadata.ownerReferences ?? []) {
        const owner = cachedOwner(object, reference);
        if (owner && owner !== 'invalid' && isDeletingInForeground(owner)) enqueue(owner);
      }
    }

    function watch(resource: StoredResource): void {
      const name = nameOf(resource);
      if (watched.has(name) || IGNORED.has(name)) return;
      const informer = informers.informer<KubeObject>(resource);
      informer.addIndex(BY_OWNER, (object) => object.metadata.ownerReferences?.map((reference) => reference.uid) ?? []);
      watched.set(name, { resource, informer });
      byKind.set(`${resource.group}/${resource.kind}`, { resource, informer });
      const changed = (object: KubeObject): void => {
        if (concerns(object)) loop.enqueue(`${name}|${keyOf(object)}`);
      };
      loop.own(informer.subscribe({
        add: changed,
        update(before, object) {
          if (sameForUs(before, object)) return;
          changed(object);
          enqueueOwners(before);
        },
        delete(object) {
          gone.add(object.metadata.uid);
          if (gone.size > GONE) gone.delete(gone.values().next().value!);
          for (const dependent of dependentsOf(object)) enqueue(dependent);
          enqueueOwners(object);
        },
      }));
    }

    function unwatch(resource: StoredResource): void {
      watched.delete(nameOf(resource));
      byKind.delete(`${resource.group}/${resource.kind}`);
      informers.forget(resource);
    }

    const loop = startLoop(context, { name: 'garbage-collector-controller', queue: 'garbage_collector_attempt_to_delete', needs: [definitions], workers: 20, reconcile });
    for (const resource of storedResources([], 'delete', 'list', 'watch')) watch(resource);
    const builtIn = [...watched.values()];
    const watchCustom = (): void => storedResources(definitions.list(), 'delete', 'list', 'watch').forEach(watch);
    loop.own(definitions.subscribe({
      add: watchCustom,
      update: watchCustom,
      delete: (definition) => customResource(definition).forEach(unwatch),
    }));
    return loop;
  },
};

const nameOf = (resource: StoredResource): string => `${resource.resource}.${resource.group}`;

/** Nothing is to be decided about an object that neither has an owner nor is at its end with others depending on it. */
function concerns(object: KubeObject): boolean {
  return (object.metadata.ownerReferences?.length ?? 0) > 0 || isDeletingInForeground(object) || isOrphaning(object);
}

function sameForUs(a: KubeObject, b: KubeObject): boolean {
  return a.metadata.deletionTimestamp === b.metadata.deletionTimestamp && semanticEqual(a.metadata.ownerReferences, b.metadata.ownerReferences) &&
    semanticEqual(a.metadata.finalizers, b.metadata.finalizers);
}
