import type { ResourceType } from '../api/object.ts';

export interface InformerHandler<T> {
  add?(object: T): void;
  /** The two share what did not change: `previous.spec !== object.spec` tells whether the spec changed. */
  update?(previous: T, object: T): void;
  /** The last state known. */
  delete?(object: T): void;
}

/** A cache of all objects of one resource (in one selection), kept current by list and watch. Reads are synchronous. */
export interface Informer<T> {
  readonly resource: ResourceType<T>;
  /** By key: `namespace/name`, or `name` where cluster-scoped. */
  get(key: string): T | undefined;
  list(namespace?: string): readonly T[];
  /** Objects whose index function returned `value`. The index must have been added before. */
  byIndex(index: string, value: string): readonly T[];
  /** Idempotent by name. `keys` of an object may be several. */
  addIndex(index: string, keys: (object: T) => readonly string[]): void;
  /** Replays what is there as `add`, then follows. */
  subscribe(handler: InformerHandler<T>): Disposable;
  readonly synced: boolean;
  /** Resolves when the first list is in the cache and its handlers ran. */
  untilSynced(signal?: AbortSignal): Promise<void>;
}

/** Shares one informer per resource and selection among all that ask; disposing ends all watches. */
export interface InformerFactory extends AsyncDisposable {
  informer<T>(resource: ResourceType<T>, selection?: { readonly namespace?: string; readonly labelSelector?: string; readonly fieldSelector?: string }): Informer<T>;
  /** Ends the informers of a resource that is served no more; asking for one again begins anew. */
  forget(resource: ResourceType<unknown>): void;
  /** All informers asked for so far. */
  untilSynced(signal?: AbortSignal): Promise<void>;
}
