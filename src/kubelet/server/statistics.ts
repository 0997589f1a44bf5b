import type { Pod } from '../../api/generated/core-v1.ts';
import type { ContainerStats, CriRuntime, FilesystemUsage } from '../../cri/runtime.ts';
import type { MachineFacts } from '../machine-facts.ts';
import { label } from '../pod/observation.ts';

interface Sample {
  readonly atNs: number;
  readonly usageNs: number;
}

/** What the node itself uses besides its containers: the process that the kubelet is in. */
export interface OwnUsage {
  readonly cpuSeconds: number;
  readonly nanoCores: number;
  readonly memoryBytes: number;
}

export interface ContainerUsage {
  readonly id: string;
  readonly pod: string;
  readonly namespace: string;
  readonly uid: string;
  readonly container: string;
  readonly atMs: number;
  readonly cpuSeconds: number;
  readonly nanoCores: number;
  readonly workingSetBytes: number;
  readonly usageBytes: number;
  readonly rssBytes: number;
  readonly stats: ContainerStats;
}

/** What containers use, from the runtime's counters. Keeps the last samples, to tell rates where the runtime does not. */
export class UsageReader {
  readonly #runtime: CriRuntime;
  readonly #samples = new Map<string, Sample>();
  #own: Sample | undefined;

  constructor(runtime: CriRuntime) {
    this.#runtime = runtime;
  }

