import type { StatefulSet } from '../../api/generated/apps-v1.ts';
import type { PersistentVolumeClaim, Pod } from '../../api/generated/core-v1.ts';
import type { OwnerReference } from '../../api/generated/meta-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { controllerReference } from '../ownership.ts';
import { endOf, ordinalOf, startOf } from './identity.ts';

/**
 * The owners a claim should have, so that the garbage collector deletes it when the retention policy says so: with the
 * set (`whenDeleted`), or with a pod that was scaled away (`whenScaled`). Undefined when nothing changes.
 * Upstream: updateClaimOwnerRefForSetAndPod.
 */
export function claimOwners(claim: PersistentVolumeClaim, set: StatefulSet, pod: Pod): readonly OwnerReference[] | undefined {
  const present = claim.metadata.ownerReferences ?? [];
  const others = otherOwners(claim, set, pod);
  const ordinal = ordinalOf(set, pod)!;
  const scaledAway = ordinal < startOf(set) || ordinal > endOf(set);
  const { whenScaled = 'Retain', whenDeleted = 'Retain' } = set.spec.persistentVolumeClaimRetentionPolicy ?? {};
  const foreign = hasForeignOwner(others, set, pod);
  const owner: KubeObject | undefined = foreign ? undefined : scaledAway && whenScaled === 'Delete' ? pod : (!scaledAway || whenScaled === 'Retain') && whenDeleted === 'Delete' ? set : undefined;
  const wanted = owner ? [...others, controllerReference(owner)] : others;
  const same = wanted.length === present.length && wanted.every((reference) => present.some((other) => other.uid === reference.uid && Boolean(other.controller) === Boolean(reference.controller)));
  return same ? undefined : wanted;
}

const otherOwners = ({ metadata: { ownerReferences = [] } }: PersistentVolumeClaim, set: StatefulSet, pod: Pod): readonly OwnerReference[] => ownerReferences.filter(({ uid }) => uid !== set.metadata.uid && uid !== pod.metadata.uid);

/** Somebody else minds the claim, or a set or a pod of that name that is no more does: then the policy is none of ours. */
function hasForeignOwner(others: readonly OwnerReference[], set: StatefulSet, pod: Pod): boolean {
  const names = (reference: OwnerReference, apiVersion: string, kind: string, name: string): boolean => reference.apiVersion === apiVersion && reference.kind === kind && reference.name === name;
  return others.some((reference) => reference.controller || names(reference, 'apps/v1', 'StatefulSet', set.metadata.name) || names(reference, 'v1', 'Pod', pod.metadata.name));
}

/** Whether the policy would have the claim deleted some day, and somebody else minds it. Upstream: hasUnexpectedController. */
export function isMindedByOthers(claim: PersistentVolumeClaim, set: StatefulSet, pod: Pod): boolean {
  const { whenScaled = 'Retain', whenDeleted = 'Retain' } = set.spec.persistentVolumeClaimRetentionPolicy ?? {};
  if (whenScaled === 'Retain' && whenDeleted === 'Retain') return false;
  return hasForeignOwner(otherOwners(claim, set, pod), set, pod);
}

/**
 * Whether the claim still belongs to a pod that had the name before: it is on its way out, with what is in it, and a pod made now would take it up and
 * then lose it. To be asked while no pod has the name. Upstream: hasStaleOwnerRef.
 */
export function isOfFormerPod(claim: PersistentVolumeClaim, podName: string): boolean {
  return claim.metadata.ownerReferences?.some(({ apiVersion, kind, name }) => apiVersion === 'v1' && kind === 'Pod' && name === podName) ?? false;
}
