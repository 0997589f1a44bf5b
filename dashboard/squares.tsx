import { useComputed, type Signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { PodRow } from '../src/dashboard/rows/row.ts';
import { pathOf } from './api.ts';
import { many, t } from './language.ts';
import { open } from './route.ts';
import { tables } from './store.ts';

interface SquaresProps {
  readonly pods: readonly PodRow[];
  /** For who does not see them. */
  readonly label: string;
  /** So many are drawn. */
  readonly most?: number;
}

/** Pods as small squares coloured by how they are; a click opens one. A square recolours itself; all of them are drawn again only when pods come or go. */
export function Squares({ pods, label, most = Infinity }: SquaresProps): JSX.Element {
  const ordered = [...pods].sort((a, b) => a.born - b.born || (a.id < b.id ? -1 : 1)).slice(0, most);
  const drawn = useMemo(() => ordered.map(({ id, uid }) => <Square key={uid} id={id} row={tables.pods.rows.get(id)} />), [ordered.map(({ uid }) => uid).join()]);
  return <div class={`squares${pods.length > 150 ? ' many' : ''}`} role="img" aria-label={label} onClick={openPod} onMouseOver={tellPod}>
    {drawn}
    {pods.length > most && <small>+{pods.length - most}</small>}
  </div>;
}

const podAt = (event: Event): PodRow | undefined => {
  const id = (event.target as HTMLElement).dataset['pod'];
  return id === undefined ? undefined : tables.pods.rows.get(id)?.peek();
};

function openPod(event: MouseEvent): void {
  const pod = podAt(event);
  if (pod) open(pathOf('pods', pod));
}

/** The words of a square are made when somebody points at it. */
function tellPod(event: MouseEvent): void {
  const pod = podAt(event);
  if (pod) (event.target as HTMLElement).title = `${pod.ns}/${pod.name}: ${pod.status}${pod.why ? `\n${pod.why}` : ''}`;
}

function Square({ id, row }: { readonly id: string; readonly row: Signal<PodRow> | undefined }): JSX.Element | null {
  const look = useComputed(() => `square ${row?.value.tone ?? 'idle'}${row?.value.status === 'Terminating' ? ' leaving' : ''}`);
  return <i class={look} data-pod={id} />;
}

/** `12 pods: 11 running, 1 failing` */
export function podsInWords(pods: readonly PodRow[]): string {
  const words = { ok: 'running', busy: 'on the way', bad: 'failing', done: 'done', idle: 'idle' } as const;
  const counts = Object.entries(words).map(([tone, word]) => [pods.filter((pod) => pod.tone === tone).length, word] as const).filter(([number]) => number > 0);
  return `${many(pods.length, '1 pod', '{n} pods')}${counts.length > 0 ? `: ${counts.map(([number, word]) => `${number} ${t(word)}`).join(', ')}` : ''}`;
}
