import type { KubeObject } from '../../api/object.ts';
import type { RequestContext } from '../request.ts';

export interface HookedWrite {
  readonly object: KubeObject;
  /** Called when the write did not come about after all. Never throws. */
  rollback(): void | Promise<void>;
  /** Called once the write is stored. Not on a dry run. */
  commit?(): void | Promise<void>;
}

/**
 * What has to happen around the storing of a resource's objects: taking addresses and ports for a service, and giving them back.
 * The store calls it after mutating admission and defaults and before validation; nothing else is ever called with the object until it is stored.
 * All may throw a StatusError, which refuses the write.
 */
export interface WriteHook {
  readonly resource: { readonly group: string; readonly resource: string };
  beforeCreate?(object: KubeObject, options: { readonly dryRun: boolean; readonly context: RequestContext }): Promise<HookedWrite>;
  beforeUpdate?(object: KubeObject, previous: KubeObject, options: { readonly dryRun: boolean; readonly context: RequestContext }): Promise<HookedWrite>;
  /** The object is gone from storage. */
  afterDelete?(object: KubeObject): void | Promise<void>;
}
