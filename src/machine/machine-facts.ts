import { readFileSync, statfsSync } from 'node:fs';
import { arch, availableParallelism, release } from 'node:os';
import { cgroupMode, type CgroupMode } from './cgroups.ts';

/** What a node tells about the machine it is on (`node.status.capacity` and `node.status.nodeInfo`). Bytes are plain numbers. */
export interface MachineFacts {
  readonly cpus: number;
  readonly memoryBytes: number;
  /** Of the file system that holds the data directory. */
  readonly filesystem: { readonly capacityBytes: number; readonly availableBytes: number; readonly inodes: number; readonly inodesFree: number };
  readonly kernelVersion: string;
  /** As `PRETTY_NAME` of os-release, `Debian GNU/Linux 12 (bookworm)`. */
  readonly osImage: string;
  /** `amd64`, `arm64`. */
  readonly architecture: string;
  /** Empty where the machine has none. */
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
  readonly cgroupMode: CgroupMode;
}

export function machineFacts(dataDir: string): MachineFacts {
  const fs = statfsSync(dataDir);
  const machineId = read('/etc/machine-id') || read('/var/lib/dbus/machine-id');
  return {
    cpus: availableParallelism(),
    memoryBytes: memoryTotal(read('/proc/meminfo')),
    filesystem: { capacityBytes: fs.blocks * fs.bsize, availableBytes: fs.bavail * fs.bsize, inodes: fs.files, inodesFree: fs.ffree },
    kernelVersion: release(),
    osImage: prettyName(read('/etc/os-release') || read('/usr/lib/os-release')),
    architecture: { x64: 'amd64', ia32: '386' }[arch() as string] ?? arch(),
    machineId,
    systemUuid: read('/sys/class/dmi/id/product_uuid') || machineId,
    bootId: read('/proc/sys/kernel/random/boot_id'),
    cgroupMode: cgroupMode(),
  };
}

export function memoryTotal(meminfo: string): number {
  return Number(/^MemTotal:\s+(\d+) kB/m.exec(meminfo)?.[1] ?? 0) * 1024;
}

export function prettyName(osRelease: string): string {
  return /^PRETTY_NAME=(["']?)(.*)\1$/m.exec(osRelease)?.[2] ?? 'Linux';
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    // A fact that this machine does not tell.
    return '';
  }
}
