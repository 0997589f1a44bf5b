import { conflict } from '../../api/errors.ts';
import type { KindDefinition } from '../../api/kind.ts';
import type { KubeObject, ResourceType } from '../../api/object.ts';
import { rfc3339 } from '../../base/clock.ts';
import type { DeleteOptions } from '../../client/client.ts';

export const ORPHAN = 'orphan';
export const FOREGROUND = 'foregroundDeletion';

/** What a delete request makes of an object. `marked` objects stay, with a deletionTimestamp, until their finalizers and grace are over. */
export type Deletion =
  | { readonly kind: 'remove' }
  /** Nothing changes: the object is being deleted already. */
  | { readonly kind: 'pending' }
  | { readonly kind: 'mark'; readonly object: KubeObject };

/**
 * Decides on a delete request: preconditions, grace, the finalizers of garbage collection.
 * Upstream: apiserver pkg/registry/rest.BeforeDelete and pkg/registry/generic/registry.Store.Delete.
 */
export function decideDeletion(
  resource: ResourceType<KubeObject>, definition: KindDefinition, object: KubeObject, options: DeleteOptions, nowMs: number,
): Deletion {
  checkPreconditions(resource, object, options);
  const prepared = object.metadata.deletionTimestamp ? object : (definition.prepareForDelete?.(object, nowMs) ?? object);
  const { metadata } = prepared;
  const grace = graceOf(definition, object, options, nowMs);
  if (grace === 'pending') return { kind: 'pending' };

  const finalizers = finalizersFor(metadata.finalizers ?? [], options, definition.orphansByDefault ?? false);
  const held = finalizers.length > 0 || (definition.heldFromDeletion?.(prepared) ?? false);
  let marked = finalizers === metadata.finalizers || (finalizers.length === 0 && !metadata.finalizers) ? prepared : withMetadata(prepared, { finalizers: finalizers.length ? finalizers : undefined });
  if (typeof grace === 'object') {
    marked = withMetadata(marked, grace.metadata);
    if (!held && grace.seconds === 0) return { kind: 'remove' };
  } else if (held) {
    marked = markAsDeleting(marked, nowMs);
  } else {
    return { kind: 'remove' };
  }
  return marked === object ? { kind: 'pending' } : { kind: 'mark', object: marked };
}

/** Whether an update ends a deletion that was pending. Upstream: generic/registry.ShouldDeleteDuringUpdate. */
export function endsDeletion(definition: KindDefinition, next: KubeObject, previous: KubeObject): boolean {
  if ((next.metadata.finalizers?.length ?? 0) > 0 || definition.heldFromDeletion?.(next)) return false;
  return previous.metadata.deletionTimestamp !== undefined && !previous.metadata.deletionGracePeriodSeconds;
}

function checkPreconditions(resource: ResourceType<KubeObject>, object: KubeObject, { preconditions }: DeleteOptions): void {
  if (!preconditions) return;
  const { uid, resourceVersion, name } = object.metadata;
  const named = { group: resource.group, resource: resource.kind };
  if (preconditions.uid !== undefined && preconditions.uid !== uid) {
    throw conflict(named, name, `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`);
  }
  if (preconditions.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    throw conflict(named, name, `the ResourceVersion in the precondition (${preconditions.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`);
  }
}

type Grace = 'none' | 'pending' | { readonly seconds: number; readonly metadata: Partial<KubeObject['metadata']> };

function graceOf(definition: KindDefinition, object: KubeObject, { gracePeriodSeconds: requested }: DeleteOptions, nowMs: number): Grace {
  const { deletionTimestamp, deletionGracePeriodSeconds: current, generation } = object.metadata;
  if (!definition.gracePeriodSeconds) return 'none';
  if (deletionTimestamp !== undefined) {
    if (!current) return 'none';
    if (requested === undefined || requested >= current) return 'pending';
    const shortened = Date.parse(deletionTimestamp) + (requested - current) * 1000;
    return { seconds: requested, metadata: { deletionTimestamp: rfc3339(shortened), deletionGracePeriodSeconds: requested } };
  }
  const seconds = definition.gracePeriodSeconds(object, requested);
  if (seconds === undefined) return 'none';
  return {
    seconds,
    metadata: { deletionTimestamp: rfc3339(nowMs + seconds * 1000), deletionGracePeriodSeconds: seconds, ...(generation && { generation: generation + 1 }) },
  };
}

/** The object waits for its finalizers only: no grace. */
function markAsDeleting(object: KubeObject, nowMs: number): KubeObject {
  const { deletionTimestamp, deletionGracePeriodSeconds, generation } = object.metadata;
  if (deletionTimestamp !== undefined && deletionGracePeriodSeconds === 0 && Date.parse(deletionTimestamp) <= nowMs) return object;
  return withMetadata(object, {
    deletionTimestamp: deletionTimestamp !== undefined && Date.parse(deletionTimestamp) <= nowMs ? deletionTimestamp : rfc3339(nowMs),
    deletionGracePeriodSeconds: 0,
    ...(deletionTimestamp === undefined && generation && { generation: generation + 1 }),
  });
}

/** The finalizers with those of garbage collection as the propagation policy wants them; the same list where nothing changes. */
function finalizersFor(finalizers: readonly string[], { propagationPolicy }: DeleteOptions, orphansByDefault: boolean): readonly string[] {
  if (propagationPolicy === undefined) {
    return orphansByDefault && !finalizers.some((finalizer) => finalizer === ORPHAN || finalizer === FOREGROUND) ? [...finalizers, ORPHAN] : finalizers;
  }
  const wanted = propagationPolicy === 'Orphan' ? ORPHAN : propagationPolicy === 'Foreground' ? FOREGROUND : undefined;
  const kept = finalizers.filter((finalizer) => finalizer === wanted || (finalizer !== ORPHAN && finalizer !== FOREGROUND));
  if (wanted && !kept.includes(wanted)) return [...kept, wanted];
  return kept.length === finalizers.length ? finalizers : kept;
}

function withMetadata(object: KubeObject, change: Partial<KubeObject['metadata']>): KubeObject {
  const metadata = { ...object.metadata, ...change };
  for (const key of Object.keys(change) as (keyof typeof metadata)[]) if (metadata[key] === undefined) delete metadata[key];
  return { ...object, metadata };
}
