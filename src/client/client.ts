import type { KubeObject, New, ObjectKey, ObjectList, ResourceType } from '../api/object.ts';

/** Options of reads. Selectors in Kubernetes' text form, `app=kubia,tier!=db`. */
export interface ListOptions {
  /** All namespaces when absent. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan';
}

export interface WatchOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Events after this resource version; absent: all present objects first, as ADDED. */
  readonly resourceVersion?: string;
  readonly allowWatchBookmarks?: boolean;
  /** Streaming list: present objects as ADDED, then a BOOKMARK annotated `k8s.io/initial-events-end`. */
  readonly sendInitialEvents?: boolean;
  readonly timeoutSeconds?: number;
  readonly signal?: AbortSignal;
}

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  /** Only `metadata.resourceVersion` (and annotations) of the object are meaningful. */
  | { readonly type: 'BOOKMARK'; readonly object: T };

export interface WriteOptions {
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  readonly fieldValidation?: 'Strict' | 'Warn' | 'Ignore';
  /** `status`, `scale`, `binding`, `eviction`, `token` … */
  readonly subresource?: string;
}

export type Patch =
  | { readonly type: 'application/json-patch+json'; readonly body: readonly unknown[] }
  | { readonly type: 'application/merge-patch+json' | 'application/strategic-merge-patch+json' | 'application/apply-patch+yaml'; readonly body: unknown; readonly force?: boolean };

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: boolean;
}

/**
 * The API as components of ours see it, whether over HTTPS or in process. Every method rejects with a `StatusError`
 * (src/api/errors.ts) when the server refuses; objects that come back are frozen or treated as such.
 */
export interface Client {
  get<T>(resource: ResourceType<T>, key: ObjectKey, options?: { readonly subresource?: string; readonly resourceVersion?: string }): Promise<T>;
  list<T>(resource: ResourceType<T>, options?: ListOptions): Promise<ObjectList<T>>;
  /**
   * Resolves once the server has accepted the watch. The iteration ends when the server ends it (time-out) or the signal aborts;
   * it throws a StatusError of reason `Expired` (410) when the resource version is too old.
   */
  watch<T>(resource: ResourceType<T>, options: WatchOptions): Promise<AsyncIterable<WatchEvent<T>>>;
  /** The namespace is `object.metadata.namespace`. With a subresource, `object` is that subresource's kind. */
  create<T>(resource: ResourceType<T>, object: New<T>, options?: WriteOptions): Promise<T>;
  /** With a subresource (`binding`, `eviction`, `token`), posts `body` to it and answers what comes back. */
  createSubresource<R = KubeObject>(resource: ResourceType<unknown>, key: ObjectKey, subresource: string, body: unknown, options?: WriteOptions): Promise<R>;
  /** `metadata.resourceVersion` present: refused with Conflict when stale. */
  update<T extends KubeObject>(resource: ResourceType<T>, object: T, options?: WriteOptions): Promise<T>;
  updateStatus<T extends KubeObject>(resource: ResourceType<T>, object: T, options?: WriteOptions): Promise<T>;
  patch<T>(resource: ResourceType<T>, key: ObjectKey, patch: Patch, options?: WriteOptions): Promise<T>;
  delete<T>(resource: ResourceType<T>, key: ObjectKey, options?: DeleteOptions): Promise<void>;
  deleteCollection<T>(resource: ResourceType<T>, list: ListOptions, options?: DeleteOptions): Promise<void>;
}
