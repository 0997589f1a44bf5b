import { isRuntimeError, type FilesystemUsage, type SnapshotMount } from './runtime.ts';

/** `…/io.containerd.snapshotter.v1.overlayfs` → `overlayfs`: where images are kept tells what keeps them, in every version. */
export function snapshotterOf(imageFilesystems: readonly Pick<FilesystemUsage, 'fsId'>[]): string {
  const [, name] = /snapshotter\.v1\.([\w-]+)$/.exec(imageFilesystems[0]?.fsId?.mountpoint ?? '') ?? [];
  if (!name) throw new Error('the runtime does not say which snapshotter it keeps images with');
  return name;
}

type Invoke = <R>(method: 'View' | 'Mounts' | 'Remove', request: object) => Promise<R>;

/** Read-only snapshots of images, by containerd's snapshot service: CRI knows them only since containerd 2.1. */
export class ImageViews {
  readonly #invoke: Invoke;

  constructor(invoke: Invoke) {
    this.#invoke = invoke;
  }

  /** `info`: what the runtime tells of the image when asked for all. */
  async view(info: Readonly<Record<string, string>>, snapshotter: string, key: string): Promise<readonly SnapshotMount[]> {
    const { chainID } = JSON.parse(info['info'] ?? '{}') as { readonly chainID?: string };
    if (!chainID) throw new Error('the runtime does not say which layers the image is made of');
    try {
      // A root of containerd's garbage collection: the layers stay while the view does.
      const labels = { 'containerd.io/gc.root': 'image volume' };
      return (await this.#invoke<{ mounts: readonly SnapshotMount[] }>('View', { snapshotter, key, parent: chainID, labels })).mounts;
    } catch (error) {
      if (!isRuntimeError(error, 'AlreadyExists')) throw error;
      return (await this.#invoke<{ mounts: readonly SnapshotMount[] }>('Mounts', { snapshotter, key })).mounts;
    }
  }

  async release(snapshotter: string, key: string): Promise<void> {
    try {
      await this.#invoke('Remove', { snapshotter, key });
    } catch (error) {
      if (!isRuntimeError(error, 'NotFound')) throw error;
    }
  }
}
