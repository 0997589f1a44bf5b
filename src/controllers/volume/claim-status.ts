import type { PersistentVolume, PersistentVolumeClaim } from '../../api/generated/core-v1.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { without } from '../without.ts';

const PRE_RESIZE = 'volume.alpha.kubernetes.io/pre-resize-capacity';

/**
 * The status of a claim that comes into a phase; `volume` is what it is bound to. Undefined: it is in it already. What a claim has is noted once, when it is
 * bound: from then on its room and its class of attributes are its driver's to tell. Upstream: updateClaimStatus.
 */
export function claimStatus({ status }: PersistentVolumeClaim, phase: string, volume?: PersistentVolume): PersistentVolumeClaim['status'] {
  if (phase !== 'Bound') return status?.phase === phase ? undefined : { ...without(status ?? {}, 'accessModes', 'capacity', 'currentVolumeAttributesClassName'), phase };
  const { accessModes, capacity, volumeAttributesClassName } = volume?.spec ?? {};
  if (status?.phase === phase && status.capacity) return semanticEqual(status.accessModes, accessModes) ? undefined : { ...status, accessModes };
  // A volume whose file system is yet to grow has the room it had.
  const before = volume?.metadata.annotations?.[PRE_RESIZE];
  return {
    ...status, phase, accessModes, capacity: before === undefined ? capacity : { ...capacity, storage: before },
    ...(volumeAttributesClassName !== undefined && status?.phase === 'Pending' && { currentVolumeAttributesClassName: volumeAttributesClassName }),
  };
}
