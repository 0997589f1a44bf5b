/** Values by key that can be made again, so that only those in use are kept: the newest `size` asked for, and at most twice as many. */
export class RecentMap<T, K = string> {
  readonly #size: number;
  #young = new Map<K, T>();
  #old = new Map<K, T>();

  constructor(size: number) {
    this.#size = size;
  }

  get(key: K, make: () => T): T {
    let value = this.#young.get(key);
    if (value !== undefined) return value;
    value = this.#old.get(key) ?? make();
    if (this.#young.size >= this.#size) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
    return value;
  }
}
