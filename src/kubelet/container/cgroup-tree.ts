import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pod } from '../../api/generated/core-v1.ts';
import { qosClass } from '../../api/pod/qos-class.ts';
import { podResourceRequests } from '../../api/pod/resources.ts';
import { milliValue } from '../../api/quantity.ts';
import type { LinuxContainerResources } from '../../cri/runtime.ts';
import { cpuShares } from './resources.ts';

/** Where the controllers `cpu` and `memory` are: two hierarchies in version 1, one in version 2. */
export function cgroupMounts(mountInfo: string): { readonly cpu?: string; readonly memory?: string; readonly unified?: string } {
  const found: { cpu?: string; memory?: string; unified?: string } = {};
  for (const line of mountInfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const target = before.split(' ')[4] ?? '';
    const [type, , options = ''] = after.split(' ');
    if (type === 'cgroup2') found.unified = target;
    if (type === 'cgroup') for (const controller of ['cpu', 'memory'] as const) if (options.split(',').includes(controller)) found[controller] = target;
  }
  return found;
}

/** Shares (2..262144) as weight (1..10000). Upstream: libcontainer ConvertCPUSharesToCgroupV2Value. */
export const cpuWeight = (shares: number): number => Math.floor(1 + ((shares - 2) * 9999) / 262_142);

/** The files of a pod's cgroup and what is written into them. */
export function cgroupFiles(version: 'v1' | 'v2', { cpuShares: shares, cpuQuota, cpuPeriod = 100_000, memoryLimitInBytes: memory }: LinuxContainerResources): readonly (readonly ['cpu' | 'memory', string, string])[] {
  if (version === 'v2') {
    return [
      ...(shares ? [['cpu', 'cpu.weight', String(cpuWeight(shares))] as const] : []), ['cpu', 'cpu.max', cpuQuota ? `${cpuQuota} ${cpuPeriod}` : `max ${cpuPeriod}`],
      ['memory', 'memory.max', memory ? String(memory) : 'max'],
    ];
  }
  return [
    ...(shares ? [['cpu', 'cpu.shares', String(shares)] as const] : []), ['cpu', 'cpu.cfs_quota_us', String(cpuQuota || -1)], ['memory', 'memory.limit_in_bytes', String(memory || -1)],
  ];
}

/**
 * Resources of the cgroups above containers. The runtime makes these on its way and leaves them at their defaults, by which every pod
 * would weigh the same whatever it asks for. Upstream: cm/pod_container_manager_linux.go, cm/qos_container_manager_linux.go.
 */
export class CgroupTree {
  readonly #version: 'v1' | 'v2';
  readonly #root: string;
  readonly #mounts: ReturnType<typeof cgroupMounts>;
  /** The shares of the classes as last written. */
  readonly #classes = new Map<string, number>();

  constructor(version: 'v1' | 'v2', root: string, mountInfo = readFileSync('/proc/self/mountinfo', 'utf8')) {
    this.#version = version;
    this.#root = root;
    this.#mounts = cgroupMounts(mountInfo);
  }

  /** Of which pods there are cgroups, in whichever hierarchy. */
  pods(): readonly { readonly uid: string; readonly path: string }[] {
    const paths = new Set<string>();
    for (const mount of Object.values(this.#mounts)) {
      for (const parent of ['', '/burstable', '/besteffort'].map((qos) => `${this.#root}/kubepods${qos}`)) {
        for (const name of directoriesIn(join(mount, parent))) if (/^pod[\w-]+$/.test(name)) paths.add(`${parent}/${name}`);
      }
    }
    return [...paths].map((path) => ({ uid: path.slice(path.lastIndexOf('/pod') + '/pod'.length), path }));
  }

  /** Of a pod whose cgroup exists by now. */
  setPod(path: string, resources: LinuxContainerResources): void {
    for (const [controller, file, value] of cgroupFiles(this.#version, resources)) this.#write(controller, path, file, value);
  }

  /** Bytes of memory in use within a cgroup; undefined: there is no such cgroup. */
  memoryUsage(path: string): number | undefined {
    const mount = this.#version === 'v2' ? this.#mounts.unified : this.#mounts.memory;
    try {
      return mount === undefined ? undefined : Number(readFileSync(join(mount, path, this.#version === 'v2' ? 'memory.current' : 'memory.usage_in_bytes'), 'utf8'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Best-effort pods get what the others leave; burstable ones together what they ask for together. */
  setClasses(pods: readonly Pod[]): void {
    const burstable = pods.filter((pod) => (pod.status?.qosClass ?? qosClass(pod)) === 'Burstable').reduce((sum, pod) => sum + milliValue(podResourceRequests(pod)['cpu']), 0);
    for (const [name, shares] of [['besteffort', 2], ['burstable', cpuShares(burstable)]] as const) {
      if (this.#classes.get(name) === shares) continue;
      const [file, value] = this.#version === 'v2' ? ['cpu.weight', String(cpuWeight(shares))] : ['cpu.shares', String(shares)];
      if (this.#write('cpu', `${this.#root}/kubepods/${name}`, file!, value!)) this.#classes.set(name, shares);
    }
  }

  /** At once, without the thread pool: these files are the kernel's, there is nothing to wait for. False: there is no such file. */
  #write(controller: 'cpu' | 'memory', path: string, file: string, value: string): boolean {
    const mount = this.#version === 'v2' ? this.#mounts.unified : this.#mounts[controller];
    if (!mount) return false;
    const full = join(mount, path, file);
    try {
      if (readFileSync(full, 'utf8').trim() !== value) writeFileSync(full, value);
      return true;
    } catch (error) {
      // No pod of this class yet, or one that has gone already; or a kernel without bandwidth control.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return false;
    }
  }
}

function directoriesIn(path: string): readonly string[] {
  try {
    return readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    // No pod of this class yet.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
