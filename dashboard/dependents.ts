// What belongs to what, by owner references: for kinds of every sort, custom ones too.
import { ApiError, call, type Obj } from './api.ts';
import { discover, type Served } from './discovery.ts';

export interface Dependent {
  readonly path: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  /** Of the object asked for: 1 belongs to it, 2 to one that does. */
  readonly depth: number;
}

type Metadata = Pick<Obj, 'metadata'>;
const METADATA = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json';
/** Never told of: bookkeeping that comes and goes with everything. */
const UNTOLD = new Set(['events', 'endpoints', 'leases']);

/** All that belongs to an object, directly or not, the nearest first. What may not be listed counts as not there. */
export async function dependentsOf({ metadata: { uid, namespace } }: Metadata, signal?: AbortSignal): Promise<readonly Dependent[]> {
  // What is owned lives where its owner does; what a cluster-wide object owns may be anywhere.
  const kinds = (await discover()).filter(
    ({ preferred, resource, namespaced }) => preferred && !UNTOLD.has(resource) && (namespace === undefined || namespaced),
  );
  const lists = await Promise.all(kinds.map(async (served) => ({ served, items: await list(served, namespace, signal) })));
  const children = new Map<string, Omit<Dependent, 'depth'>[]>();
  for (const { served, items } of lists) {
    for (const { metadata } of items) {
      const { ownerReferences = [], name, namespace: ns } = metadata;
      for (const owner of ownerReferences) {
        const path = `${served.base}/${ns ? `namespaces/${ns}/` : ''}${served.resource}/${name}`;
        children.set(owner.uid, [...(children.get(owner.uid) ?? []), { path, kind: served.kind, name, uid: metadata.uid }]);
      }
    }
  }
  return walk(uid, children);
}

/** Breadth first; each once, though it may have several owners. */
export function walk(root: string, children: ReadonlyMap<string, readonly Omit<Dependent, 'depth'>[]>): readonly Dependent[] {
  const found: Dependent[] = [];
  const seen = new Set([root]);
  for (let level = [root], depth = 1; level.length > 0; depth++) {
    const next: string[] = [];
    for (const owner of level) {
      for (const child of children.get(owner) ?? []) {
        if (seen.has(child.uid)) continue;
        seen.add(child.uid);
        found.push({ ...child, depth });
        next.push(child.uid);
      }
    }
    level = next;
  }
  return found;
}

/** Everything in a namespace, by kind. */
export async function contentsOf(namespace: string): Promise<readonly { readonly kind: string; readonly count: number }[]> {
  const kinds = (await discover()).filter(({ preferred, resource, namespaced }) => preferred && namespaced && !UNTOLD.has(resource));
  const counts = await Promise.all(kinds.map(async (served) => ({ kind: served.kind, count: (await list(served, namespace)).length })));
  return counts.filter(({ count }) => count > 0);
}

async function list(
  { base, resource, namespaced }: Served,
  namespace: string | undefined,
  signal?: AbortSignal,
): Promise<readonly Metadata[]> {
  try {
    const where = namespaced && namespace !== undefined ? `namespaces/${namespace}/` : '';
    return (
      (
        await call<{ readonly items?: readonly Metadata[] }>('GET', `${base}/${where}${resource}`, {
          accept: METADATA,
          ...(signal && { signal }),
        })
      ).items ?? []
    );
  } catch (error) {
    // Forbidden, or gone meanwhile, or served by somebody who does not answer now: nothing that would be seen.
    if (error instanceof ApiError) return [];
    throw error;
  }
}
