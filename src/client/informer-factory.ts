import { isReason } from '../api/errors.ts';
import { apiVersionOf, keyOf, type KubeObject, type ResourceType } from '../api/object.ts';
import { Backoff } from '../base/backoff.ts';
import { because, writeOf, type Cause } from '../base/cause.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { Client } from './client.ts';
import type { Informer, InformerFactory, InformerHandler } from './informer.ts';
import { ObjectCache } from './object-cache.ts';
import { shareUnchanged } from './share-unchanged.ts';

export interface InformerFactoryOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

interface Selection {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** A watch that ends sooner than this without an event is taken for a fault, lest we ask in a circle. */
const SHORT_WATCH_MS = 1000;

export function createInformerFactory(options: InformerFactoryOptions): InformerFactory {
  const ending = new AbortController();
  const informers = new Map<string, { readonly informer: Informer<unknown>; readonly ending: AbortController; readonly ended: Promise<void> }>();

  return {
    informer<T>(resource: ResourceType<T>, selection: Selection = {}): Informer<T> {
      const { namespace = '', labelSelector = '', fieldSelector = '' } = selection;
      const id = JSON.stringify([resource.group, resource.version, resource.resource, namespace, labelSelector, fieldSelector]);
      let found = informers.get(id);
      if (!found) {
        const informer = new CachedInformer(resource as ResourceType<KubeObject>, options.log);
        const own = new AbortController();
        const ended = follow(informer, { ...options, selection, signal: AbortSignal.any([ending.signal, own.signal]) });
        informers.set(id, (found = { informer, ending: own, ended }));
      }
      return found.informer as Informer<T>;
    },
    forget({ group, version, resource }) {
      for (const [id, { informer, ending: own }] of informers) {
        const followed = informer.resource;
        if (followed.group !== group || followed.version !== version || followed.resource !== resource) continue;
        informers.delete(id);
        own.abort(new Error(`${resource} is followed no more`));
      }
    },
    async untilSynced(signal) {
      await Promise.all([...informers.values()].map(({ informer }) => informer.untilSynced(signal)));
    },
    async [Symbol.asyncDispose]() {
      ending.abort(new Error('the informers are ending'));
      await Promise.all([...informers.values()].map(({ ended }) => ended));
    },
  };
}

/** An object of its own, so that one handler may subscribe twice. */
interface Subscription<T> {
  readonly handler: InformerHandler<T>;
}

class CachedInformer<T extends KubeObject> implements Informer<T> {
  readonly resource: ResourceType<T>;
  readonly #cache = new ObjectCache<T>();
  readonly #handlers = new Set<Subscription<T>>();
  readonly #log: Log;
  readonly #synced = Promise.withResolvers<void>();
  synced = false;

  constructor(resource: ResourceType<T>, log: Log) {
    this.resource = resource;
    this.#log = log;
  }

  get(key: string): T | undefined {
    return this.#cache.get(key);
  }

  list(namespace?: string): readonly T[] {
    return this.#cache.list(namespace);
  }

  byIndex(index: string, value: string): readonly T[] {
    return this.#cache.byIndex(index, value);
  }

  addIndex(index: string, keys: (object: T) => readonly string[]): void {
    this.#cache.addIndex(index, keys);
  }

