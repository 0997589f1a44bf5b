import { builtInResources } from '../../api/resources.ts';
import { parseApiVersion } from '../../api/resources.ts';

/** A tree of JSON that is being built: unlike objects of the API it is changed in place. */
export type Tree = Record<string, unknown>;

export const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a resource is called; `namespace` is empty where it says none. */
export interface ResourceId {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
}

const clusterScoped = new Set(builtInResources.filter(({ namespaced }) => !namespaced).map(({ group, kind }) => `${group}/${kind}`));

/** Kinds that are not known count as namespaced. */
export function isClusterScoped({ group, kind }: Pick<ResourceId, 'group' | 'kind'>): boolean {
  return clusterScoped.has(`${group}/${kind}`);
}

/** The namespace that counts when ids are compared: none of one that is cluster-scoped, `default` where none is said. */
export function effectiveNamespace(id: ResourceId): string {
  return isClusterScoped(id) ? '_non_namespaceable_' : id.namespace || 'default';
}

export function sameId(a: ResourceId, b: ResourceId): boolean {
  return a.group === b.group && a.version === b.version && a.kind === b.kind && a.name === b.name && effectiveNamespace(a) === effectiveNamespace(b);
}

/** `Deployment.v1.apps/web.[noNs]`: as messages name a resource. */
export function idText({ group, version, kind, name, namespace }: ResourceId): string {
  return `${kind}.${version}.${group || '[noGrp]'}/${name}.${namespace || '[noNs]'}`;
}

/** An object on its way through the layers of a kustomization, with the names that it had. Upstream: kustomize api/resource. */
export class Resource {
  object: Tree;
  /** Ids that it had before it was renamed or moved, the first one first. */
  readonly previous: ResourceId[] = [];
  readonly prefixes: string[] = [];
  readonly suffixes: string[] = [];
  /** Its name gets the hash of its content at the end. */
  needsHash = false;
  /** What a generator says of one that is there already. */
  behavior: 'create' | 'merge' | 'replace' = 'create';

  constructor(object: Tree) {
    this.object = object;
  }

  get metadata(): Tree {
    if (!isTree(this.object['metadata'])) this.object['metadata'] = {};
    return this.object['metadata'] as Tree;
  }

  get id(): ResourceId {
    const { group, version } = parseApiVersion(String(this.object['apiVersion'] ?? ''));
    const { name, namespace } = this.metadata;
    return { group, version, kind: String(this.object['kind'] ?? ''), name: String(name ?? ''), namespace: String(namespace ?? '') };
  }

  /** The first id that it had. */
  get original(): ResourceId {
    return this.previous[0] ?? this.id;
  }

  /** All ids, the present one too. */
  get ids(): ResourceId[] {
    return [...this.previous, this.id];
  }

  rememberId(): void {
    this.previous.push(this.id);
  }

  strings(field: 'labels' | 'annotations'): Readonly<Record<string, string>> {
    const found = this.metadata[field];
    return isTree(found) ? (found as Record<string, string>) : {};
  }
}
