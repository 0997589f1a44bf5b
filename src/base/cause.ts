import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * Because of what the code now running does its work. An informer runs its handlers because of the write that it tells of, a work queue
 * runs the work on a key because of all that added the key, and clients send the cause along with each write, so that no controller has
 * to hand it on. It follows calls, promises and timers.
 *
 * Example: `kubectl create` is write 41; the deployment controller's informer tells of 41, which adds the key; the work on it makes a
 * replica set, whose write (42) says "because of 41"; 42 comes to the replica set controller's informer, and so on.
 */
export interface Cause {
  /** Revisions of the API's writes, the newest last; empty: of one's own accord. */
  readonly writes: readonly number[];
  /** Who works, where one user has many loops: `deployment-controller`. */
  readonly by?: string;
}

const NONE: Cause = { writes: [] };
const scope = new AsyncLocalStorage<Cause>();

/** Of more causes the first and the newest are kept. */
export const MOST_CAUSES = 8;

export function currentCause(): Cause {
  return scope.getStore() ?? NONE;
}

/** Runs `work`, and all that it begins, because of `cause`. */
export function because<T>(cause: Cause, work: () => T): T {
  return scope.run(cause, work);
}

/** Both lists as one, each write once. */
export function joinWrites(earlier: readonly number[], later: readonly number[]): readonly number[] {
  if (later.length === 0) return earlier;
  if (earlier.length === 0) return later;
  if (later.every((write) => earlier.includes(write))) return earlier;
  const joined = [...new Set([...earlier, ...later])];
  return joined.length <= MOST_CAUSES ? joined : [joined[0]!, ...joined.slice(1 - MOST_CAUSES)];
}

/** `12,15` for the `Wherry-Cause` header. */
export function formatCause({ writes }: Cause): string {
  return writes.join(',');
}

/** What a client claims; empty where it claims nothing that could be true. */
export function parseCause(text: string | undefined): readonly number[] {
  if (!text || !/^\d{1,15}(,\d{1,15})*$/.test(text)) return [];
  return text.split(',', MOST_CAUSES).map(Number);
}

/** The number of a write, as `metadata.resourceVersion` has it; empty where it is no number (another server's may be anything). */
export function writeOf(resourceVersion: string | undefined): readonly number[] {
  return resourceVersion && /^\d{1,15}$/.test(resourceVersion) ? [Number(resourceVersion)] : [];
}
