/** Upstream: pkg/registry/core/event/strategy.go; one store serves both groups. */
import type { KindDefinition } from '../kind.ts';
import type { Event } from '../generated/core-v1.ts';
import type { Event as EventsEvent } from '../generated/events-v1.ts';
import { events, eventsEventsV1 } from '../generated/resources.ts';
import { ageOf } from '../human-duration.ts';
import { coreEventErrors, eventsEventCreateErrors, eventsEventErrors, eventsEventUpdateErrors } from '../validation/event.ts';
import { text, wide } from './table-columns.ts';

/** What both forms of an event say, under one name each. */
interface EventFacts {
  readonly name: string;
  readonly first?: string | undefined;
  readonly last?: string | undefined;
  readonly count: number;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly object: Event['involvedObject'];
  readonly component: string;
  readonly host: string;
  readonly reportingComponent: string;
}

function coreFacts(event: Event): EventFacts {
  const first = event.firstTimestamp ?? event.eventTime;
  return {
    name: event.metadata.name, first, last: event.series?.lastObservedTime ?? event.lastTimestamp ?? first, count: event.series?.count ?? (event.count || 1),
    type: event.type ?? '', reason: event.reason ?? '', message: event.message ?? '', object: event.involvedObject ?? {},
    component: event.source?.component || event.reportingComponent || '', host: event.source?.host || event.reportingInstance || '', reportingComponent: event.reportingComponent ?? '',
  };
}

function eventsFacts(event: EventsEvent): EventFacts {
  const first = event.deprecatedFirstTimestamp ?? event.eventTime;
  return {
    name: event.metadata.name, first, last: event.series?.lastObservedTime ?? event.deprecatedLastTimestamp ?? first, count: event.series?.count ?? (event.deprecatedCount || 1),
    type: event.type ?? '', reason: event.reason ?? '', message: event.note ?? '', object: event.regarding ?? {},
    component: event.deprecatedSource?.component || event.reportingController || '', host: event.deprecatedSource?.host || event.reportingInstance || '',
    reportingComponent: event.reportingController ?? '',
  };
}

function columnsOf<T>(facts: (event: T) => EventFacts): NonNullable<KindDefinition['columns']> {
  const column = (name: string, description: string, value: (of: EventFacts, nowMs: number) => string) => text<T>(name, description, (event, nowMs) => value(facts(event), nowMs));
  const columns = [
    column('Last Seen', 'When it happened last.', ({ last }, nowMs) => ageOf(last, nowMs)),
    column('Type', 'Normal or Warning.', ({ type }) => type),
    column('Reason', 'Why it happened, in one word.', ({ reason }) => reason),
    column('Object', 'What it is about.', ({ object }) => (object.name ? `${(object.kind ?? '').toLowerCase()}/${object.name}` : (object.kind ?? '').toLowerCase())),
    wide(column('Subobject', 'The part of the object that it is about.', ({ object }) => object.fieldPath ?? '')),
    wide(column('Source', 'Who tells it.', ({ component, host }) => (host ? `${component}, ${host}` : component))),
    column('Message', 'What happened.', ({ message }) => message.trim()),
    wide(column('First Seen', 'When it happened first.', ({ first }, nowMs) => ageOf(first, nowMs))),
    wide<T>({ name: 'Count', type: 'string', description: 'How often it happened.', value: (event) => facts(event).count }),
    wide({ ...column('Name', 'The name of the event.', ({ name }) => name), format: 'name' }),
  ];
  return columns as unknown as NonNullable<KindDefinition['columns']>;
}

function fieldsOf(facts: EventFacts): Readonly<Record<string, string>> {
  const { object } = facts;
  return {
    'involvedObject.kind': object.kind ?? '',
    'involvedObject.namespace': object.namespace ?? '',
    'involvedObject.name': object.name ?? '',
    'involvedObject.uid': object.uid ?? '',
    'involvedObject.apiVersion': object.apiVersion ?? '',
    'involvedObject.resourceVersion': object.resourceVersion ?? '',
    'involvedObject.fieldPath': object.fieldPath ?? '',
    reason: facts.reason,
    reportingComponent: facts.reportingComponent,
    source: facts.component,
    type: facts.type,
  };
}

export const event: KindDefinition<Event> = {
  resource: events,
  validate: (object) => [...coreEventErrors(object)],
  createOnUpdate: true,
  // Names of events are made from those of other objects, of every rule.
  nameRule: 'path',
  selectableFields: (object) => fieldsOf(coreFacts(object)),
  columns: columnsOf(coreFacts),
};

export const eventsEvent: KindDefinition<EventsEvent> = {
  resource: eventsEventsV1,
  validate: (object) => [...eventsEventErrors(object)],
  validateCreate: (object) => [...eventsEventCreateErrors(object)],
  validateUpdate: (next, previous) => [...eventsEventUpdateErrors(next, previous)],
  createOnUpdate: true,
  selectableFields(object) {
    const { 'involvedObject.kind': kind, ...rest } = fieldsOf(eventsFacts(object));
    const fields: Record<string, string> = { 'regarding.kind': kind ?? '' };
    for (const [name, value] of Object.entries(rest)) fields[name.replace('involvedObject', 'regarding').replace('reportingComponent', 'reportingController')] = value;
    return fields;
  },
  columns: columnsOf(eventsFacts),
};
