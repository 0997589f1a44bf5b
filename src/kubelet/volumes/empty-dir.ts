import { chmod, mkdir, rm } from 'node:fs/promises';
import { quantityValue } from '../../api/quantity.ts';
import type { VolumeType } from './volume-type.ts';

/** A folder that lives as long as the pod; in memory where asked for. Upstream: pkg/volume/emptydir. */
export const emptyDirVolume: VolumeType = {
  name: 'empty-dir',
  matches: (volume) => volume.emptyDir !== undefined,
  async setUp({ volume, directory, ground: { mounter } }) {
    const { medium, sizeLimit } = volume.emptyDir!;
    const isNew = await mkdir(directory, { recursive: true, mode: 0o777 }) !== undefined;
    if (medium === 'Memory' && mounter) {
      await mounter.mountTmpfs(directory, sizeLimit === undefined ? undefined : quantityValue(sizeLimit));
      await chmod(directory, 0o777);
    } else if (isNew) {
      // mkdir's mode is cut by the umask.
      await chmod(directory, 0o777);
    }
    return { path: directory, owned: true };
  },
  async tearDown({ directory, ground: { mounter } }) {
    await mounter?.unmount(directory);
    await rm(directory, { recursive: true, force: true });
  },
};
