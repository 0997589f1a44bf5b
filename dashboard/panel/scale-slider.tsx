import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { WorkloadRow } from '../../src/dashboard/rows/row.ts';
import { call, pathOf } from '../api.ts';
import { count } from '../format.ts';
import { workloadTableOf } from '../store.ts';
import { attempt } from '../ui.tsx';

const SCALED = new Set(['Deployment', 'StatefulSet', 'ReplicaSet']);

/** How many pods a workload is to have: written when the slider is let go. */
export function ScaleSlider({ row }: { readonly row: WorkloadRow }): JSX.Element | null {
  const dragged = useSignal<number | undefined>(undefined);
  if (!SCALED.has(row.kind)) return null;
  const value = dragged.value ?? row.wanted;
  const scale = async (replicas: number): Promise<void> => {
    if (replicas !== row.wanted) {
      await attempt(`${row.name} is to have ${count(replicas, 'pod')}.`, () => call('PATCH', `${pathOf(workloadTableOf[row.kind], row)}/scale`, { body: { spec: { replicas } }, type: 'application/merge-patch+json' }));
    }
    // What is wanted now comes by the live connection.
    setTimeout(() => { dragged.value = undefined; }, 400);
  };
  return <span class="scale">
    <input type="range" min={0} max={Math.max(10, Math.ceil(row.wanted * 1.5 / 5) * 5)} value={value} aria-label={`Scale ${row.name}`} aria-valuetext={count(value, 'pod')}
      onInput={(event) => { dragged.value = event.currentTarget.valueAsNumber; }} onChange={(event) => void scale(event.currentTarget.valueAsNumber)} onKeyDown={(event) => event.stopPropagation()} />
    <output>{value}</output>
  </span>;
}
