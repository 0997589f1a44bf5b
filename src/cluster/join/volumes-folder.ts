import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from '../../machine/index.ts';
import { readMounts } from '../../machine/mounts.ts';
import type { Profile } from '../profile.ts';

/** Which folders we made so that something could be mounted: `path`, and the uppermost that was not there. */
interface MadeFolders {
  readonly path: string;
  readonly first: string;
}

const noteOf = (profile: Profile): string => join(profile.folder, 'made-folders.json');

/**
 * Volumes of the cluster's own class are folders of one place, the same on all nodes and chosen by the first machine. In the mount namespace of a joined node, in which we are,
 * that place is a folder of the node's own, which goes with it.
 */
export async function showVolumes(profile: Profile, path: string, own: string): Promise<void> {
  if (readMounts().some((mount) => mount.target === path)) return;
  const first = mkdirSync(path, { recursive: true });
  if (first !== undefined) writeFileSync(noteOf(profile), JSON.stringify({ path, first } satisfies MadeFolders));
  mkdirSync(own, { recursive: true });
  await run(['mount', '--bind', own, path]);
}

/** Removes the empty folders that were made to mount on; to be called when the node is gone, with what `madeFolders` said before. */
export function forgetVolumes(made: MadeFolders | undefined): void {
  if (!made) return;
  try {
    for (let folder = made.path; folder.length >= made.first.length; folder = dirname(folder)) rmdirSync(folder);
  } catch (error) {
    // Gone already, or somebody put something there: then it is theirs.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTEMPTY' && code !== 'EBUSY') throw error;
  }
}

export function madeFolders(profile: Profile): MadeFolders | undefined {
  try {
    return JSON.parse(readFileSync(noteOf(profile), 'utf8')) as MadeFolders;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
