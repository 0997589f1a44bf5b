import { KubectlError } from '../command/kubectl-error.ts';

export const DEFAULT_DETACH_KEYS = 'ctrl-p,ctrl-q';

/** The bytes of `ctrl-p,ctrl-q` or `a,b`. Throws KubectlError. Upstream: moby/term ToBytes. */
function bytesOf(keys: string): readonly number[] {
  return keys.split(',').map((key) => {
    if ([...key].length === 1) return key.charCodeAt(0);
    const control = /^ctrl-([a-z@[\\\]^_])$/.exec(key)?.[1];
    if (control === undefined) throw new KubectlError(`could not bind detach keys: Unknown character: '${key}'`);
    return control.toUpperCase().charCodeAt(0) & 0x1f;
  });
}

/**
 * Watches what a person types for the keys that end an attachment. They count only one by one: pasted text does not detach.
 * Upstream: moby/term proxy.go, kubectl pkg/util/term.
 */
export class DetachKeys {
  readonly #keys: readonly number[];
  #seen = 0;

  constructor(keys: string) {
    this.#keys = bytesOf(keys || DEFAULT_DETACH_KEYS);
  }

  /** What of `typed` goes on to the far end, keys held back before included; undefined once the sequence is complete. */
  take(typed: Buffer): Buffer | undefined {
    if (typed.length === 1 && typed[0] === this.#keys[this.#seen]) {
      this.#seen++;
      return this.#seen === this.#keys.length ? undefined : Buffer.alloc(0);
    }
    const held = Buffer.from(this.#keys.slice(0, this.#seen));
    this.#seen = 0;
    return Buffer.concat([held, typed]);
  }
}
