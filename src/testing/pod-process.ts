import { readFileSync, readlinkSync } from 'node:fs';
import { processIds } from '../machine/index.ts';

/** The number of a process of the pod, by whose network one can speak as the pod: one in its cgroup that is in another network than its node's own processes. */
export function processOfPod(uid: string, nodePid: number): number {
  const isPods = (pid: number): boolean => {
    try {
      return readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(`pod${uid}`) && readlinkSync(`/proc/${pid}/ns/net`) !== readlinkSync(`/proc/${nodePid}/ns/net`);
    } catch (error) {
      // It has ended since.
      if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code!)) return false;
      throw error;
    }
  };
  const found = processIds().find(isPods);
  if (found === undefined) throw new Error(`no process of the pod ${uid} is there`);
  return found;
}
