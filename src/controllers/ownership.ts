import type { LabelSelector, OwnerReference } from '../api/generated/meta-v1.ts';
import { keyOf, type KubeObject, type ResourceType } from '../api/object.ts';
import { isReason, notFound } from '../api/errors.ts';
import { selectorOf } from '../api/selector.ts';
import type { Client } from '../client/client.ts';
import type { Informer } from '../client/informer.ts';

/** The one owner that manages an object, if any. */
export function controllerOf(object: { readonly metadata: { readonly ownerReferences?: readonly OwnerReference[] } }): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller);
}

/** The reference by which `owner` manages an object; deleting the owner in the foreground waits for the object. */
export function controllerReference(owner: KubeObject): OwnerReference {
  const { apiVersion, kind, metadata: { name, uid } } = owner;
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}

export function isControlledBy(object: KubeObject, owner: KubeObject): boolean {
  return controllerOf(object)?.uid === owner.metadata.uid;
}

const BY_CONTROLLER = 'controller';

/** Lets `dependentsOf` find objects by the uid of their controller, and those without one by their namespace. */
export function indexByController(informer: Informer<KubeObject>): void {
  informer.addIndex(BY_CONTROLLER, (object) => [controllerOf(object)?.uid ?? `orphans/${object.metadata.namespace ?? ''}`]);
}

export function ownedBy<T extends KubeObject>(informer: Informer<T>, owner: KubeObject): readonly T[] {
  return informer.byIndex(BY_CONTROLLER, owner.metadata.uid);
}

export function orphansIn<T extends KubeObject>(informer: Informer<T>, namespace: string | undefined): readonly T[] {
  return informer.byIndex(BY_CONTROLLER, `orphans/${namespace ?? ''}`);
}

/**
 * For `follow`: the keys of the owners that an object concerns. That is its controller, if it is of this `kind`; an object without one concerns every owner that
 * would adopt it.
 */
export function keysOfOwners<O extends KubeObject>(owners: Informer<O>, kind: string, selector: (owner: O) => LabelSelector | undefined): (object: KubeObject) => string[] {
  return (object) => {
    const { namespace, labels } = object.metadata;
    const controller = controllerOf(object);
    if (controller) return controller.kind === kind ? [keyOf({ metadata: { namespace, name: controller.name } })] : [];
    return owners.list(namespace).filter((owner) => selectorOf(selector(owner)).matches(labels)).map(keyOf);
  };
}

export type Claim = 'mine' | 'adopt' | 'release' | 'ignore';

/**
 * What an owner does about an object that may be its own: one selected object has one owner, the first that adopts it.
 * Upstream: pkg/controller/controller_ref_manager.go.
 */
export function claimDecision(owner: KubeObject, object: KubeObject, selected: boolean): Claim {
  const controller = controllerOf(object);
  if (controller) {
    if (controller.uid !== owner.metadata.uid) return 'ignore';
    if (selected) return 'mine';
    return owner.metadata.deletionTimestamp ? 'ignore' : 'release';
  }
  const leaving = owner.metadata.deletionTimestamp ?? object.metadata.deletionTimestamp;
  return selected && !leaving ? 'adopt' : 'ignore';
}

export interface Claiming<T extends KubeObject> {
  readonly client: Client;
  readonly ownerResource: ResourceType<KubeObject>;
  readonly owner: KubeObject;
  readonly selector: LabelSelector;
  readonly resource: ResourceType<T>;
  readonly candidates: readonly T[];
  /** Put on what is adopted. */
  readonly finalizers?: readonly string[];
}

/** Adopts and releases among the candidates; resolves to those that are the owner's afterwards. */
export async function claim<T extends KubeObject>({ client, ownerResource, owner, selector, resource, candidates, finalizers }: Claiming<T>): Promise<T[]> {
  const claimed: T[] = [];
  let mayAdopt: Promise<boolean> | undefined;
  for (const object of candidates) {
    switch (claimDecision(owner, object, selectorOf(selector).matches(object.metadata.labels))) {
      case 'mine':
        claimed.push(object);
        break;
      case 'adopt': {
        mayAdopt ??= isStillThere(client, ownerResource, owner);
        if (!(await mayAdopt)) break;
        const adopted = await patchOwners(client, resource, object, { ownerReferences: [controllerReference(owner)], ...(finalizers && { finalizers }) });
        if (adopted) claimed.push(adopted);
        break;
      }
      case 'release':
        await patchOwners(client, resource, object, { ownerReferences: [{ $patch: 'delete', uid: owner.metadata.uid }] });
        break;
      case 'ignore':
    }
  }
  return claimed;
}

/** The cache may lag: before it adopts, an owner makes sure that it is not being deleted itself. */
async function isStillThere(client: Client, resource: ResourceType<KubeObject>, owner: KubeObject): Promise<boolean> {
  const { namespace, name, uid } = owner.metadata;
  const fresh = await client.get(resource, { namespace, name });
  if (fresh.metadata.uid !== uid) throw notFound(resource, `${keyOf(owner)} of uid ${uid}`);
  return !fresh.metadata.deletionTimestamp;
}

/** Undefined when the object is gone, or another one by now has its name (Invalid: a uid cannot change) or another owner took it. */
async function patchOwners<T extends KubeObject>(client: Client, resource: ResourceType<T>, object: T, metadata: { readonly ownerReferences: readonly unknown[]; readonly finalizers?: readonly string[] }): Promise<T | undefined> {
  const { namespace, name, uid } = object.metadata;
  try {
    return await client.patch(resource, { namespace, name }, { type: 'application/strategic-merge-patch+json', body: { metadata: { uid, ...metadata } } });
  } catch (error) {
    if (isReason(error, 'NotFound', 'Invalid')) return undefined;
    throw error;
  }
}
