import { invalid } from '../../api/errors.ts';
import { apiVersionOf, type KubeObject, type ObjectKey, type ObjectList, type ResourceType } from '../../api/object.ts';
import type { DeleteOptions, ListOptions, WatchEvent, WatchOptions } from '../../client/client.ts';
import type { RequestContext } from '../request.ts';
import { EventQueue } from './event-queue.ts';
import type { WatchSink } from './resource-watch.ts';
import type { ServedResource } from './served-resource.ts';
import type { StoreUpdateOptions, StoreWriteOptions, WatchableStore } from './store.ts';

/** How objects of one version read in another. Both directions are pure and lose nothing that the stored version can hold. */
export interface Conversion {
  fromStored(object: KubeObject): KubeObject;
  toStored(object: KubeObject): KubeObject;
  /** Field selectors in the words of the stored version. Absent: they are the same. */
  fieldSelector?(selector: string): string;
}

/** A resource as one version shows it, where the stored object is not shown as it is: every call goes to the store of the stored version and back. */
export class ConvertedStore implements WatchableStore {
  readonly resource: ResourceType<KubeObject>;
  readonly #served: ServedResource;
  readonly #stored: WatchableStore & { readonly served: ServedResource };
  readonly #conversion: Conversion;
  readonly #watches = new Set<() => void>();
  readonly #seen = new WeakMap<KubeObject, KubeObject>();

  constructor(served: ServedResource, stored: WatchableStore & { readonly served: ServedResource }, conversion: Conversion) {
    this.resource = served.resource;
    this.#served = served;
    this.#stored = stored;
    this.#conversion = conversion;
  }

  get(context: RequestContext, key: ObjectKey, options?: { readonly resourceVersion?: string }): KubeObject {
    return this.#show(this.#stored.get(context, key, options));
  }

  list(context: RequestContext, options: ListOptions): ObjectList<KubeObject> {
    return this.#showList(this.#stored.list(context, this.#selecting(options)));
  }

  watch(context: RequestContext, options: WatchOptions): EventQueue<KubeObject> {
    const queue = new EventQueue<KubeObject>();
    const signal = options.signal ? AbortSignal.any([options.signal, context.signal]) : context.signal;
    queue.follow(signal, (sink) => this.openWatch(options, sink));
    return queue;
  }

  openWatch(options: WatchOptions, sink: WatchSink): Disposable {
    const watch = this.#stored.openWatch(this.#selecting(options), {
      events: (batch) => sink.events(batch.map((event): WatchEvent<KubeObject> => ({ type: event.type, object: event.type === 'BOOKMARK' ? this.#named(event.object) : this.#show(event.object) }))),
      end: (fault) => sink.end(fault),
    });
    const end = (): void => {
      stop();
      sink.end();
    };
    const stop = (): void => {
      this.#watches.delete(end);
      watch[Symbol.dispose]();
    };
    this.#watches.add(end);
    return { [Symbol.dispose]: stop };
  }

  /** Of this version alone; those of the stored version go on. */
  endWatches(): void {
    for (const end of this.#watches) end();
  }

  async create(context: RequestContext, namespace: string, object: KubeObject, options?: StoreWriteOptions): Promise<KubeObject> {
    return this.#show(await this.#stored.create(context, namespace, this.#store(object), options));
  }

  async update(
    context: RequestContext, key: ObjectKey, change: (current: KubeObject | undefined) => KubeObject | Promise<KubeObject>,
    options?: StoreUpdateOptions,
  ): Promise<{ readonly object: KubeObject; readonly created: boolean }> {
    const { object, created } = await this.#stored.update(context, key, async (current) => {
      const shown = current && this.#show(current);
      return this.#store(await change(shown), shown, options?.subresource);
    }, options);
    return { object: this.#show(object), created };
  }

  async delete(context: RequestContext, key: ObjectKey, options?: DeleteOptions): Promise<{ readonly object: KubeObject; readonly immediate: boolean }> {
    const { object, immediate } = await this.#stored.delete(context, key, options);
    return { object: this.#show(object), immediate };
  }

  async deleteCollection(context: RequestContext, list: ListOptions, options?: DeleteOptions): Promise<ObjectList<KubeObject>> {
    return this.#showList(await this.#stored.deleteCollection(context, this.#selecting(list), options));
  }

  /** One shown object for each stored one, so that its bytes are made once. */
  #show(object: KubeObject): KubeObject {
    let shown = this.#seen.get(object);
    if (!shown) {
      const { schema, custom } = this.#served;
      const { object: decoded } = schema.decode(this.#named(this.#conversion.fromStored(object)));
      // What a definition has come to give defaults for shows with them, also where it was stored before.
      this.#seen.set(object, (shown = custom ? schema.defaults(decoded) : decoded));
    }
    return shown;
  }

  #named(object: KubeObject): KubeObject {
    const apiVersion = apiVersionOf(this.resource);
    return object.apiVersion === apiVersion && object.kind === this.resource.kind ? object : { ...object, apiVersion, kind: this.resource.kind };
  }

  /** The object as it is stored; refused by what this version demands beyond the stored one. */
  #store(given: KubeObject, previous?: KubeObject, subresource?: string): KubeObject {
    const { definition, resource, schema } = this.#served;
    const filled = schema.defaults(given);
    const object = definition.defaults?.(filled) ?? filled;
    const errors = [...(definition.validate?.(object) ?? []), ...((previous ? definition.validateUpdate?.(object, previous) : definition.validateCreate?.(object)) ?? [])];
    const { served } = this.#stored;
    if (!subresource && schema !== served.schema) errors.push(...(schema.validate?.(object, previous) ?? []));
    if (errors.length > 0) throw invalid(resource, object.metadata.name ?? '', errors);
    return served.schema.decode({ ...this.#conversion.toStored(object), apiVersion: apiVersionOf(served.resource), kind: served.resource.kind }).object;
  }

  #showList({ metadata, items }: ObjectList<KubeObject>): ObjectList<KubeObject> {
    return { apiVersion: apiVersionOf(this.resource), kind: this.#served.listKind, metadata, items: items.map((item) => this.#show(item)) };
  }

  #selecting<O extends ListOptions | WatchOptions>(options: O): O {
    const { fieldSelector } = options;
    return fieldSelector && this.#conversion.fieldSelector ? { ...options, fieldSelector: this.#conversion.fieldSelector(fieldSelector) } : options;
  }
}

