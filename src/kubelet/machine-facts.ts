/** What the machine under the node is and has; read at the start and before each status update. */
export interface MachineFacts {
  readonly cpus: number;
  readonly memoryBytes: number;
  /** Of the file system that holds `rootDir`. */
  readonly storageBytes: number;
  readonly storageAvailableBytes: number;
  readonly memoryAvailableBytes: number;
  /** Of the file system that holds `rootDir`; undefined: it does not count them. */
  readonly inodes?: { readonly capacity: number; readonly available: number };
  /** How many processes and threads the machine can have, and how many more than it has. */
  readonly processes?: { readonly capacity: number; readonly available: number };
  /** How many pages of each size were set aside; they are no part of the memory that pods ask for. */
  readonly hugePages?: readonly { readonly bytes: number; readonly count: number }[];
  /** Whether the kernel confines by AppArmor profiles; undefined: not known, taken to do so. */
  readonly appArmor?: boolean;
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
  readonly kernelVersion: string;
  /** `Debian GNU/Linux 12 (bookworm)` */
  readonly osImage: string;
  /** `amd64`, `arm64` */
  readonly architecture: string;
}