  subscribe(handler: InformerHandler<T>): Disposable {
    const own: Subscription<T> = { handler };
    this.#handlers.add(own);
    for (const object of this.#cache.list()) because(causeOf(object), () => this.#call(own, 'add', object, object));
    return { [Symbol.dispose]: () => void this.#handlers.delete(own) };
  }

  async untilSynced(signal?: AbortSignal): Promise<void> {
    if (this.synced) return;
    if (!signal) return this.#synced.promise;
    signal.throwIfAborted();
    const aborted = Promise.withResolvers<never>();
    const onAbort = (): void => aborted.reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await Promise.race([this.#synced.promise, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Makes the cache hold exactly `objects`, telling handlers the differences. */
  replace(objects: readonly T[]): void {
    const gone = new Map(this.#cache.list().map((object) => [keyOf(object), object]));
    for (const object of objects) {
      const previous = gone.get(keyOf(object));
      gone.delete(keyOf(object));
      if (previous?.metadata.resourceVersion !== object.metadata.resourceVersion) this.put(object);
    }
    for (const object of gone.values()) this.remove(object);
    if (this.synced) return;
    this.synced = true;
    this.#synced.resolve();
  }

  put(fresh: T): void {
    const key = keyOf(fresh);
    const previous = this.#cache.get(key);
    const object = previous && !isSharing(previous, fresh) ? shareUnchanged(previous, fresh) : fresh;
    this.#cache.put(key, object);
    // Another object under an old name: its predecessor's end was missed.
    const same = previous !== undefined && previous.metadata.uid === object.metadata.uid;
    if (previous && !same) this.#tell('delete', previous);
    if (same) this.#tell('update', object, previous);
    else this.#tell('add', object);
  }

  remove(object: T): void {
    if (this.#cache.remove(keyOf(object))) this.#tell('delete', object);
  }

  /** Handlers run because of the write that made the object what it is: its revision goes with all that they begin. */
  #tell(what: keyof InformerHandler<T>, object: T, previous = object): void {
    if (this.#handlers.size === 0) return;
    because(causeOf(object), () => {
      for (const subscription of this.#handlers) this.#call(subscription, what, object, previous);
    });
  }

  /** One handler's fault must not keep the others from the event, nor end the watch. */
  #call({ handler }: Subscription<T>, what: keyof InformerHandler<T>, object: T, previous: T): void {
    try {
      if (what === 'update') handler.update?.(previous, object);
      else handler[what]?.(object);
    } catch (error) {
      this.#log.error('an informer handler failed', { resource: this.resource.resource, error });
    }
  }
}

/** Whether the server's own objects come in: what did not change is the same object already. */
function isSharing(previous: KubeObject & { readonly spec?: unknown }, fresh: KubeObject & { readonly spec?: unknown }): boolean {
  return fresh.spec !== undefined && fresh.spec === previous.spec;
}

const causeOf = ({ metadata }: KubeObject): Cause => ({ writes: writeOf(metadata.resourceVersion) });

interface FollowOptions extends InformerFactoryOptions {
  readonly selection: Selection;
  readonly signal: AbortSignal;
}

/**
 * Keeps an informer current until the signal aborts: list once, then watch from there, again from the last revision seen when the watch ends
 * or breaks, and from a new list when the server no longer has that revision. Upstream: client-go tools/cache.Reflector.
 */
async function follow<T extends KubeObject>(informer: CachedInformer<T>, options: FollowOptions): Promise<void> {
  const { client, clock, random, log, selection, signal } = options;
  const { resource } = informer;
  const backoff = new Backoff({ initialMs: 200, maxMs: 30_000, jitter: 1, random: () => random.next() });
  let resourceVersion: string | undefined;
  while (!signal.aborted) {
    try {
      if (resourceVersion === undefined) {
        const list = await client.list(resource, selection);
        if (signal.aborted) return;
        // Items of a list need not repeat what the list says of them.
        informer.replace(list.items.map((item) => (item.kind ? item : { ...item, apiVersion: apiVersionOf(resource), kind: resource.kind })));
        resourceVersion = list.metadata.resourceVersion;
      }
      const started = clock.monotonic();
      let events = 0;
      for await (const event of await client.watch(resource, { ...selection, resourceVersion, allowWatchBookmarks: true, signal })) {
        if (signal.aborted) return;
        if (events++ === 0) backoff.reset();
        resourceVersion = event.object.metadata.resourceVersion;
        if (event.type === 'DELETED') informer.remove(event.object);
        else if (event.type !== 'BOOKMARK') informer.put(event.object);
      }
      if (events > 0 || clock.monotonic() - started > SHORT_WATCH_MS) continue;
    } catch (error) {
      if (signal.aborted) return;
      if (isReason(error, 'Expired', 'Gone') && resourceVersion !== undefined) {
        log.debug('history is gone, listing anew', { resource: resource.resource });
        resourceVersion = undefined;
        continue;
      }
      log.warn('cannot follow, will try again', { resource: resource.resource, error });
    }
    try {
      await clock.sleep(backoff.next(), signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
