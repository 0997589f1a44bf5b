import type { RuntimeStatus } from '../../cri/runtime.ts';

/** What a runtime may be able to do or not, for the handler that pods get who ask for none. */
export interface RuntimeFeatures {
  readonly recursiveReadOnly: boolean;
  /** The handlers that know user namespaces; the name is empty for pods that ask for none. */
  readonly userNamespaces: ReadonlySet<string>;
  readonly supplementalGroupsPolicy: boolean;
}

export function runtimeFeatures({ runtimeHandlers = [], features }: RuntimeStatus): RuntimeFeatures {
  const handler = runtimeHandlers.find(({ name }) => name === '')?.features;
  return {
    recursiveReadOnly: handler?.recursiveReadOnlyMounts ?? false, userNamespaces: new Set(runtimeHandlers.flatMap(({ name, features: own }) => (own?.userNamespaces ? [name] : []))), supplementalGroupsPolicy: features?.supplementalGroupsPolicy ?? false,
  };
}

/** As the status of a node tells them: every handler that the runtime names, or else the one that there must be. */
export function handlersOfNode({ runtimeHandlers = [] }: RuntimeStatus) {
  const handlers = runtimeHandlers.length > 0 ? runtimeHandlers : [{ name: '', features: null }];
  return handlers.map(({ name, features }) => ({ name, features: { recursiveReadOnlyMounts: features?.recursiveReadOnlyMounts ?? false, userNamespaces: features?.userNamespaces ?? false } }));
}
