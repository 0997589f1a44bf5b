import type { JSX } from 'preact';
import type { EventRow } from '../../src/dashboard/rows/row.ts';
import { t } from '../language.ts';
import { Age, Empty } from '../ui.tsx';

export function EventList({ events }: { readonly events: readonly EventRow[] }): JSX.Element {
  if (events.length === 0) return <Empty>{t('No events about it. The cluster keeps them for an hour.')}</Empty>;
  return (
    <ul class="warnings">
      {events.map((event) => (
        <li key={event.uid} class={event.warning ? 'warning' : ''}>
          <Age since={event.last} />
          <div>
            <b>{event.reason}</b>
            {event.count > 1 && <small>{t('{n} times', { n: event.count })}</small>}
            <small>{event.from}</small>
            <p>{event.message}</p>
          </div>
        </li>
      ))}
    </ul>
  );
}
