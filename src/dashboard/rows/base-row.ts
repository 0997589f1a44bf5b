import { keyOf, type KubeObject } from '../../api/object.ts';
import type { OwnerRef, Row } from './row.ts';

export function baseRow({ metadata }: KubeObject): Row {
  const { namespace, name, uid, resourceVersion, creationTimestamp } = metadata;
  return {
    id: keyOf({ metadata }),
    ...(namespace && { ns: namespace }),
    name,
    uid,
    rv: resourceVersion,
    born: Date.parse(creationTimestamp),
  };
}

/** The object's controller. */
export function ownerOf({ metadata }: KubeObject): { readonly owner?: OwnerRef } {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller);
  return owner ? { owner: { kind: owner.kind, name: owner.name } } : {};
}
