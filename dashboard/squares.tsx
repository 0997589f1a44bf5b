import type { Signal } from '@preact/signals';
import { useComputed } from '@preact/signals';
import type { JSX } from 'preact';
import type { PodRow } from '../src/dashboard/rows/row.ts';
import { pathOf } from './api.ts';
import { open } from './route.ts';
import { tables } from './store.ts';

/** Pods as small squares coloured by how they are; a click opens one. */
export function Squares({ pods, label, most = Infinity }: { readonly pods: readonly PodRow[]; readonly label: string; /** So many are drawn. */ readonly most?: number }): JSX.Element {
  const onClick = (event: MouseEvent): void => {
    const id = (event.target as HTMLElement).dataset['pod'];
    const pod = id === undefined ? undefined : tables.pods.get(id);
    if (pod) open(pathOf('pods', pod));
  };
  const ordered = [...pods].sort((a, b) => a.born - b.born || (a.id < b.id ? -1 : 1));
  return <div class={`squares${pods.length > 150 ? ' many' : ''}`} role="img" aria-label={label} onClick={onClick}>
    {ordered.slice(0, most).map(({ id, uid }) => <Square key={uid} id={id} row={tables.pods.rows.get(id)} />)}
    {ordered.length > most && <small>+{ordered.length - most}</small>}
  </div>;
}

function Square({ id, row }: { readonly id: string; readonly row: Signal<PodRow> | undefined }): JSX.Element | null {
  const look = useComputed(() => `square ${row?.value.tone ?? 'idle'}${row?.value.status === 'Terminating' ? ' leaving' : ''}`);
  const title = useComputed(() => (row ? `${row.value.ns}/${row.value.name}: ${row.value.status}${row.value.why ? `\n${row.value.why}` : ''}` : id));
  return <i class={look} data-pod={id} title={title} />;
}

/** `12 pods: 11 ok, 1 failing`, for who does not see the squares. */
export function podsInWords(pods: readonly PodRow[]): string {
  const words = { ok: 'running', busy: 'on the way', bad: 'failing', done: 'done', idle: 'idle' } as const;
  const counts = Object.entries(words).map(([tone, word]) => [pods.filter((pod) => pod.tone === tone).length, word] as const).filter(([number]) => number > 0);
  return `${pods.length} ${pods.length === 1 ? 'pod' : 'pods'}${counts.length > 0 ? `: ${counts.map(([number, word]) => `${number} ${word}`).join(', ')}` : ''}`;
}
