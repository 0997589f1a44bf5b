import { badRequest, expired } from '../../api/errors.ts';
import type { KubeObject, ResourceType } from '../../api/object.ts';
import type { WatchEvent, WatchOptions } from '../../client/client.ts';
import type { StorageEngine, StorageEvent } from '../../storage/engine.ts';
import { CompactedError } from '../../storage/errors.ts';
import { apiVersionOf } from '../../api/object.ts';
import { OrderedConversion } from './ordered-conversion.ts';
import type { Selection } from './selection.ts';
import type { StoredForm } from './stored-form.ts';
import { withResourceVersion } from './fill-metadata.ts';
import type { WatchSink } from './watch-sink.ts';

export interface WatchSource {
  readonly engine: StorageEngine<KubeObject>;
  readonly resource: ResourceType<KubeObject>;
  readonly prefix: string;
  readonly selection: Selection;
  /** Where the selection wants one value of a field: subscribes to what concerns it. Absent: the engine's own watch of the prefix. */
  readonly follow?: (fromRevision: number, listener: (events: readonly StorageEvent<KubeObject>[]) => void) => Disposable;
  /** Where the objects of this version are not stored as they are shown. */
  readonly form?: StoredForm;
}

/** A watch as the engine runs it. */
export interface RunningWatch extends Disposable {
  /** A bookmark that says that all up to now was delivered, in its turn. */
  bookmark(): void;
}

/** The annotation of the bookmark after which a streaming list is complete. */
export const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

/**
 * Starts delivering: first what the options ask for as initial events, then each change after it, once and in the order of revisions.
 * Where no gap may be, all happens synchronously: initial state and subscription are taken at the same revision.
 * Throws 410 where the resource version is older than history. Upstream: apiserver pkg/storage/cacher.
 */
export function startWatch(source: WatchSource, options: WatchOptions, sink: WatchSink): RunningWatch {
  const { engine, prefix, selection, form } = source;
  const conversion = form && new OrderedConversion(form, sink);
  const deliver = (batch: readonly WatchEvent<KubeObject>[]): void => {
    if (conversion) conversion.push({ objects: [], events: () => batch });
    else sink.events(batch);
  };
  const from = parseRevision(options.resourceVersion);
  const wantsInitial = options.sendInitialEvents ?? from === 0;
  let revision = from;
  if (wantsInitial) {
    const range = engine.range(prefix);
    revision = range.revision;
    const present = range.entries.map((entry) => entry.value);
    const added = (shown: readonly KubeObject[]) => shown.filter((object) => selection.matches(object)).map((object): WatchEvent<KubeObject> => ({ type: 'ADDED', object }));
    if (conversion) conversion.push({ objects: present, events: added });
    else if (present.length > 0) {
      const batch = added(present);
      if (batch.length > 0) sink.events(batch);
    }
    if (options.sendInitialEvents && options.allowWatchBookmarks) deliver([bookmark(source.resource, revision, true)]);
  } else if (from === 0) {
    revision = engine.revision;
  }
  const translate = (events: readonly StorageEvent<KubeObject>[]) => (selection.everything ? events.map(translateAll) : translateSelected(events, selection));
  try {
    const follow = source.follow ?? ((fromRevision, listener) => engine.watch(prefix, fromRevision, listener));
    const watch = follow(revision, (events) => {
      if (conversion) return conversion.push({ objects: events.flatMap(statesOf), events: (shown) => translate(shownEvents(form!, events, shown)) });
      const batch = translate(events);
      if (batch.length > 0) sink.events(batch);
    });
    return {
      bookmark: () => deliver([bookmark(source.resource, engine.revision)]),
      [Symbol.dispose]() {
        watch[Symbol.dispose]();
        conversion?.[Symbol.dispose]();
      },
    };
  } catch (error) {
    if (!(error instanceof CompactedError)) throw error;
    throw expired(`too old resource version: ${revision} (${error.compactedRevision})`);
  }
}

