import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from '../base/clock.ts';

/** By then a cluster that was started for a test has been used, and one that is looked at in peace is at rest. */
const AFTER_MS = 10_000;

/**
 * Gives back, once, what only the start needed: V8 keeps the garbage of an idle process for good, here about fifteen megabytes of a
 * hundred. Takes some tens of milliseconds. Disposing calls it off.
 */
export function settleMemory(clock: Clock): Disposable {
  return clock.timer(AFTER_MS, () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    collect();
  });
}
