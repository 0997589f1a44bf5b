import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CriRuntime } from '../cri/runtime.ts';
import type { Log } from '../base/log.ts';
import type { CgroupTree } from './container/cgroup-tree.ts';
import type { PodCgroups } from './container/pod-cgroups.ts';
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
  /** Something could not be removed: a storage driver, or the runtime, may be away. */
  #left = false;
  /** Pods of which there were folders or cgroups when last looked, and whom nobody looked after. */
  #unknown: ReadonlySet<string> = new Set();

  constructor(options: OrphansOptions) {
    this.#options = options;
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

  /**
   * What a worker had to leave behind, because the runtime was away when it ended, say; or what a sandbox brought that a kubelet before this one had asked for.
   * To be called now and then; removes what it finds twice.
   */
  async look(): Promise<void> {
    const { rootDir, cgroupTree, isWanted } = this.#options;
    const present = [...await names(join(rootDir, 'pods')), ...(cgroupTree?.pods() ?? []).map(({ uid }) => uid)];
    const unknown = new Set(present.filter((uid) => !isWanted(uid)));
    const isOld = unknown.values().some((uid) => this.#unknown.has(uid));
    this.#unknown = unknown;
    if (isOld || this.#left) await this.removeRests();
  }

  /** Volumes, folders, logs and cgroups of pods that nobody looks after. Never rejects. */
  async removeRests(): Promise<void> {
    const { log, cgroups, cgroupTree, isWanted, rootDir, podLogsDir, volumeGround } = this.#options;
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
    for (const name of await names(podLogsDir)) await attempt('log', name.slice(name.lastIndexOf('_') + 1), () => rm(join(podLogsDir, name), { recursive: true, force: true }));
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
