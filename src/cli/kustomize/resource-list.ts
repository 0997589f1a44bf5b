import { KubectlError } from '../command/kubectl-error.ts';
import { idText, isTree, sameId, type Resource, type ResourceId, type Tree } from './resource.ts';

/** The resources of a layer, in order; no two of one id. */
export class ResourceList {
  #items: Resource[] = [];

  get items(): readonly Resource[] {
    return this.#items;
  }

  /** Throws KubectlError where the id is taken. */
  add(resource: Resource): void {
    if (this.#items.some((present) => sameId(present.id, resource.id))) throw new KubectlError(`may not add resource with an already registered id: ${idText(resource.id)}`);
    this.#items.push(resource);
  }

  addAll(resources: Iterable<Resource>): void {
    for (const resource of resources) this.add(resource);
  }

  /** Takes in what was generated: added, merged into what is there, or put in its place, as its behavior says. */
  absorb(generated: Resource): void {
    const matches = this.withAnyId(generated.id);
    if (matches.length > 1) throw new KubectlError(`found multiple objects that could accept merge of ${idText(generated.id)}`);
    const [present] = matches;
    if (!present) {
      if (generated.behavior !== 'create') throw new KubectlError(`id ${idText(generated.id)} does not exist; cannot merge or replace`);
      this.add(generated);
      return;
    }
    if (generated.behavior === 'create') throw new KubectlError(`id ${idText(generated.id)} exists; can not use behavior: 'create', behavior must be merge or replace`);
    const { labels, annotations, ...rest } = generated.metadata;
    const combined = (field: string, own: unknown): Tree => {
      const merged = { ...(isTree(present.metadata[field]) ? present.metadata[field] : {}), ...(isTree(own) ? own : {}) };
      return Object.keys(merged).length > 0 ? { [field]: merged } : {};
    };
    const object: Tree = { ...generated.object, metadata: { ...rest, name: present.metadata['name'], ...(present.metadata['namespace'] !== undefined && { namespace: present.metadata['namespace'] }), ...combined('labels', labels), ...combined('annotations', annotations) } };
    if (generated.behavior === 'merge') {
      for (const field of ['data', 'binaryData']) {
        const merged = { ...(isTree(present.object[field]) ? present.object[field] : {}), ...(isTree(object[field]) ? object[field] : {}) };
        if (Object.keys(merged).length > 0) object[field] = merged;
      }
    }
    present.object = object;
    // Whether its name gets a hash stays as it was.
  }

  /** Those that have or had the id. */
  withAnyId(id: ResourceId): Resource[] {
    return this.#items.filter((resource) => resource.ids.some((one) => sameId(one, id)));
  }

  drop(gone: (resource: Resource) => boolean): void {
    this.#items = this.#items.filter((resource) => !gone(resource));
  }

  sort(compare: (a: Resource, b: Resource) => number): void {
    this.#items = this.#items.toSorted(compare);
  }
}
