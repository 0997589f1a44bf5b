import type { Pod } from '../../api/generated/core-v1.ts';
import { quantityValue } from '../../api/quantity.ts';
import { podResourceRequests } from '../../api/pod/resources.ts';

/** Less available memory than this, in bytes, and pods must go. Upstream: evictionHard memory.available=100Mi. */
export const MEMORY_THRESHOLD = 100 * 2 ** 20;

export interface PodUsage {
  readonly pod: Pod;
  readonly containers: readonly { readonly name: string; readonly memoryBytes: number }[];
}

const CRITICAL = 2_000_000_000;

/** The first to go: who uses more than it asked for, then the least important, then who exceeds its request the most. Upstream: eviction rankMemoryPressure. */
export function chooseVictim(usages: readonly PodUsage[]): PodUsage | undefined {
  const ranked = usages.filter(({ pod }) => (pod.spec.priority ?? 0) < CRITICAL).map((usage) => {
    const used = usage.containers.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
    const excess = used - quantityValue(podResourceRequests(usage.pod)['memory']);
    return { usage, excess };
  });
  ranked.sort((a, b) => Number(b.excess > 0) - Number(a.excess > 0) || (a.usage.pod.spec.priority ?? 0) - (b.usage.pod.spec.priority ?? 0) || b.excess - a.excess);
  return ranked[0]?.usage;
}

const ki = (bytes: number): string => `${Math.ceil(bytes / 1024)}Ki`;

/** Upstream: eviction evictionMessage. */
export function memoryMessage({ pod, containers }: PodUsage, availableBytes: number): string {
  const excesses = containers.flatMap(({ name, memoryBytes }) => {
    const request = pod.spec.containers.find((c) => c.name === name)?.resources?.requests?.['memory'] ?? '0';
    return memoryBytes > quantityValue(request) ? [`Container ${name} was using ${ki(memoryBytes)}, request is ${request}, has larger consumption of memory. `] : [];
  });
  return `The node was low on resource: memory. Threshold quantity: 100Mi, available: ${ki(availableBytes)}. ${excesses.join('')}`;
}

/** Limits of what a container may write, by its name. */
export function storageLimits(pod: Pod): ReadonlyMap<string, string> {
  return new Map(pod.spec.containers.flatMap(({ name, resources }) => {
    const limit = resources?.limits?.['ephemeral-storage'];
    return limit === undefined ? [] : [[name, limit] as const];
  }));
}

/** Empty folders on disk that a limit is set for. */
export function limitedFolders(pod: Pod): readonly { readonly volume: string; readonly limit: string }[] {
  return (pod.spec.volumes ?? []).flatMap(({ name, emptyDir }) => (emptyDir?.sizeLimit && emptyDir.medium !== 'Memory' ? [{ volume: name, limit: emptyDir.sizeLimit }] : []));
}
