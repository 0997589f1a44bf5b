import { readdirSync, readFileSync } from 'node:fs';
import type { MachineFacts } from '../kubelet/machine-facts.ts';
import { machineFacts } from '../machine/index.ts';

/** The machine as the kubelet asks for it; `folder` is on the file system that counts. */
export function kubeletMachineFacts(folder: string): () => Promise<MachineFacts> {
  return async () => {
    const facts = machineFacts(folder);
    const available = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'));
    const { capacityBytes, availableBytes, inodes, inodesFree } = facts.filesystem;
    return {
      ...facts, inodes: { capacity: inodes, available: inodesFree }, processes: processes(), hugePages: hugePages(), appArmor: readOr('/sys/module/apparmor/parameters/enabled', 'N').startsWith('Y'), storageBytes: capacityBytes, storageAvailableBytes: availableBytes,
      memoryAvailableBytes: available ? Number(available[1]) * 1024 : facts.memoryBytes,
    };
  };
}

/** Upstream: kubelet/stats/pidlimit. */
function processes(): { readonly capacity: number; readonly available: number } {
  const capacity = Math.min(Number(readFileSync('/proc/sys/kernel/pid_max', 'utf8')), Number(readFileSync('/proc/sys/kernel/threads-max', 'utf8')));
  // `0.20 0.18 0.12 1/80 11206`: the number after the slash is of all threads there are.
  const [, used = '0'] = /\/(\d+)/.exec(readFileSync('/proc/loadavg', 'utf8')) ?? [];
  return { capacity, available: Math.max(0, capacity - Number(used)) };
}

const HUGE_PAGES = '/sys/kernel/mm/hugepages';

/** `hugepages-2048kB/nr_hugepages`, for every size the kernel knows. */
function hugePages(): readonly { readonly bytes: number; readonly count: number }[] {
  let names: string[];
  try {
    names = readdirSync(HUGE_PAGES);
  } catch (error) {
    // A kernel without them.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return names.flatMap((name) => {
    const kibibytes = /^hugepages-(\d+)kB$/.exec(name)?.[1];
    return kibibytes ? [{ bytes: Number(kibibytes) * 1024, count: Number(readOr(`${HUGE_PAGES}/${name}/nr_hugepages`, '0')) }] : [];
  });
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return otherwise;
    throw error;
  }
}
