/** How long a chunk may get before it is cut in two. Small enough that an insertion moves little, large enough that there are few chunks. */
const CHUNK = 512;

/**
 * Items by unique key, in the keys' order (UTF-16 code units, which for ASCII is the order of bytes): a B+ tree of two levels.
 * With 100,000 items there are some 300 chunks, so that finding is two short binary searches and an insertion moves a few hundred references.
 */
export class OrderedIndex<T extends { readonly key: string }> {
  readonly #byKey = new Map<string, T>();
  /** Invariant: no chunk is empty, and all keys of a chunk are below all keys of the next. */
  readonly #chunks: T[][] = [];

  get size(): number {
    return this.#byKey.size;
  }

  get(key: string): T | undefined {
    return this.#byKey.get(key);
  }

  set(item: T): void {
    const known = this.#byKey.has(item.key);
    this.#byKey.set(item.key, item);
    if (this.#chunks.length === 0) {
      this.#chunks.push([item]);
      return;
    }
    const c = this.#chunkOf(item.key);
    const chunk = this.#chunks[c]!;
    const at = lowerBound(chunk, item.key);
    if (known) {
      chunk[at] = item;
      return;
    }
    chunk.splice(at, 0, item);
    if (chunk.length > CHUNK) this.#chunks.splice(c + 1, 0, chunk.splice(CHUNK / 2));
  }

  delete(key: string): boolean {
    if (!this.#byKey.delete(key)) return false;
    const c = this.#chunkOf(key);
    const chunk = this.#chunks[c]!;
    chunk.splice(lowerBound(chunk, key), 1);
    if (chunk.length === 0) this.#chunks.splice(c, 1);
    return true;
  }

  /** Items with `from` ≤ key < `to`; `to` undefined: to the end. */
  * between(from: string, to: string | undefined): Generator<T> {
    for (let c = this.#chunkOf(from); c < this.#chunks.length; c++) {
      const chunk = this.#chunks[c]!;
      for (let i = lowerBound(chunk, from); i < chunk.length; i++) {
        if (to !== undefined && chunk[i]!.key >= to) return;
        yield chunk[i]!;
      }
    }
  }

  /** The first `limit` items of `between`, as an array: no generator on the way of large lists. */
  slice(from: string, to: string | undefined, limit = Infinity): T[] {
    const found: T[] = [];
    for (let c = this.#chunkOf(from); c < this.#chunks.length && found.length < limit; c++) {
      const chunk = this.#chunks[c]!;
      const start = lowerBound(chunk, from);
      // Of many prefixes there is nothing: most lists that admission asks for are empty.
      if (to !== undefined && start < chunk.length && chunk[start]!.key >= to) break;
      const end = Math.min(to === undefined ? chunk.length : lowerBound(chunk, to), start + limit - found.length);
      for (let i = start; i < end; i++) found.push(chunk[i]!);
      if (end < chunk.length) break;
    }
    return found;
  }

  /** How many items `between` would give, without visiting them. */
  count(from: string, to: string | undefined): number {
    let total = 0;
    for (let c = this.#chunkOf(from); c < this.#chunks.length; c++) {
      const chunk = this.#chunks[c]!;
      const end = to === undefined ? chunk.length : lowerBound(chunk, to);
      total += end - lowerBound(chunk, from);
      if (end < chunk.length) break;
    }
    return total;
  }

  /** The last chunk whose first key is ≤ `key`, or the first chunk. */
  #chunkOf(key: string): number {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#chunks[middle]![0]!.key <= key) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** The first position whose key is ≥ `key`. */
function lowerBound(chunk: readonly { readonly key: string }[], key: string): number {
  let low = 0;
  let high = chunk.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (chunk[middle]!.key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The smallest key above all keys that start with `prefix`; undefined for the empty prefix. */
export function prefixEnd(prefix: string): string | undefined {
  return prefix === '' ? undefined : prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}
