import { badRequest, expired, notFound, StatusError, statusError } from '../../api/errors.ts';
import { apiVersionOf, type KubeObject, type ObjectKey, type ObjectList } from '../../api/object.ts';
import type { ListOptions, WatchOptions } from '../../client/client.ts';
import type { Clock } from '../../base/clock.ts';
import { runSteps } from '../../base/steps.ts';
import type { Entry, Range, StorageEngine } from '../../storage/engine.ts';
import { CompactedError, FutureRevisionError } from '../../storage/errors.ts';
import type { BookmarkTicker } from './bookmark-ticker.ts';
import { decodeContinue, encodeContinue } from './continue-token.ts';
import { FieldWatches } from './field-watches.ts';
import { parseRevision, startWatch, type WatchSource } from './resource-watch.ts';
import type { WatchSink } from './watch-sink.ts';
import { compileSelection, fieldValue, type Selection } from './selection.ts';
import { storagePrefix, type ServedResource } from './served-resource.ts';
import type { StoredForm } from './stored-form.ts';

export interface ReadEnvironment {
  readonly engine: StorageEngine<KubeObject>;
  readonly clock: Clock;
  readonly bookmarks: BookmarkTicker;
}

/** The reading verbs on one resource, out of memory. Upstream: apiserver pkg/storage, pkg/storage/cacher. */
export class ResourceReads {
  readonly #served: ServedResource;
  readonly #environment: ReadEnvironment;
  readonly #form: StoredForm | undefined;
  readonly #prefix: string;
  /** By field and prefix. */
  readonly #fieldWatches = new Map<string, FieldWatches>();
  /** Ends each open watch. */
  readonly #watches = new Set<() => void>();

  constructor(served: ServedResource, environment: ReadEnvironment, form?: StoredForm) {
    this.#served = served;
    this.#environment = environment;
    this.#form = form;
    this.#prefix = storagePrefix(form?.resource ?? served.resource);
  }

  get(key: ObjectKey, options: { readonly resourceVersion?: string } = {}): KubeObject | Promise<KubeObject> {
    this.#checkNotFuture(parseRevision(options.resourceVersion));
    return this.shown(this.entry(key).value);
  }

  /** A stored object as this version shows it. */
  shown(stored: KubeObject): KubeObject | Promise<KubeObject> {
    const shown = this.#form ? this.#form.shown([stored], { fresh: true }) : [stored];
    return shown instanceof Promise ? shown.then(([object]) => object!) : shown[0]!;
  }

  /** As it is stored. Throws 404 where there is none. */
  entry(key: ObjectKey): Entry<KubeObject> {
    const entry = this.#environment.engine.get(this.keyOf(key));
    if (!entry) throw notFound(this.#served.resource, key.name);
    return entry;
  }

  /** The key in storage. */
  keyOf({ namespace, name }: ObjectKey): string {
    if (!this.#served.resource.namespaced) return this.#prefix + name;
    if (!namespace) throw badRequest('namespace is required');
    return `${this.#prefix}${namespace}/${name}`;
  }

  list(options: ListOptions): ObjectList<KubeObject> | Promise<ObjectList<KubeObject>> {
    return runSteps(this.#listing(options), (stored) => this.#form?.shown(stored) ?? stored);
  }

  /** Reads range after range; asks for what is stored to be shown in between. */
  *#listing(options: ListOptions): Generator<readonly KubeObject[], ObjectList<KubeObject>, readonly KubeObject[]> {
    const served = this.#served;
    const { resource } = served;
    const selection = compileSelection(resource, served.definition, options.labelSelector, options.fieldSelector);
    const prefix = this.#prefixOf(options.namespace);
    if (selection.name !== undefined && !options.continue && (options.namespace || !resource.namespaced) && options.resourceVersionMatch !== 'Exact') {
      this.#checkNotFuture(parseRevision(options.resourceVersion));
      const entry = this.#environment.engine.get(prefix + selection.name);
      const { revision } = this.#environment.engine;
      const found = entry ? yield [entry.value] : [];
      return this.#listOf(found.filter((object) => selection.matches(object)), { resourceVersion: String(revision) });
    }
    let { revision, after } = this.#listPosition(options, prefix);
    const limit = options.limit || undefined;
    const items: KubeObject[] = [];
    for (;;) {
      const range = this.#range(prefix, { ...(revision !== undefined && { revision }), ...(after !== undefined && { after }), ...(limit && { limit: limit - items.length }) }, options);
      revision = range.revision;
      for (const object of yield range.entries.map((entry) => entry.value)) if (selection.matches(object)) items.push(object);
      const last = range.entries.at(-1);
      if (!range.more || !last) return this.#listOf(items, { resourceVersion: String(revision) });
      after = last.key;
      if (limit && items.length >= limit) {
        return this.#listOf(items, {
          resourceVersion: String(revision),
          continue: encodeContinue({ revision, start: `${last.key.slice(prefix.length)}\0` }),
          ...(selection.everything && { remainingItemCount: range.remaining }),
        });
      }
    }
  }

