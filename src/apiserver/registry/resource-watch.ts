import { badRequest, expired, type StatusError } from '../../api/errors.ts';
import type { KubeObject, ResourceType } from '../../api/object.ts';
import type { WatchEvent, WatchOptions } from '../../client/client.ts';
import type { StorageEngine, StorageEvent } from '../../storage/engine.ts';
import { CompactedError } from '../../storage/errors.ts';
import { apiVersionOf } from '../../api/object.ts';
import type { Selection } from './selection.ts';
import { withResourceVersion } from './fill-metadata.ts';

/** Takes what a watch delivers: batches in order, then at most one end. Called synchronously; must not throw. */
export interface WatchSink<T extends KubeObject = KubeObject> {
  events(batch: readonly WatchEvent<T>[]): void;
  /** The server ends the watch; with a fault where the client must list again. */
  end(fault?: StatusError): void;
}

export interface WatchSource {
  readonly engine: StorageEngine<KubeObject>;
  readonly resource: ResourceType<KubeObject>;
  readonly prefix: string;
  readonly selection: Selection;
  /** Where the selection wants one value of a field: subscribes to what concerns it. Absent: the engine's own watch of the prefix. */
  readonly follow?: (fromRevision: number, listener: (events: readonly StorageEvent<KubeObject>[]) => void) => Disposable;
}

/** The annotation of the bookmark after which a streaming list is complete. */
export const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

/**
 * Starts delivering: first what the options ask for as initial events, then each change after it, once and in the order of revisions.
 * Where no gap may be, all happens synchronously: initial state and subscription are taken at the same revision.
 * Throws 410 where the resource version is older than history. Upstream: apiserver pkg/storage/cacher.
 */
export function startWatch(source: WatchSource, options: WatchOptions, sink: WatchSink): Disposable {
  const { engine, prefix, selection } = source;
  const from = parseRevision(options.resourceVersion);
  const wantsInitial = options.sendInitialEvents ?? from === 0;
  let revision = from;
  if (wantsInitial) {
    const range = engine.range(prefix);
    revision = range.revision;
    const added = range.entries.filter((entry) => selection.matches(entry.value)).map((entry): WatchEvent<KubeObject> => ({ type: 'ADDED', object: entry.value }));
    if (added.length > 0) sink.events(added);
    if (options.sendInitialEvents && options.allowWatchBookmarks) sink.events([bookmark(source.resource, revision, true)]);
  } else if (from === 0) {
    revision = engine.revision;
  }
  try {
    const follow = source.follow ?? ((fromRevision, listener) => engine.watch(prefix, fromRevision, listener));
    return follow(revision, (events) => {
      const batch = selection.everything ? events.map(translateAll) : translateSelected(events, selection);
      if (batch.length > 0) sink.events(batch);
    });
  } catch (error) {
    if (!(error instanceof CompactedError)) throw error;
    throw expired(`too old resource version: ${revision} (${error.compactedRevision})`);
  }
}

/** The revision that a resource version names; 0 for none. Throws 400 for what is no resource version. */
export function parseRevision(resourceVersion: string | undefined): number {
  if (!resourceVersion) return 0;
  if (!/^\d+$/.test(resourceVersion)) throw badRequest(`Invalid value: "${resourceVersion}": strconv.ParseUint: parsing "${resourceVersion}": invalid syntax`);
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
