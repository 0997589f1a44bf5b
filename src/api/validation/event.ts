/** Upstream: pkg/apis/core/validation/events.go. */
import { fieldError } from '../errors.ts';
import type { Event } from '../generated/core-v1.ts';
import type { Event as EventsEvent } from '../generated/events-v1.ts';
import { immutable, qualifiedName, type FieldErrors } from './fields.ts';

/** The names that a fault gives the fields: those of the group in which the event came. */
interface Subject {
  readonly namespace: string;
  readonly objectNamespace: string;
  readonly eventTime?: string | undefined;
  readonly reportingController: string;
  readonly reportingInstance: string;
  readonly action: string;
  readonly reason: string;
  readonly message: string;
  readonly controllerField: string;
}

const limits = { short: 128, message: 1024 } as const;

export function* coreEventErrors(event: Event): FieldErrors {
  yield* subjectErrors({
    namespace: event.metadata.namespace, objectNamespace: event.involvedObject?.namespace ?? '', eventTime: event.eventTime, reportingController: event.reportingComponent ?? '',
    reportingInstance: event.reportingInstance ?? '', action: event.action ?? '', reason: event.reason ?? '', message: event.message ?? '', controllerField: 'reportingComponent',
  });
}

export function* eventsEventErrors(event: EventsEvent): FieldErrors {
  yield* subjectErrors({
    namespace: event.metadata.namespace, objectNamespace: event.regarding?.namespace ?? '', eventTime: event.eventTime, reportingController: event.reportingController ?? '',
    reportingInstance: event.reportingInstance ?? '', action: event.action ?? '', reason: event.reason ?? '', message: event.note ?? '', controllerField: 'reportingController',
  });
}

function* subjectErrors(event: Subject): FieldErrors {
  const mismatch = fieldError.invalid('involvedObject.namespace', event.objectNamespace, 'does not match event.namespace');
  if (!event.eventTime) {
    // An event about a cluster-scoped object is kept in `default`.
    const agrees = event.objectNamespace ? event.namespace === event.objectNamespace : event.namespace === '' || event.namespace === 'default';
    if (!agrees) yield mismatch;
    return;
  }
  if (!event.objectNamespace && event.namespace !== 'default' && event.namespace !== 'kube-system') yield mismatch;
  if (!event.reportingController) yield fieldError.required(event.controllerField);
  yield* qualifiedName(event.controllerField, event.reportingController);
  for (const field of ['reportingInstance', 'action', 'reason'] as const) {
    if (!event[field]) yield fieldError.required(field);
    else if (Buffer.byteLength(event[field]) > limits.short) yield fieldError.invalid(field, '', `can have at most ${limits.short} characters`);
  }
  if (Buffer.byteLength(event.message) > limits.message) yield fieldError.invalid('message', '', `can have at most ${limits.message} characters`);
}

/** The stricter rules of the newer group at creation. */
export function* eventsEventCreateErrors(event: EventsEvent): FieldErrors {
  yield* seriesErrors(event);
  if (!event.eventTime) yield fieldError.required('eventTime');
  if (event.type !== 'Normal' && event.type !== 'Warning') yield fieldError.invalid('type', '', `has invalid value: ${event.type ?? ''}`);
  const unset = { firstTimestamp: event.deprecatedFirstTimestamp, lastTimestamp: event.deprecatedLastTimestamp, count: event.deprecatedCount || undefined };
  for (const [field, value] of Object.entries(unset)) if (value !== undefined) yield fieldError.invalid(field, '', 'needs to be unset');
  if (event.deprecatedSource?.component || event.deprecatedSource?.host) yield fieldError.invalid('source', '', 'needs to be unset');
}

export function* eventsEventUpdateErrors(next: EventsEvent, previous: EventsEvent): FieldErrors {
  if (JSON.stringify(next.series) !== JSON.stringify(previous.series)) yield* seriesErrors(next);
  const fields = {
    regarding: 'involvedObject', reason: 'reason', note: 'message', deprecatedSource: 'source', deprecatedFirstTimestamp: 'firstTimestamp', deprecatedLastTimestamp: 'lastTimestamp',
    deprecatedCount: 'count', type: 'type', eventTime: 'eventTime', action: 'action', related: 'related', reportingController: 'reportingController', reportingInstance: 'reportingInstance',
  } as const;
  for (const [field, shown] of Object.entries(fields) as [keyof typeof fields, string][]) yield* immutable(shown, next[field], previous[field]);
}

function* seriesErrors({ series }: EventsEvent): FieldErrors {
  if (!series) return;
  if (series.count < 2) yield fieldError.invalid('series.count', '', 'should be at least 2');
  if (!series.lastObservedTime) yield fieldError.required('series.lastObservedTime');
}
