import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from '../base/clock.ts';

const LOOK_MS = 10_000;
/** Twice in less time would cost more than it is worth, in milliseconds. */
const REST_MS = 60_000;
/** So much garbage at least must have come of the last collection, in bytes, or the next waits longer. */
const WORTH_BYTES = 10 * 2 ** 20;

/**
 * Collects garbage whenever the process has grown over `residentBytes`. V8 by itself lets the heap of a process that does little at a time grow for
 * minutes: it was made for those that have the machine to themselves, and a node shares it with its pods.
 */
export function keepHeapSmall(residentBytes: number, clock: Clock): Disposable {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: { readonly type: 'major'; readonly execution: 'sync' }) => void;
  let notBeforeMs = 0;
  let restMs = REST_MS;
  let timer: Disposable;
  const look = (): void => {
    timer = clock.timer(LOOK_MS, look);
    const before = process.memoryUsage.rss();
    if (before < residentBytes || clock.monotonic() < notBeforeMs) return;
    collect({ type: 'major', execution: 'sync' });
    // What it cannot do without is not garbage: then it is asked more seldom.
    restMs = before - process.memoryUsage.rss() < WORTH_BYTES ? Math.min(restMs * 2, 30 * 60_000) : REST_MS;
    notBeforeMs = clock.monotonic() + restMs;
  };
  timer = clock.timer(LOOK_MS, look);
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() };
}
