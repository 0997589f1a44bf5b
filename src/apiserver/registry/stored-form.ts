import type { KubeObject, ResourceType } from '../../api/object.ts';

/**
 * How the objects that one version of a resource shows are kept, where storage has them in another version or may have: conversion happens at
 * the edge of storage, and everything between it and the client sees the version of the request. A resource without a form is stored as it is shown.
 * All answers are promises only where somebody outside has to be asked. Faults are StatusErrors. Upstream: the codec of a registry's storage.
 */
export interface StoredForm {
  /** The resource in storage: its names make the keys. */
  readonly resource: ResourceType<KubeObject>;
  /**
   * Stored objects as this version shows them, one for one, in one go. The same stored object is shown by the same object, as long as it can be
   * told without asking, or `fresh` is not set.
   */
  shown(stored: readonly KubeObject[], options?: { readonly fresh?: boolean }): readonly KubeObject[] | Promise<readonly KubeObject[]>;
  /** An object of this version as it is to be stored. */
  stored(shown: KubeObject): KubeObject | Promise<KubeObject>;
}
