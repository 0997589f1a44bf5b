import type { KubeObject, ObjectKey, ObjectList, ResourceType } from '../../api/object.ts';
import type { ListOptions } from '../../client/client.ts';
import type { ServedResource } from './served-resource.ts';
import type { Registry, Store, WatchableStore } from './store.ts';

/** Reads of what is not stored but found out when somebody asks. */
export interface ResourceReader {
  get(key: ObjectKey): Promise<KubeObject>;
  list(options: ListOptions): Promise<ObjectList<KubeObject>>;
}

export interface RegisteredResource {
  readonly served: ServedResource;
  /** In place of a store: serves get and list alone. */
  readonly reader?: ResourceReader;
  /** Absent for resources that are not stored: reviews, bindings. */
  readonly store: WatchableStore | undefined;
}

/** All resources that are served, in the order they are shown in. Custom resources come and go. */
export class ApiRegistry implements Registry {
  readonly #resources = new Map<string, RegisteredResource>();
  /** By `group/version`. */
  readonly #shadows = new Map<string, readonly RegisteredResource[]>();
  #generation = 0;

  add(served: ServedResource, store: WatchableStore | undefined, reader?: ResourceReader): void {
    this.#resources.set(key(served.resource.group, served.resource.version, served.resource.resource), { served, store, ...(reader && { reader }) });
    this.#changed();
  }

  remove(resource: ResourceType<unknown>): void {
    if (this.#resources.delete(key(resource.group, resource.version, resource.resource))) this.#changed();
  }

  /** Shows these resources in place of all others of the group version; undefined shows its own again. For what another server answers for. */
  shadow(group: string, version: string, resources: readonly ServedResource[] | undefined): void {
    const shadowed = `${group}/${version}`;
    if (!resources && !this.#shadows.has(shadowed)) return;
    if (resources) this.#shadows.set(shadowed, resources.map((served) => ({ served, store: undefined })));
    else this.#shadows.delete(shadowed);
    this.#changed();
  }

  find(group: string, version: string, resource: string): RegisteredResource | undefined {
    return this.#resources.get(key(group, version, resource));
  }

  store(group: string, version: string, resource: string): Store | undefined {
    return this.find(group, version, resource)?.store;
  }

  storeOf<T extends KubeObject>(resource: ResourceType<T>): Store<T> | undefined {
    return this.store(resource.group, resource.version, resource.resource) as Store<T> | undefined;
  }

  /** All that is shown, in the order it is shown in. */
  *all(): Generator<RegisteredResource> {
    for (const registered of this.#resources.values()) {
      const { group, version } = registered.served.resource;
      if (this.#shadows.size === 0 || !this.#shadows.has(`${group}/${version}`)) yield registered;
    }
    for (const shadow of this.#shadows.values()) yield* shadow;
  }

  /** Counts changes: what is derived from the registry (discovery, OpenAPI) is made anew when it differs. */
  get generation(): number {
    return this.#generation;
  }

  #changed(): void {
    this.#generation++;
  }
}

const key = (group: string, version: string, resource: string): string => `${group}/${version}/${resource}`;