  /** Delivers to `sink` from now on, until disposed or, after `timeoutSeconds`, ended. Throws StatusErrors for options that cannot be served. */
  openWatch(options: WatchOptions, sink: WatchSink): Disposable {
    const { engine, clock, bookmarks } = this.#environment;
    const served = this.#served;
    const { resource } = served;
    const selection = compileSelection(resource, served.definition, options.labelSelector, options.fieldSelector);
    const namespacePrefix = this.#prefixOf(options.namespace);
    const stack = new DisposableStack();
    const end = (): void => {
      stack.dispose();
      sink.end();
    };
    const form = this.#form;
    const follow = form ? undefined : this.#followOf(selection, namespacePrefix);
    const watch = stack.use(startWatch({ engine, resource, prefix: namespacePrefix, selection, ...(follow && { follow }), ...(form && { form }) }, options, sink));
    if (options.allowWatchBookmarks) stack.use(bookmarks.add(() => watch.bookmark()));
    if (options.timeoutSeconds) {
      stack.use(clock.timer(options.timeoutSeconds * 1000, end));
    }
    this.#watches.add(end);
    stack.defer(() => void this.#watches.delete(end));
    return stack;
  }

  /** Selections by one value of a field share one look at each change. */
  #followOf({ exact }: Selection, prefix: string): WatchSource['follow'] {
    if (!exact) return undefined;
    const { engine } = this.#environment;
    const { definition } = this.#served;
    const key = `${exact.field} ${prefix}`;
    let watches = this.#fieldWatches.get(key);
    if (!watches) this.#fieldWatches.set(key, (watches = new FieldWatches(engine, prefix, (object) => fieldValue(object, definition, exact.field))));
    return (fromRevision, listener) => watches.watch(exact.value, fromRevision, listener);
  }

  endWatches(): void {
    for (const end of this.#watches) end();
  }

  #prefixOf(namespace: string | undefined): string {
    return namespace && this.#served.resource.namespaced ? `${this.#prefix}${namespace}/` : this.#prefix;
  }

  #listOf(items: readonly KubeObject[], metadata: ObjectList<KubeObject>['metadata']): ObjectList<KubeObject> {
    return { apiVersion: apiVersionOf(this.#served.resource), kind: this.#served.listKind, metadata, items };
  }

  /** Where a list begins. Upstream: apiserver pkg/storage.ValidateListOptions. */
  #listPosition(options: ListOptions, prefix: string): { revision: number | undefined; after: string | undefined } {
    const asked = parseRevision(options.resourceVersion);
    if (options.continue) {
      if (asked !== 0) throw badRequest('specifying resource version is not allowed when using continue');
      const token = decodeContinue(options.continue);
      return { revision: token.revision < 0 ? undefined : token.revision, after: prefix + token.start.replace(/\0$/, '') };
    }
    if (options.resourceVersionMatch === 'Exact') return { revision: asked, after: undefined };
    this.#checkNotFuture(asked);
    return { revision: undefined, after: undefined };
  }

  #range(prefix: string, range: { revision?: number; after?: string; limit?: number }, options: ListOptions): Range<KubeObject> {
    try {
      return this.#environment.engine.range(prefix, range);
    } catch (error) {
      if (error instanceof FutureRevisionError) throw tooLarge(range.revision!, this.#environment.engine.revision);
      if (!(error instanceof CompactedError)) throw error;
      if (!options.continue) throw expired('The resourceVersion for the provided list is too old.');
      const { start } = decodeContinue(options.continue);
      const fault = expired('The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.');
      throw new StatusError({ ...fault.status, metadata: { continue: encodeContinue({ revision: -1, start }) } });
    }
  }

  #checkNotFuture(asked: number): void {
    const { revision } = this.#environment.engine;
    if (asked > revision) throw tooLarge(asked, revision);
  }
}

/** Upstream: apiserver pkg/storage.NewTooLargeResourceVersionError. */
function tooLarge(asked: number, current: number): StatusError {
  return statusError(504, 'Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }], retryAfterSeconds: 1,
  });
}
