/** Mounts that only root can make. Where there is none, memory-backed volumes are plain folders. */
export interface Mounter {
  isMounted(path: string): Promise<boolean>;
  /** What is mounted on a folder or anywhere in it, newest first. */
  mountsWithin(path: string): Promise<readonly string[]>;
  mountTmpfs(path: string, sizeBytes?: number): Promise<void>;
  /** `options` as mount(8) takes them. */
  mount(path: string, mount: { readonly type: string; readonly source: string; readonly options: readonly string[] }): Promise<void>;
  /** The folder, and all that containers have mounted in it: what is behind that is not the volume's. */
  unmount(path: string): Promise<void>;
}
