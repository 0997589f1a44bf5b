import type { KubeObject, ObjectKey, ObjectList, ResourceType } from '../../api/object.ts';
import type { DeleteOptions, ListOptions, WatchEvent, WatchOptions } from '../../client/client.ts';
import type { VersionLookup } from '../apply/other-versions.ts';
import type { RequestContext } from '../request.ts';
import type { WatchSink } from './watch-sink.ts';

export interface StoreWriteOptions {
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  readonly fieldValidation?: 'Strict' | 'Warn' | 'Ignore';
}

export interface StoreUpdateOptions extends StoreWriteOptions {
  readonly subresource?: string;
  /** Server-side apply: the object's managedFields are right as they are, and it is created where it is not there. */
  readonly applied?: boolean;
  /** The subresource that managedFields books the change under, where the store sees the whole object: `scale`. */
  readonly managedSubresource?: string;
}

/**
 * All verbs on one resource, after authentication and authorization and before encoding: strategy, admission, storage.
 * HTTP and the in-process client both come through here. Objects given and answered are decoded JSON values.
 * Upstream: apiserver pkg/registry/generic/registry.Store.
 */
export interface Store<T extends KubeObject = KubeObject> {
  readonly resource: ResourceType<T>;
  /** Reads out of memory answer at once; only objects that a webhook has to convert come later. */
  get(context: RequestContext, key: ObjectKey, options?: { readonly resourceVersion?: string }): T | Promise<T>;
  list(context: RequestContext, options: ListOptions): ObjectList<T> | Promise<ObjectList<T>>;
  watch(context: RequestContext, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  create(context: RequestContext, namespace: string, object: KubeObject, options?: StoreWriteOptions): Promise<T>;
  /**
   * Reads, changes, writes, again on a conflict where `change` does not insist on a resourceVersion. `change` may throw a StatusError.
   * `subresource` `status` goes by the status strategy.
   */
  update(context: RequestContext, key: ObjectKey, change: (current: T | undefined) => KubeObject | Promise<KubeObject>, options?: StoreUpdateOptions): Promise<{ readonly object: T; readonly created: boolean }>;
  /** The object as deleted, or as marked for deletion (finalizers, grace). `immediate` tells which. */
  delete(context: RequestContext, key: ObjectKey, options?: DeleteOptions): Promise<{ readonly object: T; readonly immediate: boolean }>;
  deleteCollection(context: RequestContext, list: ListOptions, options?: DeleteOptions): Promise<ObjectList<T>>;
}

/** A store whose watches can also be pushed: what HTTP needs, to write many events at once. */
export interface WatchableStore<T extends KubeObject = KubeObject> extends Store<T> {
  /** The versions of the kind that managers may have written in; absent where there is one. */
  readonly versions?: VersionLookup | undefined;
  /** Delivers to `sink` from now on, until disposed or, after `timeoutSeconds`, ended. Throws StatusErrors for options that cannot be served. */
  openWatch(options: WatchOptions, sink: WatchSink<T>): Disposable;
  /** Ends all watches: the resource is no longer served. */
  endWatches(): void;
}

/** All resources that the server serves, built-in and custom; changes when CRDs come and go. */
export interface Registry {
  /** Undefined when not served. */
  store(group: string, version: string, resource: string): Store | undefined;
}
