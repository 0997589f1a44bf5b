import type { MachineFacts } from '../machine-facts.ts';
import { metricFamily, type Labels } from './metrics-text.ts';
import type { ContainerUsage } from './statistics.ts';

/**
 * `/metrics/cadvisor`, as far as the runtime tells what cAdvisor reads from the kernel: what scrapers of nodes look for first. None of these names is stable with
 * upstream. Network, disks and throttling are not told.
 */
export function containerMetrics(usages: readonly ContainerUsage[], images: (id: string) => string, startedMs: (id: string) => number, machine: MachineFacts): string {
  const labels = (usage: ContainerUsage): Labels => ({ container: usage.container, id: usage.id, image: images(usage.id), name: usage.id, namespace: usage.namespace, pod: usage.pod });
  const family = (name: string, type: 'counter' | 'gauge', help: string, value: (usage: ContainerUsage) => number, more: Labels = {}): string =>
    metricFamily(name, type, help, usages.map((usage) => [{ ...labels(usage), ...more }, value(usage), usage.atMs]));
  return [
    family('container_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed in seconds.', ({ cpuSeconds }) => cpuSeconds, { cpu: 'total' }),
    family('container_memory_working_set_bytes', 'gauge', 'Current working set in bytes.', ({ workingSetBytes }) => workingSetBytes),
    family('container_memory_usage_bytes', 'gauge', 'Current memory usage in bytes, including all memory regardless of when it was accessed', ({ usageBytes }) => usageBytes),
    family('container_memory_rss', 'gauge', 'Size of RSS in bytes.', ({ rssBytes }) => rssBytes),
    family('container_fs_usage_bytes', 'gauge', 'Number of bytes that are consumed by the container on this filesystem.', ({ stats }) => stats.writableLayer?.usedBytes?.value ?? 0),
    family('container_start_time_seconds', 'gauge', 'Start time of the container since unix epoch in seconds.', ({ id }) => startedMs(id) / 1000),
    metricFamily('machine_cpu_cores', 'gauge', 'Number of logical CPU cores.', [[{}, machine.cpus]]),
    metricFamily('machine_memory_bytes', 'gauge', 'Amount of memory installed on the machine.', [[{}, machine.memoryBytes]]),
  ].join('');
}
