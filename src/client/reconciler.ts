import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { WorkQueueObserver } from '../base/work-queue.ts';

/** What a reconciliation asks for besides success: nothing, or to be called again after a while. */
export type ReconcileResult = void | { readonly requeueAfterMs: number };

export interface ReconcilerOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Keys worked on at once; one key is never worked on twice at once. */
  readonly workers?: number;
  /** Is told of the keys' way through the queue. */
  readonly observer?: WorkQueueObserver | undefined;
  /**
   * Brings the world of `key` towards what the caches say should be. Level-triggered and idempotent. A rejection is logged and
   * retried with exponential backoff (5 ms doubling to 1000 s, as client-go's default limiter); Conflict and NotFound are retried quietly.
   */
  reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult>;
}

export interface Reconciler extends AsyncDisposable {
  enqueue(key: string): void;
  enqueueAfter(key: string, milliseconds: number): void;
  /** Resolves when nothing is queued, delayed work aside, or in progress. For tests. */
  idle(): Promise<void>;
}
