import { signal, useComputed } from '@preact/signals';
import type { JSX } from 'preact';
import type { PodRow, Tone } from '../../src/dashboard/rows/row.ts';
import { pathOf } from '../api.ts';
import { bytes, cores } from '../format.ts';
import { inNamespace } from '../in-namespace.ts';
import { t } from '../language.ts';
import { ListView, type Column } from '../list-view.tsx';
import { chip, namespace } from '../route.ts';
import { tables, usage } from '../store.ts';
import { Age, Command, ObjectLink, State } from '../ui.tsx';
import { Chips } from './chips.tsx';

const columns: readonly Column<PodRow>[] = [
  { label: 'Name', width: 'minmax(14rem, 3fr)', cell: (pod) => <b title={pod.name}>{pod.name}</b>, key: ({ name }) => name },
  { label: 'Namespace', width: 'minmax(5rem, 1fr)', cell: ({ ns }) => ns, key: ({ ns }) => ns ?? '' },
  {
    label: 'Status',
    width: 'minmax(10rem, 1.2fr)',
    cell: ({ tone, status, why }) => (
      <span title={why}>
        <State tone={tone}>{status}</State>
      </span>
    ),
    key: ({ status }) => status,
  },
  { label: 'Ready', width: '4rem', cell: ({ ready, total }) => `${ready}/${total}`, key: ({ ready, total }) => ready / total },
  {
    label: 'Restarts',
    width: '5rem',
    cell: ({ restarts }) => (restarts > 0 ? <b class="warn">{restarts}</b> : '0'),
    key: ({ restarts }) => restarts,
  },
  {
    label: 'Node',
    width: 'minmax(4.5rem, 1fr)',
    cell: ({ node }) => node && <ObjectLink path={pathOf('nodes', { name: node })}>{node}</ObjectLink>,
    key: ({ node }) => node ?? '',
  },
  { label: 'IP', width: '7rem', cell: ({ ip }) => <span class="mono">{ip}</span>, key: ({ ip }) => ip ?? '' },
  { label: 'Age', width: '3.5rem', cell: ({ born }) => <Age since={born} />, key: ({ born }) => -born },
];
const measured: readonly Column<PodRow>[] = [
  { label: 'CPU', width: '3.5rem', cell: ({ id }) => use(id, 0, cores), key: ({ id }) => usage.value?.pods[id]?.[0] ?? 0 },
  { label: 'Memory', width: '5rem', cell: ({ id }) => use(id, 1, bytes), key: ({ id }) => usage.value?.pods[id]?.[1] ?? 0 },
];

/** Addresses have their place in the panel where the window is too narrow for them here. */
const roomy = signal(true);
if (typeof matchMedia === 'function') {
  const wide = matchMedia('(min-width: 1340px)');
  roomy.value = wide.matches;
  wide.addEventListener('change', () => {
    roomy.value = wide.matches;
  });
}

function use(id: string, what: 0 | 1, format: (amount: number) => string): string {
  const value = usage.value?.pods[id]?.[what];
  return value === undefined ? '' : format(value);
}

const KINDS: Readonly<Record<string, readonly Tone[]>> = { running: ['ok'], busy: ['busy'], failing: ['bad'], done: ['done'] };

export function PodsView(): JSX.Element {
  const here = useComputed(() => tables.pods.all().filter(({ ns }) => !namespace.value || ns === namespace.value));
  const rows = useComputed(() => (chip.value ? here.value.filter(({ tone }) => KINDS[chip.value]?.includes(tone)) : here.value));
  const amount = (name: string): number => here.value.filter(({ tone }) => KINDS[name]!.includes(tone)).length;
  return (
    <>
      <Chips
        label="Which pods"
        chips={[
          { name: '', label: 'All', count: here.value.length },
          { name: 'running', label: 'Running', count: amount('running') },
          { name: 'busy', label: 'On the way', count: amount('busy') },
          { name: 'failing', label: 'Failing', count: amount('failing') },
          { name: 'done', label: 'Done', count: amount('done') },
        ]}
      />
      <ListView
        label="Pods"
        rows={rows}
        columns={(usage.value ? [...columns.slice(0, 5), ...measured, ...columns.slice(5)] : columns).filter(({ label }) => label !== 'IP' || roomy.value)}
        live={(id) => tables.pods.rows.get(id)}
        pathOf={(pod) => pathOf('pods', pod)}
        text={(pod) =>
          `${pod.ns}/${pod.name} ${pod.status} ${pod.node ?? ''} ${pod.ip ?? ''} ${pod.images.join(' ')} ${Object.entries(pod.labels)
            .map(([key, value]) => `${key}=${value}`)
            .join(' ')}`
        }
        empty={
          tables.pods.synced.value ? (
            <>
              <p>{t('There are no pods here. The shortest way to one:')}</p>
              <Command text={inNamespace('kubectl run hello --image=nginx')} />
            </>
          ) : (
            t('Looking…')
          )
        }
      />
    </>
  );
}
