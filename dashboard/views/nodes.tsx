import type { JSX } from 'preact';
import { useComputed } from '@preact/signals';
import type { NodeRow } from '../../src/dashboard/rows/row.ts';
import { pathOf } from '../api.ts';
import { bytes, cores } from '../format.ts';
import { t } from '../language.ts';
import { ListView, type Column } from '../list-view.tsx';
import { podsByNode, tables, usage } from '../store.ts';
import { Age, Command, State } from '../ui.tsx';

const podsOn = ({ name }: NodeRow): number => podsByNode.value.get(name)?.length ?? 0;

function Use({ row, what }: { readonly row: NodeRow; readonly what: 'cpu' | 'memory' }): JSX.Element {
  const format = what === 'cpu' ? cores : bytes;
  const used = usage.value?.nodes[row.name]?.[what === 'cpu' ? 0 : 1];
  return <span>{used === undefined ? format(row[what]) : t('{a} of {b}', { a: format(used), b: format(row[what]) })}</span>;
}

function PodCount({ row }: { readonly row: NodeRow }): JSX.Element {
  return <span>{t('{a} of {b}', { a: podsOn(row), b: row.podLimit })}</span>;
}

const columns: readonly Column<NodeRow>[] = [
  { label: 'Name', width: 'minmax(10rem, 2fr)', cell: ({ name }) => <b>{name}</b>, key: ({ name }) => name },
  {
    label: 'Status',
    width: 'minmax(8rem, 1.4fr)',
    cell: ({ tone, status, why }) => (
      <span title={why}>
        <State tone={tone}>{status}</State>
      </span>
    ),
    key: ({ status }) => status,
  },
  { label: 'Roles', width: 'minmax(6rem, 1fr)', cell: ({ roles }) => roles, key: ({ roles }) => roles },
  { label: 'Pods', width: '7rem', cell: (row) => <PodCount row={row} />, key: podsOn },
  { label: 'CPU', width: '9rem', cell: (row) => <Use row={row} what="cpu" />, key: ({ cpu }) => cpu },
  { label: 'Memory', width: '11rem', cell: (row) => <Use row={row} what="memory" />, key: ({ memory }) => memory },
  { label: 'IP', width: '8rem', cell: ({ ip }) => <span class="mono">{ip}</span>, key: ({ ip }) => ip ?? '' },
  { label: 'Version', width: 'minmax(7rem, 1fr)', cell: ({ version }) => version, key: ({ version }) => version },
  { label: 'Age', width: '5rem', cell: ({ born }) => <Age since={born} />, key: ({ born }) => -born },
];

export function NodesView(): JSX.Element {
  const rows = useComputed(() => tables.nodes.all());
  return (
    <ListView
      label="Nodes"
      rows={rows}
      columns={columns}
      live={(id) => tables.nodes.rows.get(id)}
      pathOf={(row) => pathOf('nodes', row)}
      text={({ name, status, roles, ip, version }) => `${name} ${status} ${roles} ${ip} ${version}`}
      empty={
        tables.nodes.synced.value ? (
          <>
            <p>{t('There are no nodes yet.')}</p>
            <Command text="wherry node add" />
          </>
        ) : (
          t('Looking…')
        )
      }
    />
  );
}
