import type { KubeObject } from '../api/object.ts';

interface Index<T> {
  readonly keys: (object: T) => readonly string[];
  readonly objects: Map<string, Map<string, T>>;
}

const none: readonly never[] = [];
const BY_NAMESPACE = '\0namespace';

/** Objects by key, and by what index functions say of them. Upstream: client-go tools/cache.ThreadSafeStore. */
export class ObjectCache<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Index<T>>();
  /** Made on demand, dropped by every change. */
  #listed: readonly T[] | undefined;

  constructor() {
    this.addIndex(BY_NAMESPACE, (object) => (object.metadata.namespace ? [object.metadata.namespace] : []));
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(namespace?: string): readonly T[] {
    return namespace ? this.byIndex(BY_NAMESPACE, namespace) : (this.#listed ??= [...this.#objects.values()]);
  }

  byIndex(index: string, value: string): readonly T[] {
    const found = this.#indexes.get(index);
    if (!found) throw new Error(`there is no index ${index}`);
    const objects = found.objects.get(value);
    return objects ? [...objects.values()] : none;
  }

  addIndex(name: string, keys: (object: T) => readonly string[]): void {
    if (this.#indexes.has(name)) return;
    const index = { keys, objects: new Map<string, Map<string, T>>() };
    this.#indexes.set(name, index);
    for (const [key, object] of this.#objects) enter(index, key, keys(object), object);
  }

  /** `key` is the object's. */
  put(key: string, object: T): void {
    const previous = this.#objects.get(key);
    this.#listed = undefined;
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) {
      if (previous) move(index, key, previous, object);
      else enter(index, key, index.keys(object), object);
    }
  }

  remove(key: string): T | undefined {
    const object = this.#objects.get(key);
    if (!object) return undefined;
    this.#listed = undefined;
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) leave(index, key, index.keys(object));
    return object;
  }
}

function enter<T>(index: Index<T>, key: string, values: readonly string[], object: T): void {
  for (const value of values) {
    const bucket = index.objects.get(value);
    if (bucket) bucket.set(key, object);
    else index.objects.set(value, new Map([[key, object]]));
  }
}

function leave<T>(index: Index<T>, key: string, values: readonly string[]): void {
  for (const value of values) {
    const bucket = index.objects.get(value);
    bucket?.delete(key);
    if (bucket?.size === 0) index.objects.delete(value);
  }
}

/** Mostly it stays where it was. */
function move<T>(index: Index<T>, key: string, previous: T, object: T): void {
  const values = index.keys(object);
  const before = index.keys(previous);
  if (before.length !== values.length || before.some((value, i) => value !== values[i])) leave(index, key, before);
  enter(index, key, values, object);
}
