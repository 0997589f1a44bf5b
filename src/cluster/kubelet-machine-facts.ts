import { readFileSync } from 'node:fs';
import type { MachineFacts } from '../kubelet/options.ts';
import { machineFacts } from '../machine/index.ts';

/** The machine as the kubelet asks for it; `folder` is on the file system that counts. */
export function kubeletMachineFacts(folder: string): () => Promise<MachineFacts> {
  return async () => {
    const facts = machineFacts(folder);
    const available = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'));
    return {
      ...facts, storageBytes: facts.filesystem.capacityBytes, storageAvailableBytes: facts.filesystem.availableBytes,
      memoryAvailableBytes: available ? Number(available[1]) * 1024 : facts.memoryBytes,
    };
  };
}
