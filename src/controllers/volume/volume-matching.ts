import type { PersistentVolume, PersistentVolumeClaim } from '../../api/generated/core-v1.ts';
import { compareQuantities } from '../../api/quantity.ts';
import { selectorOf } from '../../api/selector.ts';

export const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';
export const BOUND_BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller';
export const PROVISIONED_BY = 'pv.kubernetes.io/provisioned-by';
export const SELECTED_NODE = 'volume.kubernetes.io/selected-node';
export const STORAGE_PROVISIONER = 'volume.kubernetes.io/storage-provisioner';
export const STORAGE_PROVISIONER_BETA = 'volume.beta.kubernetes.io/storage-provisioner';
const CLASS_BETA = 'volume.beta.kubernetes.io/storage-class';

/** The class by name; empty: none. */
export function classOf(object: PersistentVolumeClaim | PersistentVolume): string {
  return object.metadata.annotations?.[CLASS_BETA] ?? object.spec.storageClassName ?? '';
}

/** Whether a volume is meant for a claim, by name and (where it says so) uid. */
export function isMeantFor(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const { claimRef } = volume.spec;
  return claimRef !== undefined && claimRef.name === claim.metadata.name && claimRef.namespace === claim.metadata.namespace && (!claimRef.uid || claimRef.uid === claim.metadata.uid);
}

/** Why a volume cannot serve a claim; undefined: it can. Worded as upstream's checkVolumeSatisfyClaim. */
export function mismatch(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (compareQuantities(volume.spec.capacity?.['storage'], claim.spec.resources?.requests?.['storage']) < 0) return 'requested PV is too small';
  if (classOf(volume) !== classOf(claim)) return 'storageClassName does not match';
  if ((volume.spec.volumeAttributesClassName ?? '') !== (claim.spec.volumeAttributesClassName ?? '')) return 'VolumeAttributesClassName does not match';
  if ((volume.spec.volumeMode ?? 'Filesystem') !== (claim.spec.volumeMode ?? 'Filesystem')) return 'incompatible volumeMode';
  if (!(claim.spec.accessModes ?? []).every((mode) => volume.spec.accessModes?.includes(mode))) return 'incompatible accessMode';
  return undefined;
}

/**
 * The volume for an unbound claim: one that was made for it, else the smallest free one that serves. With `delayed`
 * binding only the former: the scheduler chooses among free ones when it knows the node.
 */
export function bestVolume(claim: PersistentVolumeClaim, volumes: readonly PersistentVolume[], delayed: boolean): PersistentVolume | undefined {
  let best: PersistentVolume | undefined;
  for (const volume of volumes) {
    if (volume.metadata.deletionTimestamp || mismatch(volume, claim)) continue;
    if (isMeantFor(volume, claim)) return volume;
    if (delayed || volume.spec.claimRef || volume.status?.phase !== 'Available') continue;
    if (claim.spec.selector && !selectorOf(claim.spec.selector).matches(volume.metadata.labels)) continue;
    if (!best || compareQuantities(volume.spec.capacity?.['storage'], best.spec.capacity?.['storage']) < 0) best = volume;
  }
  return best;
}