  async read(): Promise<readonly ContainerUsage[]> {
    const all = await this.#runtime.listContainerStats();
    const usages = all.flatMap((stats) => this.#usage(stats) ?? []);
    const present = new Set(usages.map(({ id }) => id));
    for (const id of this.#samples.keys()) if (!present.has(id)) this.#samples.delete(id);
    return usages;
  }

  /** Of this process. */
  own(nowMs: number): OwnUsage {
    const { user, system } = process.cpuUsage();
    const sample = { atNs: nowMs * 1e6, usageNs: (user + system) * 1000 };
    const before = this.#own ?? sample;
    const nanoCores = sample.atNs > before.atNs ? Math.round(((sample.usageNs - before.usageNs) / (sample.atNs - before.atNs)) * 1e9) : 0;
    if (!this.#own || sample.atNs - before.atNs > 5e9) this.#own = sample;
    return { cpuSeconds: sample.usageNs / 1e9, nanoCores, memoryBytes: process.memoryUsage.rss() };
  }

  #usage(stats: ContainerStats): ContainerUsage | undefined {
    const { attributes, cpu, memory } = stats;
    const labels = attributes?.labels ?? {};
    const container = labels[label.containerName];
    if (!attributes || !container || !cpu || !memory) return undefined;
    const usageNs = cpu.usageCoreNanoSeconds?.value ?? 0;
    const before = this.#samples.get(attributes.id);
    const rate = before && cpu.timestamp > before.atNs ? ((usageNs - before.usageNs) / (cpu.timestamp - before.atNs)) * 1e9 : 0;
    // Samples close together make rates that jump.
    if (!before || cpu.timestamp - before.atNs > 5e9) this.#samples.set(attributes.id, { atNs: cpu.timestamp, usageNs });
    const workingSetBytes = memory.workingSetBytes?.value ?? 0;
    return {
      id: attributes.id, container, pod: labels[label.podName] ?? '', namespace: labels[label.podNamespace] ?? '', uid: labels[label.podUid] ?? '',
      atMs: Math.floor(cpu.timestamp / 1e6), cpuSeconds: usageNs / 1e9, nanoCores: Math.max(0, Math.round(cpu.usageNanoCores?.value || rate)), workingSetBytes,
      usageBytes: memory.usageBytes?.value || workingSetBytes, rssBytes: memory.rssBytes?.value || workingSetBytes, stats,
    };
  }
}

function group(usages: readonly ContainerUsage[]): ReadonlyMap<string, readonly ContainerUsage[]> {
  return Map.groupBy(usages, ({ uid }) => uid);
}

const sum = (usages: readonly ContainerUsage[], pick: (usage: ContainerUsage) => number): number => usages.reduce((total, usage) => total + pick(usage), 0);

/** `/metrics/resource`, as metrics-server reads it. Upstream: kubelet/metrics/collectors/resource_metrics.go. */
export function resourceMetrics(usages: readonly ContainerUsage[], own: OwnUsage, startedMs: (id: string) => number, nowMs: number): string {
  const lines: string[] = [];
  const family = (name: string, help: string, type: 'counter' | 'gauge', rows: readonly (readonly [labels: Readonly<Record<string, string>>, value: number, atMs: number])[]): void => {
    lines.push(`# HELP ${name} [STABLE] ${help}`, `# TYPE ${name} ${type}`);
    for (const [labels, value, atMs] of rows) {
      const text = Object.entries(labels).map(([key, v]) => `${key}="${v}"`).join(',');
      lines.push(`${name}${text ? `{${text}}` : ''} ${value} ${atMs}`);
    }
  };
  const ofContainer = ({ container, namespace, pod }: ContainerUsage) => ({ container, namespace, pod });
  const pods = [...group(usages).values()];
  const ofPod = ([first]: readonly ContainerUsage[]) => ({ namespace: first!.namespace, pod: first!.pod });
  family('container_cpu_usage_seconds_total', 'Cumulative cpu time consumed by the container in core-seconds', 'counter', usages.map((u) => [ofContainer(u), u.cpuSeconds, u.atMs]));
  family('container_memory_working_set_bytes', 'Current working set of the container in bytes', 'gauge', usages.map((u) => [ofContainer(u), u.workingSetBytes, u.atMs]));
  family('container_start_time_seconds', 'Start time of the container since unix epoch in seconds', 'gauge', usages.map((u) => [ofContainer(u), startedMs(u.id) / 1000, u.atMs]));
  family('node_cpu_usage_seconds_total', 'Cumulative cpu time consumed by the node in core-seconds', 'counter', [[{}, own.cpuSeconds + sum(usages, (u) => u.cpuSeconds), nowMs]]);
  family('node_memory_working_set_bytes', 'Current working set of the node in bytes', 'gauge', [[{}, own.memoryBytes + sum(usages, (u) => u.workingSetBytes), nowMs]]);
  family('pod_cpu_usage_seconds_total', 'Cumulative cpu time consumed by the pod in core-seconds', 'counter', pods.map((p) => [ofPod(p), sum(p, (u) => u.cpuSeconds), p[0]!.atMs]));
  family('pod_memory_working_set_bytes', 'Current working set of the pod in bytes', 'gauge', pods.map((p) => [ofPod(p), sum(p, (u) => u.workingSetBytes), p[0]!.atMs]));
  lines.push('# HELP resource_scrape_error [STABLE] 1 if there was an error while getting container metrics, 0 otherwise', '# TYPE resource_scrape_error gauge', 'resource_scrape_error 0');
  return `${lines.join('\n')}\n`;
}

/** `/stats/summary`. Upstream: kubelet/pkg/apis/stats/v1alpha1. */
export function statsSummary(input: {
  nodeName: string; own: OwnUsage; usages: readonly ContainerUsage[]; pods: readonly Pod[]; machine: MachineFacts; imageFs: FilesystemUsage | undefined;
  startedMs: (id: string) => number; nodeStartedMs: number; nowMs: number;
}): object {
  const { usages, own, machine, nowMs, imageFs } = input;
  const time = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
  const now = time(nowMs);
  const nothing: OwnUsage = { cpuSeconds: 0, nanoCores: 0, memoryBytes: 0 };
  const cpu = (list: readonly ContainerUsage[], base = nothing) => ({
    time: now, usageNanoCores: base.nanoCores + sum(list, (u) => u.nanoCores), usageCoreNanoSeconds: Math.round((base.cpuSeconds + sum(list, (u) => u.cpuSeconds)) * 1e9),
  });
  const memory = (list: readonly ContainerUsage[], { memoryBytes: base } = nothing) => ({
    time: now, usageBytes: base + sum(list, (u) => u.usageBytes), workingSetBytes: base + sum(list, (u) => u.workingSetBytes), rssBytes: base + sum(list, (u) => u.rssBytes),
    pageFaults: sum(list, (u) => u.stats.memory?.pageFaults?.value ?? 0), majorPageFaults: sum(list, (u) => u.stats.memory?.majorPageFaults?.value ?? 0),
  });
  const fs = { time: now, availableBytes: machine.storageAvailableBytes, capacityBytes: machine.storageBytes };
  const byPod = group(usages);
  return {
    node: {
      nodeName: input.nodeName, startTime: time(input.nodeStartedMs), cpu: cpu(usages, own), memory: { ...memory(usages, own), availableBytes: machine.memoryAvailableBytes },
      fs: { ...fs, usedBytes: machine.storageBytes - machine.storageAvailableBytes },
      runtime: { imageFs: { ...fs, usedBytes: imageFs?.usedBytes?.value ?? 0 } },
    },
    pods: input.pods.filter((pod) => byPod.has(pod.metadata.uid)).map((pod) => {
      const own = byPod.get(pod.metadata.uid)!;
      return {
        podRef: { name: pod.metadata.name, namespace: pod.metadata.namespace, uid: pod.metadata.uid }, startTime: pod.status?.startTime ?? now,
        containers: own.map((u) => ({
          name: u.container, startTime: time(input.startedMs(u.id)), cpu: cpu([u]), memory: memory([u]),
          rootfs: { ...fs, usedBytes: u.stats.writableLayer?.usedBytes?.value ?? 0, inodesUsed: u.stats.writableLayer?.inodesUsed?.value ?? 0 },
        })),
        cpu: cpu(own), memory: memory(own),
        'ephemeral-storage': { ...fs, usedBytes: own.reduce((total, u) => total + (u.stats.writableLayer?.usedBytes?.value ?? 0), 0) },
      };
    }),
  };
}
