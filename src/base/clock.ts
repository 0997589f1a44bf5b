/** The only source of time. `systemClock` is the real one; tests drive `FakeClock` (src/testing). */
export interface Clock {
  /** Wall time in milliseconds since 1970. */
  now(): number;
  /** Monotonic milliseconds (with fractions), for durations only. */
  monotonic(): number;
  /** Runs `callback` once after `milliseconds`; disposing cancels. */
  timer(milliseconds: number, callback: () => void): Disposable;
  /** Resolves after `milliseconds`; rejects with the signal's reason when it aborts first. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

export function sleepOn(clock: Pick<Clock, 'timer'>, milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = (): void => {
      timer[Symbol.dispose]();
      reject(signal!.reason);
    };
    const timer = clock.timer(milliseconds, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** setTimeout takes at most 2^31-1 ms and fires at once above it; longer waits are cut into pieces. */
const LONGEST = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  timer(milliseconds, callback) {
    const due = performance.now() + milliseconds;
    let handle: NodeJS.Timeout;
    const arm = (): void => {
      const left = Math.max(0, due - performance.now());
      handle = left > LONGEST ? setTimeout(arm, LONGEST) : setTimeout(callback, left);
    };
    arm();
    return { [Symbol.dispose]: () => clearTimeout(handle) };
  },
  sleep(milliseconds, signal) {
    return sleepOn(this, milliseconds, signal);
  },
};

/** RFC 3339 in whole seconds, as `metadata.creationTimestamp` has it. */
export function rfc3339(milliseconds: number): string {
  const second = Math.floor(milliseconds / 1000);
  if (second !== last.second) last = { second, text: new Date(second * 1000).toISOString().replace('.000Z', 'Z') };
  return last.text;
}

/** Nearly always the same second is asked for again. */
let last = { second: NaN, text: '' };

/** RFC 3339 with microseconds, as MicroTime (leases, events) has it. */
export function rfc3339Micro(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('Z', '000Z');
}
