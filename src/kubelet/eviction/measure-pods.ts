import { dirname, join } from 'node:path';
import type { CriRuntime } from '../../cri/runtime.ts';
import { label } from '../pod/observation.ts';
import type { PodWorker } from '../pod/pod-worker.ts';
import { diskUse } from './disk-use.ts';
import type { ContainerUse, DiskUse, PodUsage } from './ranking.ts';

export interface Measuring {
  readonly runtime: CriRuntime;
  readonly podDirectory: (uid: string) => string;
}

/** What each of these pods uses now. Costs a walk through their files: asked only under pressure, and of pods that limit what they may write. */
export async function measurePods(workers: readonly PodWorker[], { runtime, podDirectory }: Measuring, counted: { readonly processes: boolean }): Promise<readonly PodUsage[]> {
  const [containers, sandboxes] = await Promise.all([runtime.listContainerStats(), counted.processes ? runtime.listPodSandboxStats() : []]);
  const byUid = Map.groupBy(containers, (stats) => stats.attributes?.labels[label.podUid] ?? '');
  const processes = new Map(sandboxes.map((stats) => [stats.attributes?.metadata?.uid, stats.linux?.process?.processCount?.value ?? 0]));
  const result: PodUsage[] = [];
  for (const worker of workers) {
    const used: ContainerUse[] = [];
    for (const { attributes, memory, writableLayer } of byUid.get(worker.uid) ?? []) {
      const name = attributes?.labels[label.containerName] ?? '';
      const logPath = worker.observation.containers.find((container) => container.id === attributes?.id)?.logPath;
      used.push({
        name, memoryBytes: memory?.workingSetBytes?.value ?? 0, rootfs: { bytes: writableLayer?.usedBytes?.value ?? 0, inodes: writableLayer?.inodesUsed?.value ?? 0 },
        logs: logPath ? await diskUse(dirname(logPath)) : { bytes: 0, inodes: 0 },
      });
    }
    const volumes: Record<string, DiskUse> = {};
    for (const { name, emptyDir } of worker.pod.spec.volumes ?? []) {
      if (emptyDir && emptyDir.medium !== 'Memory') volumes[name] = await diskUse(join(podDirectory(worker.uid), 'volumes', 'kubernetes.io~empty-dir', name));
    }
    result.push({ pod: worker.pod, containers: used, volumes, processes: processes.get(worker.uid) ?? 0 });
  }
  return result;
}
