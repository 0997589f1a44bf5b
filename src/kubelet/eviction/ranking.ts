import type { Pod } from '../../api/generated/core-v1.ts';
import { podResourceLimits, podResourceRequests } from '../../api/pod/resources.ts';
import { quantityOf, quantityValue } from '../../api/quantity.ts';
import { amountText, quantityOfThreshold, signals, type Level, type Threshold } from './thresholds.ts';

/** What a pod uses of what the node may run out of. Bytes, and counts. */
export interface PodUsage {
  readonly pod: Pod;
  readonly containers: readonly ContainerUse[];
  /** Local volumes on disk, by name. */
  readonly volumes: Readonly<Record<string, DiskUse>>;
  readonly processes: number;
}

export interface ContainerUse {
  readonly name: string;
  readonly memoryBytes: number;
  readonly rootfs: DiskUse;
  readonly logs: DiskUse;
}

export interface DiskUse {
  readonly bytes: number;
  readonly inodes: number;
}

const CRITICAL = 2_000_000_000;

/** Pods without which the node or the cluster does not work: they are neither evicted nor refused under pressure. Upstream: types.IsCriticalPod. */
export function isCritical(pod: Pod): boolean {
  return (pod.spec.priority ?? 0) >= CRITICAL || pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined
    || (pod.metadata.annotations?.['kubernetes.io/config.source'] ?? 'api') !== 'api';
}

const total = (numbers: readonly number[]): number => numbers.reduce((sum, n) => sum + n, 0);

function used({ containers, volumes, processes }: PodUsage, resource: 'memory' | 'ephemeral-storage' | 'inodes' | 'pids'): number {
  if (resource === 'memory') return total(containers.map(({ memoryBytes }) => memoryBytes));
  if (resource === 'pids') return processes;
  const unit = resource === 'inodes' ? 'inodes' : 'bytes';
  return total([...containers.flatMap(({ rootfs, logs }) => [rootfs[unit], logs[unit]]), ...Object.values(volumes).map((volume) => volume[unit])]);
}

/**
 * In the order of going: who uses more than it asked for, then the least important, then who exceeds its request the most; for processes only
 * importance and number. Upstream: eviction rankMemoryPressure, rankDiskPressureFunc, rankPIDPressure.
 */
export function rankForEviction(usages: readonly PodUsage[], signal: Threshold['signal']): readonly PodUsage[] {
  const { resource } = signals[signal];
  const ranked = usages.filter(({ pod }) => !isCritical(pod)).map((usage) => {
    const requested = resource === 'memory' || resource === 'ephemeral-storage' ? quantityValue(podResourceRequests(usage.pod)[resource]) : 0;
    return { usage, excess: used(usage, resource) - requested, priority: usage.pod.spec.priority ?? 0 };
  });
  const byRequest = resource !== 'pids';
  return ranked.toSorted((a, b) => (byRequest ? Number(b.excess > 0) - Number(a.excess > 0) : 0) || a.priority - b.priority || b.excess - a.excess).map(({ usage }) => usage);
}

/** Upstream: eviction evictionMessage. */
export function evictionMessage({ pod, containers }: PodUsage, threshold: Threshold, level: Level): string {
  const { resource } = signals[threshold.signal];
  const { signal } = threshold;
  const excesses = resource === 'inodes' || resource === 'pids' ? [] : containers.flatMap((container) => {
    const own = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find(({ name }) => name === container.name);
    const request = own?.resources?.requests?.[resource] ?? '0';
    const bytes = resource === 'memory' ? container.memoryBytes : container.rootfs.bytes + container.logs.bytes;
    return own && bytes > quantityValue(request) ? [`Container ${container.name} was using ${amountText(signal, bytes)}, request is ${request}, has larger consumption of ${resource}. `] : [];
  });
  const quantity = amountText(signal, quantityOfThreshold(threshold, level.capacity));
  return `The node was low on resource: ${resource}. Threshold quantity: ${quantity}, available: ${ki(signal, level.available)}. ${excesses.join('')}`;
}

/** What is left is counted in kibibytes by the kernel. */
const ki = (signal: Threshold['signal'], amount: number): string => (signals[signal].resource === 'memory' || signals[signal].resource === 'ephemeral-storage' ? `${Math.floor(amount / 1024)}Ki` : quantityOf(amount));

/** Whether limits of its own on local storage make measuring the pod worth while. */
export function limitsStorage({ spec }: Pod): boolean {
  return [...spec.containers, ...(spec.initContainers ?? [])].some(({ resources }) => resources?.limits?.['ephemeral-storage'] !== undefined)
    || (spec.volumes ?? []).some(({ emptyDir }) => emptyDir?.sizeLimit !== undefined && emptyDir.medium !== 'Memory');
}

/** Why a pod that writes more than it may must go; undefined: it keeps to its limits. Upstream: eviction localStorageEviction. */
export function storageExcess(usage: PodUsage): string | undefined {
  const { pod, containers, volumes } = usage;
  for (const { name, emptyDir } of pod.spec.volumes ?? []) {
    const limit = emptyDir?.sizeLimit;
    if (limit && quantityValue(limit) > 0 && (volumes[name]?.bytes ?? 0) > quantityValue(limit)) return `Usage of EmptyDir volume "${name}" exceeds the limit "${limit}". `;
  }
  const podLimit = podResourceLimits(pod)['ephemeral-storage'];
  if (podLimit !== undefined && used(usage, 'ephemeral-storage') > quantityValue(podLimit)) return `Pod ephemeral local storage usage exceeds the total limit of containers ${podLimit}. `;
  for (const { name, resources } of pod.spec.containers) {
    const limit = resources?.limits?.['ephemeral-storage'];
    const use = containers.find((container) => container.name === name);
    if (limit && quantityValue(limit) > 0 && use && use.rootfs.bytes + use.logs.bytes > quantityValue(limit)) return `Container ${name} exceeded its local ephemeral storage limit "${limit}". `;
  }
  return undefined;
}
