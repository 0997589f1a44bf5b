import { keyOf, type KubeObject } from '../api/object.ts';
import type { Informer } from '../client/informer.ts';
import type { Reconciler, ReconcilerOptions } from '../client/reconciler.ts';
import { startReconciler } from '../client/start-reconciler.ts';
import type { ControllerContext } from './controller.ts';

export interface ControlLoopOptions {
  readonly name: string;
  /** What metrics call the queue, as upstream does; default its name. */
  readonly queue?: string;
  /** Nothing is reconciled before all of these are filled: half a cache is a wrong picture of the world. */
  readonly needs: readonly Pick<Informer<unknown>, 'synced' | 'untilSynced'>[];
  readonly workers?: number;
  readonly reconcile: ReconcilerOptions['reconcile'];
}

/** A reconciler whose keys come from informers. Disposing ends the subscriptions first, then the work in progress. */
export interface ControlLoop extends Reconciler {
  /**
   * Enqueues the keys that an object stands for whenever it appears, changes (those of its former state too) or goes.
   * With `gatherMs` not at once: objects that come in crowds, each of them a reason to write, are then answered by one write. A key whose work takes long because it
   * stands for very many objects waits longer, so that the work of 100,000 changes does not grow with the square of their number.
   */
  follow<T extends KubeObject>(informer: Informer<T>, keys: (object: T) => Iterable<string>, options?: { readonly gatherMs?: number }): void;
  /** Ends with the loop. */
  own(disposable: Disposable): void;
}

/** The key of the object itself, for `follow`. */
export const itself = (object: KubeObject): string[] => [keyOf(object)];

/** Work on a key that held the process up for so many milliseconds comes with ten times as long between, at most half a second. */
const NOTABLE_MS = 1;
const REST_FACTOR = 10;
const LONGEST_GATHER_MS = 500;

export function startLoop(context: Pick<ControllerContext, 'clock' | 'log' | 'queueMetrics'>, options: ControlLoopOptions): ControlLoop {
  const { name, queue = name, needs, reconcile, workers = 4 } = options;
  const owned = new DisposableStack();
  /** How long the work on a key went on in its first turn; only keys of which that is notable. */
  const firstTurns = new Map<string, number>();
  const reconciler = startReconciler({
    name, workers, clock: context.clock, log: context.log.child(name), observer: context.queueMetrics?.(queue),
    async reconcile(key, signal) {
      for (const informer of needs) if (!informer.synced) await informer.untilSynced(signal);
      const began = context.clock.monotonic();
      const working = reconcile(key, signal);
      const tookMs = context.clock.monotonic() - began;
      if (tookMs >= NOTABLE_MS) firstTurns.set(key, tookMs);
      else firstTurns.delete(key);
      return await working;
    },
  });
  return {
    enqueue: (key) => reconciler.enqueue(key),
    enqueueAfter: (key, milliseconds) => reconciler.enqueueAfter(key, milliseconds),
    idle: () => reconciler.idle(),
    own: (disposable) => void owned.use(disposable),
    follow(informer, keys, { gatherMs = 0 } = {}) {
      const enqueueAll = (object: Parameters<typeof keys>[0]): void => {
        for (const key of keys(object)) {
          const rest = gatherMs === 0 ? 0 : Math.min(REST_FACTOR * (firstTurns.get(key) ?? 0), LONGEST_GATHER_MS);
          reconciler.enqueueAfter(key, Math.max(gatherMs, rest));
        }
      };
      owned.use(informer.subscribe({
        add: enqueueAll,
        update(previous, object) {
          enqueueAll(previous);
          enqueueAll(object);
        },
        delete: enqueueAll,
      }));
    },
    async [Symbol.asyncDispose]() {
      owned.dispose();
      await reconciler[Symbol.asyncDispose]();
    },
  };
}
