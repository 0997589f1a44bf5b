import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pod } from '../../api/generated/core-v1.ts';
import type { IdMapping, UserNamespace } from '../../cri/runtime.ts';

/** So many ids a pod has of its own, and as many are the host's. Upstream: userns-manager, without subordinate ids of a kubelet user. */
const IDS_PER_POD = 65_536;
const FILE = 'userns';

/** As upstream writes it into the pod's folder. */
interface MappingsFile {
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
}

/**
 * Which ids of the host the users of a pod are that asks for a user namespace (`hostUsers: false`): a range that no other pod of the node has. It is
 * kept in the pod's folder, so that a pod's volumes and sandboxes mean the same users whatever restarts.
 */
export class UserNamespaces {
  readonly #pods: string;
  readonly #most: number;
  /** First ids, by pod. */
  readonly #used = new Map<string, number>();

  /** `pods`: the folder of pods' folders. */
  constructor(pods: string, most: number) {
    this.#pods = pods;
    this.#most = most;
    for (const uid of readdirSync(pods)) {
      const first = readMappings(join(pods, uid, FILE))?.uidMappings[0]?.hostId;
      if (first !== undefined) this.#used.set(uid, first);
    }
  }

  /** undefined: the pod shares the host's users. The pod's folder must be there. Throws when all ranges are taken. */
  of({ metadata: { uid }, spec }: Pod): UserNamespace | undefined {
    if (spec.hostUsers !== false) return undefined;
    const hostId = this.#used.get(uid) ?? this.#take(uid);
    const mappings: readonly IdMapping[] = [{ hostId, containerId: 0, length: IDS_PER_POD }];
    return { mode: 'POD', uids: mappings, gids: mappings };
  }

  /** The pod and all that it owned are gone. */
  release(uid: string): void {
    this.#used.delete(uid);
  }

  #take(uid: string): number {
    const taken = new Set(this.#used.values());
    for (let index = 1; index <= this.#most; index++) {
      const hostId = index * IDS_PER_POD;
      if (taken.has(hostId)) continue;
      const mappings: readonly IdMapping[] = [{ hostId, containerId: 0, length: IDS_PER_POD }];
      writeFileSync(join(this.#pods, uid, FILE), JSON.stringify({ uidMappings: mappings, gidMappings: mappings } satisfies MappingsFile), { mode: 0o600 });
      this.#used.set(uid, hostId);
      return hostId;
    }
    throw new Error('could not find an empty slot to allocate a user namespace');
  }
}

function readMappings(path: string): MappingsFile | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as MappingsFile;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code!)) return undefined;
    throw error;
  }
}
