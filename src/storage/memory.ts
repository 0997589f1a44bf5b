import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { StorageEngine } from './engine.ts';
import { RevisionStore, type HistoryOptions } from './revision-store.ts';
import { createEngine } from './write-queue.ts';

export interface MemoryEngineOptions extends HistoryOptions {
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly log: Log;
}

/** An engine that forgets all when it is disposed. A write is published in the microtask after it. */
export function createMemoryEngine<V>(options: MemoryEngineOptions): StorageEngine<V> {
  const store = new RevisionStore<V>(options);
  return createEngine(store, { encode: () => undefined, commit: async () => {}, close: async () => {} }, () => options.clock.monotonic());
}
