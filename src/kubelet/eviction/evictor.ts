import type { Pod } from '../../api/generated/core-v1.ts';
import { qosClass } from '../../api/pod/qos-class.ts';
import type { Clock } from '../../base/clock.ts';
import type { EventRecorder, EventType } from '../../client/event-recorder.ts';
import type { CriRuntime } from '../../cri/runtime.ts';
import type { KubeletConfiguration } from '../configuration.ts';
import type { MachineFacts } from '../machine-facts.ts';
import type { Refusal } from '../pod/admission.ts';
import type { PodWorker } from '../pod/pod-worker.ts';
import { measurePods } from './measure-pods.ts';
import { evictionMessage, isCritical, limitsStorage, rankForEviction, storageExcess } from './ranking.ts';
import { levelsOf, metThresholds, signals, type Levels, type PressureCondition, type Threshold } from './thresholds.ts';

export interface EvictorOptions {
  readonly configuration: KubeletConfiguration;
  readonly runtime: CriRuntime;
  readonly clock: Clock;
  readonly recorder: EventRecorder;
  readonly machine: () => Promise<MachineFacts>;
  readonly workers: () => Iterable<PodWorker>;
  readonly podDirectory: (uid: string) => string;
  /** Removes all images that nobody uses. */
  readonly removeImages: () => Promise<void>;
  /** Records an event about the node. */
  readonly tell: (type: EventType, reason: string, message: string) => void;
  /** A condition of the node has changed. */
  readonly changed: () => void;
}

/** A pod that is being evicted has so long to go, in milliseconds, before the next one follows. Upstream: podCleanupTimeout. */
const PATIENCE_MS = 30_000;
const ORDER: readonly PressureCondition[] = ['DiskPressure', 'MemoryPressure', 'PIDPressure'];

/** Ends pods when the node runs out of something, and those that write more than they may. Upstream: kubelet/eviction/eviction_manager.go. */
export class Evictor {
  readonly #options: EvictorOptions;
  /** When each pressure was last felt. */
  readonly #lastFelt = new Map<PressureCondition, number>();
  /** Since when thresholds have been crossed. */
  readonly #since = new Map<Threshold, number>();
  #pressures: readonly PressureCondition[] = [];
  #going: { readonly worker: PodWorker; readonly sinceMs: number } | undefined;

  constructor(options: EvictorOptions) {
    this.#options = options;
  }

  /** What the node is short of, or was a moment ago. */
  get pressures(): readonly PressureCondition[] {
    return this.#pressures;
  }

  /** Why a new pod cannot be taken while the node is short of something. */
  refuse(pod: Pod): Refusal | undefined {
    if (this.#pressures.length === 0 || isCritical(pod)) return undefined;
    if (this.#pressures.every((pressure) => pressure === 'MemoryPressure')) {
      if ((pod.status?.qosClass ?? qosClass(pod)) !== 'BestEffort' || toleratesMemoryPressure(pod)) return undefined;
    }
    return { reason: 'Evicted', message: `The node had condition: [${this.#pressures.join(' ')}]. ` };
  }

  /** A look at the node; cheap while there is nothing to do. */
  async look(): Promise<void> {
    const { configuration, machine, clock, changed } = this.#options;
    const levels = levelsOf(await machine());
    const now = clock.now();
    const met = metThresholds(configuration.thresholds, levels);
    for (const threshold of this.#since.keys()) if (!met.includes(threshold)) this.#since.delete(threshold);
    for (const threshold of met) {
      if (!this.#since.has(threshold)) this.#since.set(threshold, now);
      this.#lastFelt.set(signals[threshold.signal].condition, now);
    }
    const pressures = ORDER.filter((condition) => now - (this.#lastFelt.get(condition) ?? -Infinity) < configuration.pressureTransitionMs || met.some(({ signal }) => signals[signal].condition === condition));
    const isNew = pressures.join() !== this.#pressures.join();
    this.#pressures = pressures;
    if (isNew) changed();
    if (await this.#endExcesses()) return;
    const [first] = met.filter((threshold) => now - this.#since.get(threshold)! >= threshold.graceMs);
    if (first) await this.#reclaim(first, levels);
  }

  #running(): readonly PodWorker[] {
    return [...this.#options.workers()].filter((worker) => worker.active && worker.observation.containers.some(({ state }) => state === 'running'));
  }

  async #reclaim(threshold: Threshold, levels: Levels): Promise<void> {
    const { tell, removeImages, machine, configuration, clock } = this.#options;
    const { resource } = signals[threshold.signal];
    tell('Warning', 'EvictionThresholdMet', `Attempting to reclaim ${resource}`);
    if (signals[threshold.signal].condition === 'DiskPressure') {
      await removeImages();
      if (!metThresholds([threshold], levelsOf(await machine())).length) return;
    }
    if (this.#going?.worker.active && clock.now() - this.#going.sinceMs < PATIENCE_MS) return;
    const workers = this.#running();
    const [victim] = rankForEviction(await measurePods(workers, this.#options, { processes: resource === 'pids' }), threshold.signal);
    const worker = victim && workers.find(({ pod }) => pod === victim.pod);
    if (!worker) return;
    const grace = threshold.graceMs === 0 ? 0 : Math.min(configuration.evictionMaxPodGraceSeconds, worker.pod.spec.terminationGracePeriodSeconds ?? 30);
    const message = evictionMessage(victim, threshold, levels[threshold.signal]!);
    this.#evict(worker, message, grace, { reason: 'TerminationByKubelet', message });
  }

  /** Ends the pods that write more than they may; answers whether there was one. */
  async #endExcesses(): Promise<boolean> {
    const limited = this.#running().filter(({ pod }) => limitsStorage(pod) && !isCritical(pod));
    if (limited.length === 0) return false;
    let found = false;
    for (const usage of await measurePods(limited, this.#options, { processes: false })) {
      const message = storageExcess(usage);
      const worker = message && limited.find(({ pod }) => pod === usage.pod);
      if (!worker) continue;
      this.#evict(worker, message, 0);
      found = true;
    }
    return found;
  }

  #evict(worker: PodWorker, message: string, graceSeconds: number, disruption?: { readonly reason: string; readonly message: string }): void {
    this.#options.recorder.event(worker.pod, 'Warning', 'Evicted', message);
    this.#going = { worker, sinceMs: this.#options.clock.now() };
    worker.fail('Evicted', message, graceSeconds, disruption);
  }
}

function toleratesMemoryPressure({ spec }: Pod): boolean {
  return (spec.tolerations ?? []).some(({ key, operator, effect }) => (key === undefined || key === '' ? operator === 'Exists' : key === 'node.kubernetes.io/memory-pressure')
    && (!effect || effect === 'NoSchedule'));
}
