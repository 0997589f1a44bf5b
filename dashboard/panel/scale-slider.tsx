import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { WorkloadRow } from '../../src/dashboard/rows/row.ts';
import { call, pathOf } from '../api.ts';
import { many, t } from '../language.ts';
import { workloadTableOf } from '../store.ts';
import { attempt } from '../ui.tsx';

const pods = (amount: number): string => many(amount, 'one pod', '{n} pods');
const SCALED = new Set(['Deployment', 'StatefulSet', 'ReplicaSet']);

/** How many pods a workload is to have: written when the slider is let go. */
export function ScaleSlider({ row }: { readonly row: WorkloadRow }): JSX.Element | null {
  const dragged = useSignal<number | undefined>(undefined);
  // What stands in the number field while somebody types: news of the workload draw the page anew, and must not take it away.
  const typed = useSignal<string | undefined>(undefined);
  if (!SCALED.has(row.kind)) return null;
  const value = dragged.value ?? row.wanted;
  const scale = async (replicas: number): Promise<void> => {
    if (replicas !== row.wanted) {
      dragged.value = replicas;
      await attempt(t('{name} is to have {n}.', { name: row.name, n: pods(replicas) }), () =>
        call('PATCH', `${pathOf(workloadTableOf[row.kind], row)}/scale`, {
          body: { spec: { replicas } },
          type: 'application/merge-patch+json',
        }),
      );
    }
    // What is wanted now comes by the live connection.
    setTimeout(() => {
      dragged.value = undefined;
    }, 400);
  };
  return (
    <span class="scale">
      <input
        type="range"
        min={0}
        max={Math.max(10, Math.ceil((row.wanted * 1.5) / 5) * 5)}
        value={value}
        aria-label={t('Scale {name}', { name: row.name })}
        aria-valuetext={pods(value)}
        onInput={(event) => {
          dragged.value = event.currentTarget.valueAsNumber;
        }}
        onChange={(event) => void scale(event.currentTarget.valueAsNumber)}
        onKeyDown={(event) => event.stopPropagation()}
      />
      <input
        type="number"
        min={0}
        max={100_000}
        value={typed.value ?? value}
        aria-label={t('Number of pods of {name}', { name: row.name })}
        onInput={(event) => {
          typed.value = event.currentTarget.value;
        }}
        onBlur={() => {
          typed.value = undefined;
        }}
        onChange={(event) => {
          typed.value = undefined;
          if (event.currentTarget.value !== '') void scale(Math.max(0, Math.round(event.currentTarget.valueAsNumber)));
        }}
        onKeyDown={(event) => event.stopPropagation()}
      />
    </span>
  );
}
