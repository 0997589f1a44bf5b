import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { quantityValue } from '../../api/quantity.ts';
import type { Clock } from '../../base/clock.ts';
import type { EventRecorder } from '../../client/event-recorder.ts';
import type { CriRuntime } from '../../cri/runtime.ts';
import type { MachineFacts } from '../options.ts';
import { chooseVictim, limitedFolders, memoryMessage, MEMORY_THRESHOLD, storageLimits, type PodUsage } from './eviction.ts';
import { label } from './observation.ts';
import type { PodWorker } from './pod-worker.ts';

/** A pressure is reported for so long after it was last felt (milliseconds). Upstream: eviction-pressure-transition-period. */
const PRESSURE_MS = 5 * 60_000;

export interface EvictorOptions {
  readonly runtime: CriRuntime;
  readonly clock: Clock;
  readonly recorder: EventRecorder;
  readonly machine: () => Promise<MachineFacts>;
  readonly workers: () => Iterable<PodWorker>;
  readonly podDirectory: (uid: string) => string;
  /** The node's condition has changed. */
  readonly changed: () => void;
}

/** Ends pods when the node runs out of memory, and those that write more than they may. Disk pressure is not acted on: the disk is the user's own. Upstream: kubelet/eviction. */
export class Evictor {
  readonly #options: EvictorOptions;
  #pressureUntilMs = 0;
  #reported = false;

  constructor(options: EvictorOptions) {
    this.#options = options;
  }

  get memoryPressure(): boolean {
    return this.#options.clock.now() < this.#pressureUntilMs;
  }

  /** A look at the node; cheap while there is nothing to do. */
  async look(): Promise<void> {
    const { memoryAvailableBytes } = await this.#options.machine();
    if (memoryAvailableBytes < MEMORY_THRESHOLD) {
      this.#pressureUntilMs = this.#options.clock.now() + PRESSURE_MS;
      await this.#freeMemory(memoryAvailableBytes);
    }
    if (this.#reported !== this.memoryPressure) {
      this.#reported = this.memoryPressure;
      this.#options.changed();
    }
    await this.#checkFolders();
    await this.#checkContainers();
  }

  async #freeMemory(availableBytes: number): Promise<void> {
    const { runtime, workers } = this.#options;
    const byUid = Map.groupBy(await runtime.listContainerStats(), (stats) => stats.attributes?.labels[label.podUid] ?? '');
    const running = [...workers()].filter((worker) => worker.active);
    const victim = chooseVictim(running.map((worker): PodUsage => ({
      pod: worker.pod,
      containers: (byUid.get(worker.uid) ?? []).map((stats) => ({ name: stats.attributes?.labels[label.containerName] ?? '', memoryBytes: stats.memory?.workingSetBytes?.value ?? 0 })),
    })));
    if (victim) this.#evict(running.find((worker) => worker.pod === victim.pod)!, memoryMessage(victim, availableBytes));
  }

  async #checkFolders(): Promise<void> {
    const { workers, podDirectory } = this.#options;
    for (const worker of workers()) {
      if (!worker.active) continue;
      for (const { volume, limit } of limitedFolders(worker.pod)) {
        if (await folderBytes(join(podDirectory(worker.uid), 'volumes', 'kubernetes.io~empty-dir', volume)) <= quantityValue(limit)) continue;
        this.#evict(worker, `Usage of EmptyDir volume "${volume}" exceeds the limit "${limit}". `);
        break;
      }
    }
  }

  /** Containers that write more than they may; looked at only where there are such limits. */
  async #checkContainers(): Promise<void> {
    const limited = [...this.#options.workers()].filter((worker) => worker.active && storageLimits(worker.pod).size > 0);
    if (limited.length === 0) return;
    for (const { attributes, writableLayer } of await this.#options.runtime.listContainerStats()) {
      const worker = limited.find(({ uid }) => uid === attributes?.labels[label.podUid]);
      const name = attributes?.labels[label.containerName] ?? '';
      const limit = worker && storageLimits(worker.pod).get(name);
      if (limit && (writableLayer?.usedBytes?.value ?? 0) > quantityValue(limit)) this.#evict(worker, `Container ${name} exceeded its local ephemeral storage limit "${limit}". `);
    }
  }

  #evict(worker: PodWorker, message: string): void {
    this.#options.recorder.event(worker.pod, 'Warning', 'Evicted', message);
    worker.fail('Evicted', message, 0, { reason: 'TerminationByKubelet', message });
  }
}

async function folderBytes(path: string): Promise<number> {
  try {
    const stat = await lstat(path);
    if (!stat.isDirectory()) return stat.blocks * 512;
    let total = 0;
    for (const name of await readdir(path)) total += await folderBytes(join(path, name));
    return total;
  } catch (error) {
    // Removed while we look.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}
