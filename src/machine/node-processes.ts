import { readlinkSync, statSync } from 'node:fs';
import type { Clock } from '../base/clock.ts';
import { cgroupProcesses, thawCgroup } from './cgroups.ts';
import { readMounts } from './mounts.ts';
import { processIds, sendSignal, statOf } from './process-table.ts';

/** By what a node's processes are known. */
export interface NodeProcesses {
  /** The files that its namespaces are bound to. */
  readonly namespaces: Readonly<Record<(typeof KINDS)[number], string>>;
  readonly cgroup: string;
}

const KINDS = ['net', 'mnt', 'uts'] as const;

/**
 * Kills every process of the node: those in its namespaces (containerd, its shims, our node process) and those in its cgroups
 * (containers). Looks again until none is left, for a shim may just have started one more.
 */
export async function killNodeProcesses(node: NodeProcesses, clock: Clock): Promise<void> {
  const deadline = clock.monotonic() + 10_000;
  for (;;) {
    const pids = new Set([...namespaceProcesses(node.namespaces), ...cgroupProcesses(node.cgroup)]);
    pids.delete(process.pid);
    if (pids.size === 0) return;
    if (clock.monotonic() > deadline) throw new Error(`processes in ${node.cgroup} do not end: ${[...pids].join(', ')}`);
    for (const pid of pids) sendSignal(pid, 'SIGKILL');
    thawCgroup(node.cgroup);
    await clock.sleep(10);
  }
}

function namespaceProcesses(files: NodeProcesses['namespaces']): number[] {
  const mounted = new Set(readMounts().filter((mount) => mount.type === 'nsfs').map((mount) => mount.target));
  const names = KINDS.filter((kind) => mounted.has(files[kind])).map((kind) => `${kind}:[${statSync(files[kind]).ino}]`);
  if (names.length === 0) return [];
  return processIds().filter((pid) => KINDS.some((kind) => names.includes(namespaceOf(pid, kind))) && !isZombie(pid));
}

function namespaceOf(pid: number, kind: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Ended meanwhile, or a zombie, which has none.
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES') return '';
    throw error;
  }
}

/** Or gone altogether. */
const isZombie = (pid: number): boolean => (statOf(pid)[0] ?? 'Z') === 'Z';
