import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { mountCommand } from '../kubelet/volumes/mount-command.ts';

const run = promisify(execFile);

/** Where programs that look after a node (storage drivers, collectors of logs) expect the kubelet's folder. */
export const KUBELET_FOLDER = '/var/lib/kubelet';

/**
 * Shows the kubelet's folder under the name that everybody knows, in the node's mount namespace alone. Both are one shared mount, so that
 * what a storage driver mounts in its container is mounted for the kubelet too.
 */
export async function showKubeletFolder(rootDir: string): Promise<void> {
  if (await mountCommand.isMounted(KUBELET_FOLDER)) return;
  mkdirSync(KUBELET_FOLDER, { recursive: true });
  for (const target of [rootDir, KUBELET_FOLDER]) await run('mount', ['--rbind', '--make-rshared', rootDir, target]);
}

/** Takes away the empty place on the machine where nodes showed their folders; `numbers` holds a link for each cluster there is. */
export function forgetKubeletFolder(numbers: string): void {
  try {
    // With another cluster there, something is mounted on it in namespaces that cannot be seen from here.
    if (readdirSync(numbers).length === 0) rmdirSync(KUBELET_FOLDER);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Never made, or the folder of another kubelet of this machine.
    if (code !== 'ENOENT' && code !== 'ENOTEMPTY' && code !== 'EBUSY' && code !== 'EACCES' && code !== 'EPERM') throw error;
  }
}