/** The states that an event tells of: the new one, then the one before. */
function statesOf(event: StorageEvent<KubeObject>): readonly KubeObject[] {
  if (event.type === 'delete') return [event.previous.value];
  return event.previous ? [event.entry.value, event.previous.value] : [event.entry.value];
}

/** One event of the shown objects for each of the stored ones, so that all watchers of a version share what is made of it. */
const shownEventsOf = new WeakMap<StoredForm, WeakMap<StorageEvent<KubeObject>, StorageEvent<KubeObject>>>();

/** The events with the states as `shown` has them, in the order of `statesOf`. */
function shownEvents(form: StoredForm, events: readonly StorageEvent<KubeObject>[], shown: readonly KubeObject[]): StorageEvent<KubeObject>[] {
  let known = shownEventsOf.get(form);
  if (!known) shownEventsOf.set(form, (known = new WeakMap()));
  let at = 0;
  return events.map((event) => {
    const value = shown[at++]!;
    const before = event.type === 'put' && event.previous ? shown[at++]! : undefined;
    let made = known.get(event);
    if (!made) {
      made = event.type === 'delete'
        ? { ...event, previous: { ...event.previous, value } }
        : { ...event, entry: { ...event.entry, value }, ...(before && { previous: { ...event.previous!, value: before } }) };
      known.set(event, made);
    }
    return made;
  });
}

/** The revision that a resource version names; 0 for none. Throws 400 for what is no resource version. */
export function parseRevision(resourceVersion: string | undefined): number {
  if (!resourceVersion) return 0;
  if (!/^\d+$/.test(resourceVersion)) throw badRequest(`invalid resource version: resourceVersion: Invalid value: "${resourceVersion}": strconv.ParseUint: parsing "${resourceVersion}": invalid syntax`);
  return Number(resourceVersion);
}

export function bookmark(resource: ResourceType<KubeObject>, revision: number, initialEventsEnd = false): WatchEvent<KubeObject> {
  const metadata = { resourceVersion: String(revision), ...(initialEventsEnd && { annotations: { [INITIAL_EVENTS_END]: 'true' } }) };
  return { type: 'BOOKMARK', object: { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata } as unknown as KubeObject };
}

/** The event of a whole selection; the same event object for every watcher, so that its frame is made once. */
const translated = new WeakMap<StorageEvent<KubeObject>, WatchEvent<KubeObject>>();

function translateAll(event: StorageEvent<KubeObject>): WatchEvent<KubeObject> {
  let result = translated.get(event);
  if (!result) {
    result = event.type === 'delete'
      ? { type: 'DELETED', object: lastState(event.previous.value, event.revision) }
      : { type: event.previous ? 'MODIFIED' : 'ADDED', object: event.entry.value };
    translated.set(event, result);
  }
  return result;
}

/** A change into the selection is ADDED, out of it DELETED with the last state that matched, under the revision of the change. */
function translateSelected(events: readonly StorageEvent<KubeObject>[], selection: Selection): WatchEvent<KubeObject>[] {
  const batch: WatchEvent<KubeObject>[] = [];
  for (const event of events) {
    const was = event.previous !== undefined && selection.matches(event.previous.value);
    if (event.type === 'delete') {
      if (was) batch.push(translateAll(event));
      continue;
    }
    const is = selection.matches(event.entry.value);
    if (is && was === (event.previous !== undefined)) batch.push(translateAll(event));
    else if (is) batch.push({ type: 'ADDED', object: event.entry.value });
    else if (was) batch.push({ type: 'DELETED', object: lastState(event.previous!.value, event.entry.modRevision) });
  }
  return batch;
}

/** An object is superseded once only, so its last state under the superseding revision is one object for all watchers. */
const lastStates = new WeakMap<KubeObject, KubeObject>();

function lastState(object: KubeObject, revision: number): KubeObject {
  let state = lastStates.get(object);
  if (!state) lastStates.set(object, (state = withResourceVersion(object, String(revision))));
  return state;
}
