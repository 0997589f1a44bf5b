import type { KubeObject } from '../../api/object.ts';

/** `ReplicaSet/kubia-7c6c9d5f4d`: what owns the object as its controller. */
export function controllerOf({ metadata }: KubeObject): string | undefined {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller);
  return owner && `${owner.kind}/${owner.name}`;
}
