import { keyOf, type KubeObject, type ResourceType } from '../api/object.ts';
import type { Clock } from '../base/clock.ts';
import type { Client } from '../client/client.ts';

export interface Write {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly resource: ResourceType<unknown>;
  readonly object: KubeObject;
  /** What was there before; undefined for something new. */
  readonly before: KubeObject | undefined;
  readonly revision: number;
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

/**
 * All writes to some kinds in the order of their revisions, whichever kind they are of, and what is there after each of them. Between two calls
 * of `replay` the writes of all kinds are gathered and put in order.
 */
export class EveryRevision implements Disposable {
  readonly #ended = new AbortController();
  readonly #gathered: Write[] = [];
  readonly #objects = new Map<ResourceType<unknown>, Map<string, KubeObject>>();

  static async follow({ admin, clock }: { readonly admin: Client; readonly clock: Clock }, resources: readonly ResourceType<KubeObject>[], namespace: string): Promise<EveryRevision> {
    const all = new EveryRevision();
    for (const resource of resources) {
      all.#objects.set(resource, new Map());
      const events = await admin.watch(resource, { namespace, signal: all.#ended.signal });
      void (async () => {
        for await (const { type, object } of events) {
          if (type === 'BOOKMARK') continue;
          all.#gathered.push({ type: type as Write['type'], resource, object, before: undefined, revision: Number(object.metadata.resourceVersion), atMs: clock.now() });
        }
      })();
    }
    return all;
  }

  /** What is there after the write that is being told of. */
  all<T extends KubeObject>(resource: ResourceType<T>): readonly T[] {
    return [...this.#objects.get(resource as ResourceType<unknown>)!.values()] as unknown as T[];
  }

  /** Tells of the writes since the last call, one after the other. */
  replay(tell: (write: Write) => void): void {
    for (const write of this.#gathered.splice(0).toSorted((a, b) => a.revision - b.revision)) {
      const objects = this.#objects.get(write.resource)!;
      const key = keyOf(write.object);
      const before = objects.get(key);
      if (write.type === 'DELETED') objects.delete(key);
      else objects.set(key, write.object);
      tell({ ...write, before });
    }
  }

  [Symbol.dispose](): void {
    this.#ended.abort();
  }
}
