import type { JSX } from 'preact';
import { useComputed } from '@preact/signals';
import type { ServiceRow } from '../../src/dashboard/rows/row.ts';
import { pathOf } from '../api.ts';
import { inNamespace } from '../in-namespace.ts';
import { ListView, type Column } from '../list-view.tsx';
import { t } from '../language.ts';
import { slicesByService, tables } from '../store.ts';
import { eventsOf } from '../troubles.ts';
import { Age, Command, State } from '../ui.tsx';

/** How many endpoints there are, and how many are ready. */
export function endpointsOf({ id }: ServiceRow): { readonly ready: number; readonly all: number } {
  const slices = slicesByService.value.get(id) ?? [];
  const ready = slices.reduce((sum, slice) => sum + slice.ready.length, 0);
  return { ready, all: ready + slices.reduce((sum, slice) => sum + slice.notReady.length, 0) };
}

/** Why a service waits for its external address. */
export function pendingReason({ uid }: ServiceRow): string {
  return eventsOf(uid)[0]?.message ?? t('Nobody in this cluster has given it an external address yet.');
}

function Endpoints({ row }: { readonly row: ServiceRow }): JSX.Element {
  const { ready, all } = endpointsOf(row);
  // Who has no selector waits for nobody.
  if (all === 0) return Object.keys(row.selector).length === 0 ? <span class="quiet">{t('none')}</span> : <State tone="busy">{t('none')}</State>;
  return (
    <State tone={ready === all ? 'ok' : 'busy'}>
      {ready === all ? t('{n} ready', { n: ready }) : t('{ready} of {wanted} ready', { ready, wanted: all })}
    </State>
  );
}

function External({ row }: { readonly row: ServiceRow }): JSX.Element {
  return row.pending ? (
    <span title={pendingReason(row)}>
      <State tone="busy">{t('pending')}</State>
    </span>
  ) : (
    <span class="mono">
      {row.external.map((address, i) => (
        <a key={address} class="link" href={addressesOf(row)[i]} target="_blank" rel="noopener noreferrer">
          {address}
        </a>
      ))}
    </span>
  );
}

const columns: readonly Column<ServiceRow>[] = [
  { label: 'Name', width: 'minmax(10rem, 2fr)', cell: ({ name }) => <b>{name}</b>, key: ({ name }) => name },
  { label: 'Namespace', width: 'minmax(6rem, 1fr)', cell: ({ ns }) => ns, key: ({ ns }) => ns ?? '' },
  { label: 'Type', width: '8rem', cell: ({ type }) => type, key: ({ type }) => type },
  { label: 'Cluster IP', width: '9rem', cell: ({ clusterIp }) => <span class="mono">{clusterIp}</span>, key: ({ clusterIp }) => clusterIp },
  { label: 'External', width: 'minmax(8rem, 1fr)', cell: (row) => <External row={row} />, key: ({ external }) => external[0] ?? '' },
  {
    label: 'Ports',
    width: 'minmax(8rem, 1.2fr)',
    cell: ({ ports }) => (
      <span class="mono" title={ports.join('\n')}>
        {ports.join(', ')}
      </span>
    ),
    key: ({ ports }) => ports[0] ?? '',
  },
  { label: 'Endpoints', width: '8rem', cell: (row) => <Endpoints row={row} />, key: (row) => endpointsOf(row).ready },
  { label: 'Age', width: '5rem', cell: ({ born }) => <Age since={born} />, key: ({ born }) => -born },
];

/** Where a browser reaches it from outside: one address for each that was given, by its first port over TCP. */
export function addressesOf({ external, ports }: ServiceRow): readonly string[] {
  const port = ports.find((text) => text.endsWith('/TCP'))?.split(/[:/]/)[0];
  return port === undefined
    ? []
    : external.map(
        (address) =>
          `${port === '443' ? 'https' : 'http'}://${address.includes(':') ? `[${address}]` : address}${port === '80' || port === '443' ? '' : `:${port}`}/`,
      );
}

export function ServicesView(): JSX.Element {
  const rows = useComputed(() => tables.services.all());
  return (
    <ListView
      label="Services"
      rows={rows}
      columns={columns}
      live={(id) => tables.services.rows.get(id)}
      pathOf={(row) => pathOf('services', row)}
      text={({ ns, name, type, clusterIp, external, ports }) =>
        `${ns}/${name} ${type} ${clusterIp} ${external.join(' ')} ${ports.join(' ')}`
      }
      empty={
        tables.services.synced.value ? (
          <>
            <p>{t('There are no services here. A service gives pods one address and name that stay:')}</p>
            <Command text={inNamespace('kubectl expose deployment hello --port 80')} />
          </>
        ) : (
          t('Looking…')
        )
      }
    />
  );
}
