import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { readMounts, type Mount } from './mounts.ts';
import { sendSignal } from './process-table.ts';

export type CgroupMode = 'v1' | 'hybrid' | 'v2' | 'none';

/** How this machine's cgroups are laid out: `hybrid` is v1 with an (unused) v2 tree beside it. */
export function cgroupMode(mounts: readonly Mount[] = readMounts()): CgroupMode {
  const v1 = mounts.some((mount) => mount.type === 'cgroup');
  const v2 = mounts.some((mount) => mount.type === 'cgroup2');
  if (v1) return v2 ? 'hybrid' : 'v1';
  return v2 ? 'v2' : 'none';
}

/** Where the hierarchies are mounted: several with v1, one with v2. */
export function cgroupHierarchies(mounts: readonly Mount[] = readMounts()): string[] {
  return [...new Set(mounts.filter((mount) => mount.type === 'cgroup' || mount.type === 'cgroup2').map((mount) => mount.target))];
}

/** The cgroup under which everything of one node of cluster number `index` lives; `/kubepods` comes below it. */
export function nodeCgroup(index: number, nodeName: string): string {
  return `/wherry/${index}/${nodeName}`;
}

/** All processes in the cgroup and those below it, in any hierarchy. */
export function cgroupProcesses(cgroup: string): number[] {
  const found = new Set<number>();
  for (const directory of existingDirectories(cgroup)) {
    walk(directory, (path) => {
      for (const pid of readIfThere(join(path, 'cgroup.procs')).split('\n')) if (pid && pid !== '0') found.add(Number(pid));
    });
  }
  return [...found];
}

/**
 * Lets the processes of the cgroup and of those below it go on. An OCI runtime freezes a container for a moment when it signals or changes it; one that is
 * killed in that moment leaves it frozen, and with v1 a frozen process takes no signal, not even SIGKILL. (With v2 it does.)
 */
export function thawCgroup(cgroup: string): void {
  for (const directory of existingDirectories(cgroup)) {
    walk(directory, (path) => {
      const state = join(path, 'freezer.state');
      // FROZEN, or FREEZING yet.
      if (!readIfThere(state).startsWith('FR')) return;
      try {
        writeFileSync(state, 'THAWED');
      } catch (error) {
        // The cgroup was removed meanwhile.
        if (!['ENOENT', 'ENODEV'].includes((error as NodeJS.ErrnoException).code!)) throw error;
      }
    });
  }
}

/**
 * Removes a cgroup and all below it from every hierarchy: containerd never removes the parents it was told to use, as
 * `/kubepods/besteffort/pod<UID>`. Waits up to `patienceMs` for processes that are still dying; rejects after it. What a pod's cgroup still holds then is killed:
 * a shim that was killed may have left it to nobody. Upstream: podContainerManager tryKillingCgroupProcesses.
 */
export async function removeCgroup(cgroup: string, options: { readonly clock: Clock; readonly patienceMs?: number }): Promise<void> {
  const { clock, patienceMs = 2_000 } = options;
  if (!/^\/[^/]/.test(cgroup) || cgroup.includes('..')) throw new Error(`${cgroup} is no cgroup to remove`);
  const begun = clock.monotonic();
  const deadline = begun + patienceMs;
  for (;;) {
    const busy = existingDirectories(cgroup).flatMap((directory) => removeTree(directory));
    if (busy.length === 0) return;
    if (isPodCgroup(cgroup) && clock.monotonic() - begun >= DYING_MS) {
      thawCgroup(cgroup);
      for (const pid of cgroupProcesses(cgroup)) sendSignal(pid, 'SIGKILL');
    }
    if (clock.monotonic() >= deadline) throw new Error(`cgroup ${busy[0]} is still in use by ${readIfThere(join(busy[0]!, 'cgroup.procs')).trim().split('\n').join(', ') || 'someone'}`);
    await clock.sleep(10);
  }
}

/** So long processes may take to die that were killed already. */
const DYING_MS = 500;

const isPodCgroup = (cgroup: string): boolean => /\/kubepods\/(\w+\/)?pod[\w-]+$/.test(cgroup);

/** Answers the directories that are busy yet. */
function removeTree(root: string): string[] {
  const busy: string[] = [];
  walk(root, (path) => {
    try {
      rmdirSync(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EBUSY' || code === 'ENOTEMPTY') busy.push(path);
      else if (code !== 'ENOENT') throw error;
    }
  });
  return busy;
}

/** Children before parents. */
function walk(path: string, visit: (path: string) => void): void {
  let entries;
  try {
    entries = readdirSync(path, { withFileTypes: true });
  } catch (error) {
    // Somebody else (the runtime) removed it meanwhile.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  for (const entry of entries) if (entry.isDirectory()) walk(join(path, entry.name), visit);
  visit(path);
}

function existingDirectories(cgroup: string): string[] {
  return cgroupHierarchies().map((mount) => join(mount, cgroup)).filter((path) => existsSync(path));
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // ENODEV and EOPNOTSUPP: the cgroup was removed under our hands, or is of the threaded kind.
    if (code === 'ENOENT' || code === 'ENODEV' || code === 'EOPNOTSUPP') return '';
    throw error;
  }
}
