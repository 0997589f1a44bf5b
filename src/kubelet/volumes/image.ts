import { mkdir, rm } from 'node:fs/promises';
import type { Image } from '../../cri/runtime.ts';
import type { VolumeGround, VolumeType } from './volume-type.ts';

/** The files of an image, read-only. Mounted when the first container that wants it starts: until then its image may still have to be pulled. Upstream: pkg/volume/image. */
export const imageVolume: VolumeType = {
  name: 'image',
  matches: (volume) => volume.image !== undefined,
  async setUp({ directory }) {
    await mkdir(directory, { recursive: true, mode: 0o755 });
    return { path: directory, readOnly: true, fixed: true };
  },
  async tearDown({ directory, ground: { mounter, runtime } }) {
    await mounter?.unmount(directory);
    await runtime.releaseImageView(directory);
    await rm(directory, { recursive: true, force: true });
  },
};

/** Shows an image that is present in the folder of its volume. The folder names the view, so that whoever finds the one can release the other. */
export async function mountImage(directory: string, image: Image, { mounter, runtime }: VolumeGround): Promise<void> {
  const mounts = await runtime.viewImage({ image: image.id }, directory);
  if (!mounter) return;
  for (const { type, source, options } of mounts) {
    const limits = ['ro', 'noexec', 'nosuid', 'nodev'];
    await mounter.mount(directory, { type, source, options: [...options.filter((option) => !limits.includes(option) && option !== 'rw'), ...limits] });
  }
}
