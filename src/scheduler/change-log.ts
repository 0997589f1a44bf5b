/** Who has not looked for longer than so many changes begins anew. */
const KEPT = 16_384;

/** The newest of what changed, in order, for whoever keeps something up to date by looking at that alone. */
export class ChangeLog<T> {
  #changes: T[] = [];
  /** The version before the first of the changes. */
  #from = 0;

  /** Counts the changes. */
  get version(): number {
    return this.#from + this.#changes.length;
  }

  /** What changed since that version, some of it twice; undefined: too much to tell, begin anew. */
  since(version: number): readonly T[] | undefined {
    return version < this.#from ? undefined : this.#changes.slice(version - this.#from);
  }

  note(changed: T): void {
    this.#changes.push(changed);
    if (this.#changes.length < KEPT) return;
    this.#changes = this.#changes.slice(KEPT / 2);
    this.#from += KEPT / 2;
  }
}
