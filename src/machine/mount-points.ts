import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Directories that containerd and the CNI plugins have compiled in, which inside a node lead to the node's own memory, and the one
 * that local volumes are made in, which leads to a folder of the node's.
 */
const MOUNT_POINTS = ['/run/containerd', '/var/lib/cni', '/var/lib/wherry/local-path'] as const;
const MADE_BY_US = '.made-by-wherry';

/** Something must be there to mount upon. */
export function makeMountPoints(): void {
  for (const directory of MOUNT_POINTS) if (mkdirSync(directory, { recursive: true }) !== undefined) writeFileSync(join(directory, MADE_BY_US), '');
}

/**
 * Removes the directories we made, if nobody has put anything into them since. Only when no node of any cluster is left:
 * removing a directory silently takes away what is mounted on it in other mount namespaces.
 */
export function removeMountPoints(): void {
  for (const directory of MOUNT_POINTS) {
    const note = join(directory, MADE_BY_US);
    if (!existsSync(note)) continue;
    rmSync(note);
    if (readdirSync(directory).length === 0) rmdirSync(directory);
  }
}
