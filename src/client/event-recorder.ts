import { isReason, StatusError } from '../api/errors.ts';
import type { Event, ObjectReference } from '../api/generated/core-v1.ts';
import { events } from '../api/generated/resources.ts';
import type { KubeObject, New } from '../api/object.ts';
import { rfc3339, type Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { Client } from './client.ts';
import { EventCorrelator, type Occurrence } from './event-correlator.ts';

export type EventType = 'Normal' | 'Warning';

/** Tells the users what a component did to an object, or could not do. Never blocks and never fails its caller. */
export interface EventRecorder {
  event(about: KubeObject | ObjectReference, type: EventType, reason: string, message: string): void;
}

export interface EventRecorderOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** `replicaset-controller`: source.component and reportingComponent. */
  readonly component: string;
  /** The node's name where the component belongs to a node. */
  readonly host?: string;
  /** While true there is more urgent work: events wait for its end, at most a second, and then go out one at a time. */
  readonly isBusy?: () => boolean;
}

/** More than so many waiting events are dropped: they must not fill the memory while the server is away. */
const MAX_QUEUED = 10_000;
const PARALLEL = 8;
const LONGEST_WAIT_MS = 1_000;
const LOOK_AGAIN_MS = 100;
const TRIES = 12;
const RETRY_MS = 10_000;

export interface DisposableEventRecorder extends EventRecorder, AsyncDisposable {
  /** Resolves when all events recorded so far have been sent, or given up. */
  flush(): Promise<void>;
}

/** Records v1 Events, those alike counted in one object. Disposing drops what was not yet sent. Upstream: client-go tools/record. */
export function createEventRecorder(options: EventRecorderOptions): DisposableEventRecorder {
  const { client, clock, random, log, component, host, isBusy = () => false } = options;
  const correlator = new EventCorrelator(clock);
  const ending = new AbortController();
  /** The newest unsent state of each event; a state under way is not in here. */
  const queue = new Map<Occurrence['stored'], Occurrence>();
  const underWay = new Map<Occurrence['stored'], Promise<void>>();
  let dropped = 0;
  /** Runs while the queue waits for the end of more urgent work. */
  let waiting: Disposable | undefined;
  let sequence = Math.floor(random.next() * 1e6);

  const create = async (occurrence: Occurrence): Promise<void> => {
    const name = `${occurrence.about.name}.${(BigInt(clock.now()) * 1_000_000n + BigInt(sequence++ % 1_000_000)).toString(16)}`;
    await client.create(events, toEvent(occurrence, name, component, host));
    occurrence.stored.name = name;
  };

  const send = async (occurrence: Occurrence): Promise<void> => {
    const { name } = occurrence.stored;
    if (name === undefined) return create(occurrence);
    const body = { count: occurrence.count, lastTimestamp: rfc3339(occurrence.last), message: occurrence.message };
    try {
      await client.patch(events, { namespace: namespaceOf(occurrence.about), name }, { type: 'application/strategic-merge-patch+json', body });
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
      // Events are kept for an hour; this one was not.
      await create(occurrence);
    }
  };

  const deliver = async (occurrence: Occurrence): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await send(occurrence);
      } catch (error) {
        if (ending.signal.aborted) return;
        // A refusal stays one: the namespace is ending, or the event is malformed. Only a server out of reach is asked again.
        if (error instanceof StatusError && error.code < 500) return log.debug('an event was refused', { reason: occurrence.reason, error });
        if (attempt === TRIES) return log.warn('an event could not be recorded', { reason: occurrence.reason, error });
      }
      try {
        await clock.sleep(RETRY_MS * (attempt === 1 ? random.next() : 1), ending.signal);
      } catch (error) {
        if (ending.signal.aborted) return;
        throw error;
      }
    }
  };

  /** How many events may be under way now. */
  const room = (): number => {
    if (!isBusy()) return PARALLEL;
    const [oldest] = queue.values();
    return oldest && clock.now() - oldest.last >= LONGEST_WAIT_MS ? 1 : 0;
  };

  const pump = (): void => {
    if (dropped > 0 && queue.size === 0) {
      log.warn('events were dropped', { dropped });
      dropped = 0;
    }
    if (queue.size === 0) return;
    const most = room();
    for (const [key, occurrence] of queue) {
      if (underWay.size >= most) break;
      if (underWay.has(key)) continue;
      queue.delete(key);
      underWay.set(key, deliver(occurrence).finally(() => {
        underWay.delete(key);
        pump();
      }));
    }
    if (most > 0 || ending.signal.aborted) return;
    waiting ??= clock.timer(LOOK_AGAIN_MS, () => {
      waiting = undefined;
      pump();
    });
  };

  return {
    event(about, type, reason, message) {
      if (ending.signal.aborted) return;
      const occurrence = correlator.observe({ about: referenceTo(about), type, reason, message });
      if (!occurrence) return log.debug('too many events of one object', { reason });
      if (queue.size >= MAX_QUEUED && !queue.has(occurrence.stored)) {
        if (dropped++ === 0) log.warn('too many events are waiting, further ones are dropped', { waiting: queue.size });
        return;
      }
      queue.set(occurrence.stored, occurrence);
      pump();
    },
    async flush() {
      while (underWay.size > 0) await Promise.all(underWay.values());
    },
    async [Symbol.asyncDispose]() {
      ending.abort(new Error('the event recorder is ending'));
      queue.clear();
      waiting?.[Symbol.dispose]();
      await Promise.all(underWay.values());
    },
  };
}

/** Names an object to the fields that want a reference. `fieldPath` as in `spec.containers{web}`. */
export function referenceTo(about: KubeObject | ObjectReference, fieldPath?: string): ObjectReference {
  if (!('metadata' in about)) return about;
  const { apiVersion, kind, metadata } = about;
  const { namespace, name, uid, resourceVersion } = metadata;
  return { kind, ...(namespace && { namespace }), name, uid, apiVersion, resourceVersion, ...(fieldPath && { fieldPath }) };
}

function namespaceOf(about: ObjectReference): string {
  return about.namespace || 'default';
}

function toEvent(occurrence: Occurrence, name: string, component: string, host: string | undefined): New<Event> {
  const { about, type, reason, message, count, first, last } = occurrence;
  return {
    metadata: { name, namespace: namespaceOf(about) },
    involvedObject: about, reason, message, type, count,
    firstTimestamp: rfc3339(first), lastTimestamp: rfc3339(last),
    source: { component, ...(host && { host }) },
    reportingComponent: component, reportingInstance: host ?? '',
  };
}
