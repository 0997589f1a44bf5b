import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CriRuntime } from '../cri/runtime.ts';
import type { Log } from '../base/log.ts';
import type { CgroupTree } from './container/cgroup-tree.ts';
import type { PodCgroups } from './options.ts';
import type { PodObservation } from './pod/observation.ts';
import { unknownPod } from './pod/relist.ts';
import type { VolumeGround } from './volumes/volume-type.ts';
import { tearDownVolumes } from './volumes/set-up-volumes.ts';

const ORPHAN_GRACE_S = 30;

export interface OrphansOptions {
  readonly runtime: CriRuntime;
  readonly log: Log;
  readonly cgroups: PodCgroups;
  readonly cgroupTree: CgroupTree | undefined;
  /** The kubelet's own folder; pods' are in `pods`. */
  readonly rootDir: string;
  readonly podLogsDir: string;
  readonly volumeGround: VolumeGround;
  /** Whether somebody looks after the pod. */
  readonly isWanted: (uid: string) => boolean;
}

/** Removes what is there of pods that nobody looks after: the API forgot them while the kubelet was away. */
export class Orphans {
  readonly #options: OrphansOptions;
  #left = false;

  constructor(options: OrphansOptions) {
    this.#options = options;
  }

  /** Whether not all could be removed: a storage driver may be away. */
  get left(): boolean {
    return this.#left;
  }

  /** Stops and removes what the runtime still has of a pod. Never rejects. */
  async removePod(uid: string, observation: PodObservation): Promise<void> {
    const { runtime, log, podLogsDir, cgroups, cgroupTree } = this.#options;
    log.info('removing a pod that is no longer wanted', { uid });
    try {
      const running = observation.containers.filter((c) => c.state === 'running');
      await Promise.all(running.map((c) => runtime.stopContainer(c.id, ORPHAN_GRACE_S)));
      for (const sandbox of observation.sandboxes) {
        const { labels } = await runtime.podSandboxStatus(sandbox.id);
        await runtime.stopPodSandbox(sandbox.id);
        await runtime.removePodSandbox(sandbox.id);
        const { metadata } = unknownPod(uid, labels);
        await rm(join(podLogsDir, `${metadata.namespace}_${metadata.name}_${uid}`), { recursive: true, force: true });
      }
      for (const { path } of cgroupTree?.pods().filter((pod) => pod.uid === uid) ?? []) await cgroups.remove(path);
    } catch (error) {
      log.warn('cannot remove an orphaned pod', { uid, error });
    }
  }

  /** Volumes, folders and cgroups of pods of which the runtime knows nothing. Never rejects. */
  async removeRests(): Promise<void> {
    const { log, cgroups, cgroupTree, isWanted, rootDir, volumeGround } = this.#options;
    this.#left = false;
    const attempt = async (what: string, uid: string, remove: () => Promise<void>): Promise<void> => {
      if (isWanted(uid)) return;
      try {
        await remove();
      } catch (error) {
        log.warn(`cannot remove the ${what} of a pod that is gone`, { uid, error });
        this.#left = true;
      }
    };
    for (const uid of await names(join(rootDir, 'pods'))) {
      await attempt('folder', uid, async () => {
        await tearDownVolumes(join(rootDir, 'pods', uid), volumeGround);
        await rm(join(rootDir, 'pods', uid), { recursive: true, force: true });
      });
    }
    for (const { uid, path } of cgroupTree?.pods() ?? []) await attempt('cgroup', uid, () => cgroups.remove(path));
  }
}

async function names(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
