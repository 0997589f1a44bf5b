import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod, Volume } from '../../api/generated/core-v1.ts';
import { giveToGroup } from './ownership.ts';
import type { MountedVolume, VolumeContext, VolumeGround } from './volume-type.ts';
import { volumeTypeOf, volumeTypes } from './volume-types.ts';

/** What volumes need besides the pod they are of. */
export type VolumeEnvironment = Omit<VolumeContext, 'pod' | 'volume' | 'directory'>;

export class VolumeError extends Error {
  override readonly name = 'VolumeError';
}

const directoryOf = (podDirectory: string, typeName: string, name: string): string => join(podDirectory, 'volumes', `kubernetes.io~${typeName}`, name);

/** Sets up all volumes of a pod, side by side; the same again brings them up to date. Rejects with a VolumeError that names the first that failed. */
export async function setUpVolumes(pod: Pod, podDirectory: string, environment: VolumeEnvironment): Promise<ReadonlyMap<string, MountedVolume>> {
  const { fsGroup, fsGroupChangePolicy } = pod.spec.securityContext ?? {};
  const setUp = async (volume: Volume): Promise<[string, MountedVolume]> => {
    try {
      const type = volumeTypeOf(volume);
      const mounted = await type.setUp({ ...environment, pod, volume, directory: directoryOf(podDirectory, type.name, volume.name) });
      if (fsGroup !== undefined && mounted.owned && !mounted.readOnly) await giveToGroup(mounted.path, fsGroup, false, mounted.isOld || fsGroupChangePolicy === 'OnRootMismatch');
      return [volume.name, mounted];
    } catch (error) {
      throw new VolumeError(`MountVolume.SetUp failed for volume "${volume.name}" : ${(error as Error).message}`, { cause: error });
    }
  };
  return new Map(await Promise.all((pod.spec.volumes ?? []).map(setUp)));
}

/** Unmounts and removes what is left of a pod's volumes. Works from the folders alone, so that it can clean up after unknown pods. */
export async function tearDownVolumes(podDirectory: string, ground: VolumeGround): Promise<void> {
  for (const type of volumeTypes) {
    const folder = join(podDirectory, 'volumes', `kubernetes.io~${type.name}`);
    const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    for (const name of names) {
      const directory = join(folder, name);
      await type.tearDown?.({ directory, ground });
      await removeUnmounted(directory, ground);
    }
  }
}

/** What is mounted there is not ours to empty. */
async function removeUnmounted(directory: string, { mounter }: VolumeGround): Promise<void> {
  const [left] = await mounter?.mountsWithin(directory) ?? [];
  if (left !== undefined) throw new Error(`${left} is still mounted`);
  await rm(directory, { recursive: true, force: true });
}
