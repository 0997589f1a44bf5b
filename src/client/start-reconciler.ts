import { isReason } from '../api/errors.ts';
import { because, currentCause } from '../base/cause.ts';
import { WorkQueue } from '../base/work-queue.ts';
import type { Reconciler, ReconcilerOptions } from './reconciler.ts';

/** Starts the workers of a control loop; keys come by `enqueue`. Disposing aborts the signal and waits for what is in progress. */
export function startReconciler(options: ReconcilerOptions): Reconciler {
  const { name, clock, log, workers = 1, reconcile, observer } = options;
  const ending = new AbortController();

  const work = (key: string): Promise<void> => because({ ...currentCause(), by: name }, () => attempt(key));
  const attempt = async (key: string): Promise<void> => {
    try {
      const result = await reconcile(key, ending.signal);
      queue.forget(key);
      if (result) queue.addAfter(key, result.requeueAfterMs);
    } catch (error) {
      // What ends because the loop ends has not failed.
      if (ending.signal.aborted) return;
      // Someone else wrote first, or the cache is behind: the next try sees the newer state.
      const expected = isReason(error, 'Conflict', 'NotFound', 'AlreadyExists');
      if (expected) log.debug(`${name}: again`, { key, error });
      else log.warn(`${name}: failed, will be tried again`, { key, failures: queue.failures(key) + 1, error });
      queue.addAfterFailure(key);
    }
  };
  const queue = new WorkQueue({ clock, workers, work, observer });

  return {
    enqueue: (key) => queue.add(key),
    enqueueAfter: (key, milliseconds) => queue.addAfter(key, milliseconds),
    idle: () => queue.idle(),
    async [Symbol.asyncDispose]() {
      queue[Symbol.dispose]();
      ending.abort(new Error(`${name} is ending`));
      await queue.idle();
    },
  };
}
