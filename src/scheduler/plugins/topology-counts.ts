import type { Labels } from '../../api/selector.ts';

/** How many there are, by topology key and value: for `zone`, `a`, say. Zeroes are not kept. */
export class TopologyCounts {
  readonly #byKey = new Map<string, Map<string, number>>();

  bump(key: string, value: string, by: number): void {
    let values = this.#byKey.get(key);
    if (!values) this.#byKey.set(key, (values = new Map()));
    const count = (values.get(value) ?? 0) + by;
    if (count !== 0) values.set(value, count);
    else if (values.delete(value) && values.size === 0) this.#byKey.delete(key);
  }

  /** Of the domain that a node of these labels is in. */
  at(labels: Labels, key: string): number {
    const value = labels[key];
    return value === undefined ? 0 : (this.#byKey.get(key)?.get(value) ?? 0);
  }

  /** Of all domains that a node of these labels is in. */
  sumAt(labels: Labels): number {
    let sum = 0;
    for (const [key, values] of this.#byKey) sum += values.get(labels[key]!) ?? 0;
    return sum;
  }

  /** Whether some domain of a node of these labels has more than none. */
  someAt(labels: Labels): boolean {
    for (const [key, values] of this.#byKey) if ((values.get(labels[key]!) ?? 0) > 0) return true;
    return false;
  }

  get empty(): boolean {
    return this.#byKey.size === 0;
  }

  clear(): void {
    this.#byKey.clear();
  }

  clone(): TopologyCounts {
    const copy = new TopologyCounts();
    for (const [key, values] of this.#byKey) copy.#byKey.set(key, new Map(values));
    return copy;
  }
}
