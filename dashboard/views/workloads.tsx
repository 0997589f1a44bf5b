import { useComputed } from '@preact/signals';
import type { JSX } from 'preact';
import type { WorkloadRow } from '../../src/dashboard/rows/row.ts';
import { pathOf } from '../api.ts';
import { inNamespace } from '../in-namespace.ts';
import { t } from '../language.ts';
import { ListView, type Column } from '../list-view.tsx';
import { ScaleSlider } from '../panel/scale-slider.tsx';
import { chip, go, namespace } from '../route.ts';
import { Squares, podsInWords } from '../squares.tsx';
import { healthOf, podsByWorkload, tables, workloads, workloadTableOf } from '../store.ts';
import { Age, Command, State } from '../ui.tsx';
import { Chips } from './chips.tsx';

const columns: readonly Column<WorkloadRow>[] = [
  { label: 'Name', width: 'minmax(10rem, 2fr)', cell: ({ name }) => <b title={name}>{name}</b>, key: ({ name }) => name },
  { label: 'Kind', width: '7rem', cell: ({ kind }) => kind, key: ({ kind }) => kind },
  { label: 'Namespace', width: 'minmax(6rem, 1fr)', cell: ({ ns }) => ns, key: ({ ns }) => ns ?? '' },
  { label: 'Status', width: 'minmax(8rem, 1fr)', cell: (row) => <Health row={row} />, key: (row) => healthOf(row).status },
  {
    label: 'Ready',
    width: '5rem',
    cell: ({ ready, wanted, kind, schedule }) => (kind === 'CronJob' ? <span title={schedule}>{schedule}</span> : `${ready}/${wanted}`),
    key: ({ ready }) => ready,
  },
  { label: 'Pods', width: '11rem', cell: (row) => <PodsOf row={row} /> },
  { label: 'Scale', width: '11rem', cell: (row) => <ScaleSlider row={row} /> },
  {
    label: 'Image',
    width: 'minmax(8rem, 1.6fr)',
    cell: (row) => <Images row={row} />,
    key: ({ containers }) => containers[0]?.image ?? '',
  },
  { label: 'Age', width: '4.5rem', cell: ({ born }) => <Age since={born} />, key: ({ born }) => -born },
];

function Health({ row }: { readonly row: WorkloadRow }): JSX.Element {
  const { tone, status, why } = healthOf(row);
  return (
    <span title={why}>
      <State tone={tone}>{status}</State>
    </span>
  );
}

function Images({ row: { containers } }: { readonly row: WorkloadRow }): JSX.Element {
  return (
    <span class="mono" title={containers.map(({ image }) => image).join('\n')}>
      {containers.map(({ image }) => image.split('/').at(-1)).join(', ')}
    </span>
  );
}

function PodsOf({ row }: { readonly row: WorkloadRow }): JSX.Element {
  const pods = podsByWorkload.value.get(`${row.kind}/${row.ns}/${row.name}`) ?? [];
  return <Squares pods={pods} most={12} label={podsInWords(pods)} />;
}

export function WorkloadsView(): JSX.Element {
  const here = useComputed(() => workloads.value.filter(({ ns }) => !namespace.value || ns === namespace.value));
  const rows = useComputed(() => (chip.value ? here.value.filter(({ kind }) => kind === chip.value) : here.value));
  const kinds = ['Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob', 'ReplicaSet'] as const;
  return (
    <>
      <Chips
        label="Which workloads"
        chips={[
          { name: '', label: 'All', count: here.value.length },
          ...kinds.map((kind) => ({ name: kind, label: `${kind}s`, count: here.value.filter((row) => row.kind === kind).length })),
        ]}
      />
      <ListView
        label="Workloads"
        rows={rows}
        columns={columns}
        pathOf={(row) => pathOf(workloadTableOf[row.kind], row)}
        text={({ ns, name, kind, status, containers }) =>
          `${ns}/${name} ${kind} ${status} ${containers.map(({ image }) => image).join(' ')}`
        }
        empty={
          tables.deployments.synced.value ? (
            <>
              <p>{t('Nothing runs here yet. One command makes something run:')}</p>
              <Command text={inNamespace('kubectl create deployment hello --image=nginx')} />
              <p>
                <button type="button" onClick={() => go({ params: { open: 'new', tab: '' } })}>
                  {t('or make it here')}
                </button>
              </p>
            </>
          ) : (
            t('Looking…')
          )
        }
      />
    </>
  );
}
