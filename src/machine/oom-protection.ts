import { readFileSync, writeFileSync } from 'node:fs';

/** Nothing is protected better. */
const LOWEST_SCORE = -1000;

/** Whether this process may protect others from the kernel's killer when memory runs out. Tried out on itself: capabilities within a user namespace do not count for it. */
export function mayProtectFromOom(file = '/proc/self/oom_score_adj'): boolean {
  const now = Number(readFileSync(file, 'utf8'));
  if (now <= LOWEST_SCORE) return true;
  try {
    writeFileSync(file, String(now - 1));
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code!)) return false;
    throw error;
  }
  writeFileSync(file, String(now));
  return true;
}
