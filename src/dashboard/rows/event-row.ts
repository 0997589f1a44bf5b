import type { Event } from '../../api/generated/core-v1.ts';
import { baseRow } from './base-row.ts';
import type { EventRow } from './row.ts';

/** The newest of the times that an event may have, by who wrote it. */
export function eventRow(event: Event): EventRow {
  const { involvedObject: about, source, series } = event;
  const last = series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp;
  return {
    ...baseRow(event),
    warning: event.type === 'Warning',
    reason: event.reason ?? '',
    message: event.message ?? '',
    about: {
      kind: about.kind ?? '',
      ...(about.namespace && { ns: about.namespace }),
      name: about.name ?? '',
      ...(about.uid && { uid: about.uid }),
    },
    count: series?.count ?? event.count ?? 1,
    last: Date.parse(last),
    from: source?.component || event.reportingComponent || '',
  };
}
