import type { JSX } from 'preact';
import { useComputed } from '@preact/signals';
import type { EventRow } from '../../src/dashboard/rows/row.ts';
import { pathOf, pathOfKind } from '../api.ts';
import { t } from '../language.ts';
import { ListView, type Column } from '../list-view.tsx';
import { chip, namespace } from '../route.ts';
import { tables } from '../store.ts';
import { Age, ObjectLink, State } from '../ui.tsx';
import { Chips } from './chips.tsx';

function About({ of: about }: { readonly of: EventRow['about'] }): JSX.Element {
  return (
    <ObjectLink path={pathOfKind(about.kind, about)} title={`${about.kind} ${about.ns ?? ''}/${about.name}`}>
      <small>{about.kind}</small> {about.name}
    </ObjectLink>
  );
}

const columns: readonly Column<EventRow>[] = [
  { label: 'Last', width: '5rem', cell: ({ last }) => <Age since={last} />, key: ({ last }) => last },
  {
    label: 'Reason',
    width: 'minmax(8rem, 1fr)',
    cell: ({ warning, reason }) => <State tone={warning ? 'bad' : 'idle'}>{reason}</State>,
    key: ({ reason }) => reason,
  },
  {
    label: 'About',
    width: 'minmax(10rem, 1.6fr)',
    cell: ({ about }) => <About of={about} />,
    key: ({ about }) => `${about.kind} ${about.name}`,
  },
  {
    label: 'Message',
    width: 'minmax(16rem, 4fr)',
    cell: ({ message }) => <span title={message}>{message}</span>,
    key: ({ message }) => message,
  },
  { label: 'Times', width: '5rem', cell: ({ count }) => count, key: ({ count }) => count },
  { label: 'From', width: 'minmax(7rem, 1fr)', cell: ({ from }) => <span title={from}>{from}</span>, key: ({ from }) => from },
];

export function EventsView(): JSX.Element {
  const here = useComputed(() => tables.events.all().filter(({ ns }) => !namespace.value || ns === namespace.value));
  const rows = useComputed(() => (chip.value === 'warnings' ? here.value.filter(({ warning }) => warning) : here.value));
  return (
    <>
      <Chips
        label="Which events"
        chips={[
          { name: '', label: 'All', count: here.value.length },
          { name: 'warnings', label: 'Warnings', count: here.value.filter(({ warning }) => warning).length },
        ]}
      />
      <ListView
        label="Events"
        rows={rows}
        columns={columns}
        descending
        live={(id) => tables.events.rows.get(id)}
        pathOf={(row) => pathOf('events', row)}
        text={({ reason, message, about, from }) => `${reason} ${message} ${about.kind}/${about.name} ${from}`}
        empty={tables.events.synced.value ? t('Nothing has happened lately. Events are kept for an hour.') : t('Looking…')}
      />
    </>
  );
}
