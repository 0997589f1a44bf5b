import type { Node, PersistentVolume, PersistentVolumeClaim } from '../../api/generated/core-v1.ts';
import type { StorageClass } from '../../api/generated/storage-v1.ts';
import { keyOf } from '../../api/object.ts';
import { compareQuantities } from '../../api/quantity.ts';
import { matchesNodeSelector } from '../../api/scheduling/node-affinity.ts';
import { labelSelectorMatches } from '../../api/selector.ts';

const OLD_CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';
/** What a class names as its provisioner when its volumes are made by hand. */
const NO_PROVISIONER = 'kubernetes.io/no-provisioner';

export function classNameOf(claim: PersistentVolumeClaim): string {
  return claim.metadata.annotations?.[OLD_CLASS_ANNOTATION] ?? claim.spec.storageClassName ?? '';
}

/** Bound from both sides: the claim names its volume, and the controller has confirmed it. */
export function isFullyBound(claim: PersistentVolumeClaim): boolean {
  return !!claim.spec.volumeName && claim.metadata.annotations?.['pv.kubernetes.io/bind-completed'] !== undefined;
}

/** Whether the volume can be reached from the node. */
export function reachable(volume: PersistentVolume, node: Node): boolean {
  const required = volume.spec.nodeAffinity?.required;
  return !required || matchesNodeSelector(required, node);
}

/**
 * The smallest free volume that satisfies the claim and can be reached from the node; one that is already meant for this claim goes before all.
 * Upstream: component-helpers storage/volume.FindMatchingVolume.
 */
export function findVolume(claim: PersistentVolumeClaim, volumes: readonly PersistentVolume[], node: Node, taken: (name: string) => boolean): PersistentVolume | undefined {
  const wanted = claim.spec.resources?.requests?.['storage'];
  let best: PersistentVolume | undefined;
  for (const volume of volumes) {
    const { claimRef, volumeMode = 'Filesystem', accessModes = [], capacity, storageClassName = '' } = volume.spec;
    if (taken(volume.metadata.name) || volume.metadata.deletionTimestamp !== undefined || volumeMode !== (claim.spec.volumeMode ?? 'Filesystem')) continue;
    if (compareQuantities(capacity?.['storage'], wanted) < 0 || !reachable(volume, node)) continue;
    if (claimRef) {
      const own = `${claimRef.namespace}/${claimRef.name}` === keyOf(claim) && (!claimRef.uid || claimRef.uid === claim.metadata.uid);
      if (own) return volume;
      continue;
    }
    if (volume.status?.phase !== 'Available' || storageClassName !== classNameOf(claim)) continue;
    if (!(claim.spec.accessModes ?? []).every((mode) => accessModes.includes(mode))) continue;
    if (claim.spec.selector && !labelSelectorMatches(claim.spec.selector, volume.metadata.labels)) continue;
    if (!best || compareQuantities(capacity?.['storage'], best.spec.capacity?.['storage']) < 0) best = volume;
  }
  return best;
}

/** Whether the class makes volumes that the node can reach. */
export function provisions(storageClass: StorageClass | undefined, node: Node): boolean {
  if (!storageClass || !storageClass.provisioner || storageClass.provisioner === NO_PROVISIONER) return false;
  const terms = storageClass.allowedTopologies ?? [];
  return terms.length === 0 || terms.some(({ matchLabelExpressions = [] }) =>
    matchLabelExpressions.every(({ key, values }) => values.includes(node.metadata.labels?.[key] ?? '')));
}
