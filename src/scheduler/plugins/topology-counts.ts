import type { Labels } from '../../api/selector.ts';

/** How many there are, by topology key and value: for `zone`, `a`, say. Zeroes are not kept. There are one or two keys, and it is asked for every node. */
export class TopologyCounts {
  readonly #keys: string[] = [];
  /** Of each key, by value. */
  readonly #counts: Map<string, number>[] = [];

  bump(key: string, value: string, by: number): void {
    let at = this.#keys.indexOf(key);
    if (at < 0) {
      at = this.#keys.push(key) - 1;
      this.#counts.push(new Map());
    }
    const values = this.#counts[at]!;
    const count = (values.get(value) ?? 0) + by;
    if (count !== 0) values.set(value, count);
    else if (values.delete(value) && values.size === 0) {
      this.#keys.splice(at, 1);
      this.#counts.splice(at, 1);
    }
  }

  /** Of the domain that a node of these labels is in. */
  at(labels: Labels, key: string): number {
    const at = this.#keys.indexOf(key);
    return at < 0 ? 0 : (this.#counts[at]!.get(labels[key]!) ?? 0);
  }

  /** Of all domains that a node of these labels is in. */
  sumAt(labels: Labels): number {
    let sum = 0;
    for (let i = 0; i < this.#keys.length; i++) sum += this.#counts[i]!.get(labels[this.#keys[i]!]!) ?? 0;
    return sum;
  }

  /** Whether some domain of a node of these labels has more than none. */
  someAt(labels: Labels): boolean {
    for (let i = 0; i < this.#keys.length; i++) if ((this.#counts[i]!.get(labels[this.#keys[i]!]!) ?? 0) > 0) return true;
    return false;
  }

  get empty(): boolean {
    return this.#keys.length === 0;
  }

  clear(): void {
    this.#keys.length = 0;
    this.#counts.length = 0;
  }

  clone(): TopologyCounts {
    const copy = new TopologyCounts();
    copy.#keys.push(...this.#keys);
    copy.#counts.push(...this.#counts.map((values) => new Map(values)));
    return copy;
  }
}
