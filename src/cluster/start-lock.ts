import { linkSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findProcess, recordProcess } from '../machine/index.ts';
import { UserError } from '../base/user-error.ts';
import type { Profile } from './profile.ts';

/** Lets one start, stop or delete of a cluster go on at a time. A lock whose process is gone counts as free. */
export async function withStartLock<T>(profile: Profile, work: () => Promise<T>): Promise<T> {
  mkdirSync(profile.folder, { recursive: true, mode: 0o700 });
  const file = join(profile.folder, 'busy.pid');
  // Written whole under a name of its own and then linked: whoever sees the lock sees whose it is.
  const own = `${file}.${process.pid}`;
  recordProcess(own, process.pid);
  try {
    for (let attempt = 0; ; attempt++) {
      try {
        linkSync(own, file);
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        const other = findProcess(file);
        if (other || attempt > 0) throw new UserError(`another wherry${other ? ` (process ${other.pid})` : ''} is at work on the cluster "${profile.name}"`, 'wait until it is done, then try again');
        rmSync(file, { force: true });
      }
    }
  } finally {
    rmSync(own, { force: true });
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}
