import type { RuntimeStatus } from '../../cri/runtime.ts';

/** What a runtime may be able to do or not, for the handler that pods get who ask for none. */
export interface RuntimeFeatures {
  readonly recursiveReadOnly: boolean;
  readonly userNamespaces: boolean;
  readonly supplementalGroupsPolicy: boolean;
}

export const noFeatures: RuntimeFeatures = { recursiveReadOnly: false, userNamespaces: false, supplementalGroupsPolicy: false };

export function runtimeFeatures({ runtimeHandlers = [], features }: RuntimeStatus): RuntimeFeatures {
  const handler = runtimeHandlers.find(({ name }) => name === '')?.features;
  return {
    recursiveReadOnly: handler?.recursiveReadOnlyMounts ?? false, userNamespaces: handler?.userNamespaces ?? false, supplementalGroupsPolicy: features?.supplementalGroupsPolicy ?? false,
  };
}

/** As the status of a node tells them: every handler that the runtime names, or else the one that there must be. */
export function handlersOfNode({ runtimeHandlers = [] }: RuntimeStatus) {
  const handlers = runtimeHandlers.length > 0 ? runtimeHandlers : [{ name: '', features: null }];
  return handlers.map(({ name, features }) => ({ name, features: { recursiveReadOnlyMounts: features?.recursiveReadOnlyMounts ?? false, userNamespaces: features?.userNamespaces ?? false } }));
}
