import type { KubeObject, ObjectKey, ResourceType } from '../../api/object.ts';
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
  return {
    get<T extends KubeObject>(resource: ResourceType<T>, key: ObjectKey): T | undefined {
      const entry = engine.get(prefixOf(resource) + (resource.namespaced ? `${key.namespace ?? ''}/${key.name}` : key.name));
      return entry && (object(entry.value) as T);
    },
    list<T extends KubeObject>(resource: ResourceType<T>, namespace?: string): readonly T[] {
      return engine.range(prefixOf(resource) + (namespace ? `${namespace}/` : '')).entries.map((entry) => object(entry.value) as T);
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
