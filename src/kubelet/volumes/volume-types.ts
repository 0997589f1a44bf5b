import type { Volume } from '../../api/generated/core-v1.ts';
import { claimVolume } from './claim.ts';
import { csiVolume } from './csi.ts';
import { emptyDirVolume } from './empty-dir.ts';
import { hostPathVolume } from './host-path.ts';
import { imageVolume } from './image.ts';
import { configMapVolume, downwardApiVolume, projectedVolume, secretVolume } from './payload-volumes.ts';
import type { VolumeType } from './volume-type.ts';

/** Every kind of volume a pod can have here. */
export const volumeTypes: readonly VolumeType[] = [emptyDirVolume, hostPathVolume, configMapVolume, secretVolume, downwardApiVolume, projectedVolume, claimVolume, imageVolume, csiVolume];

/** Throws, in upstream's words, for kinds that this kubelet does not know. */
export function volumeTypeOf(volume: Volume): VolumeType {
  const type = volumeTypes.find((t) => t.matches(volume));
  if (!type) throw new Error(`no volume plugin matched name: ${volume.name}`);
  return type;
}
