export interface BackoffLimits {
  readonly initialMs: number;
  readonly maxMs: number;
}

/** 10 s, 20 s, 40 s … 5 min, for crashing containers and failing pulls alike. Upstream: flowcontrol.Backoff. */
export const BACKOFF: BackoffLimits = { initialMs: 10_000, maxMs: 300_000 };

interface Entry {
  readonly delayMs: number;
  readonly updatedMs: number;
}

/**
 * Waits that double with each failure, and are forgotten when twice the longest wait passed between two failures.
 * `sinceMs` is the moment of the failure: the wait counts from there.
 */
export class RestartBackoff {
  readonly #entries = new Map<string, Entry>();
  readonly #limits: BackoffLimits;

  constructor(limits: BackoffLimits = BACKOFF) {
    this.#limits = limits;
  }

  /** The wait in force, in milliseconds; 0 when none is. */
  delayMs(key: string, sinceMs: number): number {
    const entry = this.#entries.get(key);
    return entry && !this.#expired(entry, sinceMs) ? entry.delayMs : 0;
  }

  /** Takes note of a try at `nowMs` after a failure at `sinceMs`: the next one waits longer. */
  next(key: string, sinceMs: number, nowMs: number): void {
    const entry = this.#entries.get(key);
    const delayMs = entry && !this.#expired(entry, sinceMs) ? Math.min(entry.delayMs * 2, this.#limits.maxMs) : this.#limits.initialMs;
    this.#entries.set(key, { delayMs, updatedMs: nowMs });
  }

  forget(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#entries.delete(key);
  }

  #expired(entry: Entry, sinceMs: number): boolean {
    return sinceMs - entry.updatedMs > 2 * this.#limits.maxMs;
  }
}

/** `1m20s`, as Go prints a duration of whole seconds. */
export function goDuration(milliseconds: number): string {
  if (milliseconds === 0) return '0s';
  if (milliseconds < 1000) return `${Number(milliseconds.toFixed(3))}ms`;
  const seconds = Math.floor(milliseconds) / 1000;
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = Number((seconds % 60).toFixed(3));
  return `${hours ? `${hours}h` : ''}${hours || minutes ? `${minutes}m` : ''}${rest}s`;
}
