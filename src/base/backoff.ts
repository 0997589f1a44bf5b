export interface BackoffOptions {
  readonly initialMs: number;
  readonly maxMs: number;
  /** Default 2. */
  readonly factor?: number;
  /** Up to this share is added at random; needs `random`. Default 0. */
  readonly jitter?: number;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
}

/** Delays that grow with every failure in a row. */
export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** Milliseconds to wait after one more failure. */
  next(): number {
    return delayAfter(this.#failures++, this.#options);
  }

  reset(): void {
    this.#failures = 0;
  }
}

/** Delays by key. Upstream: client-go util/workqueue.ItemExponentialFailureRateLimiter. */
export class KeyedBackoff {
  readonly #options: BackoffOptions;
  readonly #failures = new Map<string, number>();

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  next(key: string): number {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    return delayAfter(failures, this.#options);
  }

  /** How many failures in a row were counted. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }
}

/** Milliseconds to wait when there were already `failures` failures before the last one. */
export function delayAfter(failures: number, options: BackoffOptions): number {
  const { initialMs, maxMs, factor = 2, jitter = 0, random } = options;
  const delay = Math.min(maxMs, initialMs * factor ** failures);
  return jitter && random ? delay * (1 + jitter * random()) : delay;
}
