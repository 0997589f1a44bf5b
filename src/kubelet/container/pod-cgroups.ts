/** How pods' cgroups are kept. `none`: containers get no cgroup parent (simulated nodes). */
export interface PodCgroups {
  readonly version: 'v1' | 'v2' | 'none';
  /** Put before `/kubepods`; empty for the root. */
  readonly root?: string;
  /** Removes a pod's cgroup from every hierarchy. */
  remove(path: string): Promise<void>;
}
