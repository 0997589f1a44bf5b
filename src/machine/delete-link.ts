import { existsSync } from 'node:fs';
import { CommandError, run } from './run.ts';

/**
 * Deletes an interface. The kernel takes the end of a cable away by itself, some time after the namespace of the other end
 * went: it may be there when one looks and be gone when one acts.
 */
export async function deleteLink(name: string): Promise<void> {
  if (existsSync(`/sys/class/net/${name}`)) await unlessGone(run(['ip', 'link', 'del', name]));
}

/** Takes it for done when what was to be deleted, or the interface it was on, is not there any more. */
export async function unlessGone(deleting: Promise<unknown>): Promise<void> {
  try {
    await deleting;
  } catch (error) {
    if (!(error instanceof CommandError && /Cannot find device|No such (process|device)/.test(error.stderr))) throw error;
  }
}
