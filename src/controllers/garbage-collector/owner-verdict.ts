import type { OwnerReference } from '../../api/generated/meta-v1.ts';
import type { KubeObject } from '../../api/object.ts';

export const FOREGROUND = 'foregroundDeletion';
export const ORPHAN = 'orphan';

/** How an owner that a reference names was found: `waiting` is being deleted in the foreground, and its dependents go before it. */
export type OwnerState = 'present' | 'absent' | 'waiting';

export interface FoundOwner {
  readonly reference: OwnerReference;
  readonly state: OwnerState;
}

export function isDeletingInForeground(object: KubeObject): boolean {
  return object.metadata.deletionTimestamp !== undefined && (object.metadata.finalizers?.includes(FOREGROUND) ?? false);
}

export function isOrphaning(object: KubeObject): boolean {
  return object.metadata.deletionTimestamp !== undefined && (object.metadata.finalizers?.includes(ORPHAN) ?? false);
}

/** The object that holds the name is the owner only if it has the uid too. */
export function ownerState(owner: KubeObject | undefined, reference: OwnerReference): OwnerState {
  if (owner?.metadata.uid !== reference.uid) return 'absent';
  return isDeletingInForeground(owner) ? 'waiting' : 'present';
}

export type Verdict =
  | { readonly action: 'keep' }
  /** It has an owner left: the references to others than those are dropped. */
  | { readonly action: 'drop'; readonly references: readonly OwnerReference[] }
  | { readonly action: 'delete'; readonly propagationPolicy: 'Foreground' | 'Background' | 'Orphan';
    /** Must go first: two objects that wait for each other would wait for ever. */
    readonly unblock: boolean };

/**
 * What becomes of an object, by its owners: it lives while one of them does. `dependents` are its own.
 * Upstream: garbagecollector.go, attemptToDeleteItem.
 */
export function verdict(object: KubeObject, owners: readonly FoundOwner[], dependents: readonly KubeObject[]): Verdict {
  if (owners.length === 0) return { action: 'keep' };
  const gone = owners.filter(({ state }) => state !== 'present');
  if (gone.length < owners.length) return gone.length === 0 ? { action: 'keep' } : { action: 'drop', references: gone.map(({ reference }) => reference) };
  if (gone.some(({ state }) => state === 'waiting') && dependents.length > 0) {
    return { action: 'delete', propagationPolicy: 'Foreground', unblock: dependents.some(isDeletingInForeground) };
  }
  const { finalizers } = object.metadata;
  const propagationPolicy = finalizers?.includes(ORPHAN) ? 'Orphan' : finalizers?.includes(FOREGROUND) ? 'Foreground' : 'Background';
  return { action: 'delete', propagationPolicy, unblock: false };
}

/** The dependents that a deletion in the foreground waits for. */
export function blocking(owner: KubeObject, dependents: readonly KubeObject[]): readonly KubeObject[] {
  return dependents.filter((dependent) => dependent.metadata.ownerReferences?.some((reference) => reference.uid === owner.metadata.uid && reference.blockOwnerDeletion));
}
