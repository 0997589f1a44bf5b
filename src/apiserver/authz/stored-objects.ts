import type { KubeObject, ObjectKey, ResourceType } from '../../api/object.ts';
import { RecentMap } from '../../base/recent-map.ts';
import type { StorageEngine } from '../../storage/engine.ts';

/** What is stored right now, read from memory without going through authorization: the view that authentication, authorization and admission have. */
export interface StoredObjects {
  get<T extends KubeObject>(resource: ResourceType<T>, key: ObjectKey): T | undefined;
  /** All namespaces when none is given; in the order of their keys. */
  list<T extends KubeObject>(resource: ResourceType<T>, namespace?: string): readonly T[];
  /** Replays what is there, then calls the follower synchronously as each write is published. */
  follow<T extends KubeObject>(resource: ResourceType<T>, follower: ObjectFollower<T>): Disposable;
}

export interface ObjectFollower<T> {
  put(object: T, previous: T | undefined): void;
  delete(previous: T): void;
}

const prefixes = new WeakMap<object, string>();

/** `/registry/core/pods/`: what all keys of a resource begin with. */
function prefixOf(resource: { readonly group: string; readonly resource: string }): string {
  let prefix = prefixes.get(resource);
  if (prefix === undefined) prefixes.set(resource, (prefix = `/registry/${resource.group || 'core'}/${resource.resource}/`));
  return prefix;
}

/** Reads an engine that keeps its values under `/registry/<group or "core">/<resource>/[<namespace>/]<name>`; `object` takes a stored value apart. */
export function storedObjects<V>(engine: StorageEngine<V>, object: (value: V) => KubeObject): StoredObjects {
  const lists = new RecentLists(engine, object);
  return {
    get<T extends KubeObject>(resource: ResourceType<T>, key: ObjectKey): T | undefined {
      const entry = engine.get(prefixOf(resource) + (resource.namespaced ? `${key.namespace ?? ''}/${key.name}` : key.name));
      return entry && (object(entry.value) as T);
    },
    list<T extends KubeObject>(resource: ResourceType<T>, namespace?: string): readonly T[] {
      return lists.get(prefixOf(resource), namespace) as readonly T[];
    },
    follow<T extends KubeObject>(resource: ResourceType<T>, follower: ObjectFollower<T>): Disposable {
      const present = engine.range(prefixOf(resource));
      for (const entry of present.entries) follower.put(object(entry.value) as T, undefined);
      return engine.watch(prefixOf(resource), present.revision, (events) => {
        for (const event of events) {
          if (event.type === 'put') follower.put(object(event.entry.value) as T, event.previous && (object(event.previous.value) as T));
          else follower.delete(object(event.previous.value) as T);
        }
      });
    },
  };
}

/** Lists of one resource that are kept. */
const NAMESPACES = 256;

/** What was listed of each resource since it changed last: every write asks for a handful of lists that hardly ever change. */
class RecentLists<V> {
  readonly #engine: StorageEngine<V>;
  readonly #object: (value: V) => KubeObject;
  readonly #lists = new Map<string, RecentMap<readonly KubeObject[]>>();
  readonly #watched = new Set<string>();
  /** All watchers have been told of what was written up to it. */
  #told: number | undefined;

  constructor(engine: StorageEngine<V>, object: (value: V) => KubeObject) {
    this.#engine = engine;
    this.#object = object;
  }

  get(prefix: string, namespace = ''): readonly KubeObject[] {
    const engine = this.#engine;
    if (this.#told === undefined) {
      this.#told = engine.revision;
      engine.onProgress((revision) => (this.#told = revision));
    }
    // Who is told of a write may ask before this here has been told of it.
    if (this.#told !== engine.revision) return this.#read(prefix, namespace);
    let lists = this.#lists.get(prefix);
    if (!lists) {
      this.#lists.set(prefix, (lists = new RecentMap(NAMESPACES)));
      if (!this.#watched.has(prefix)) engine.watch(prefix, engine.revision, () => this.#lists.delete(prefix));
      this.#watched.add(prefix);
    }
    return lists.get(namespace, () => this.#read(prefix, namespace));
  }

  #read(prefix: string, namespace: string): readonly KubeObject[] {
    return this.#engine.range(namespace ? `${prefix}${namespace}/` : prefix).entries.map(({ value }) => this.#object(value));
  }
}
