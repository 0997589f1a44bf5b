import { useComputed, useSignal, type Signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useLayoutEffect, useMemo, useRef } from 'preact/hooks';
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

/** From so many on they are drawn as a crowd. */
const CROWD = 80;

/** Pods as small squares coloured by how they are; a click opens one. */
export function Squares(props: SquaresProps): JSX.Element {
  return Math.min(props.pods.length, props.most ?? Infinity) > CROWD ? <Crowd {...props} /> : <Few {...props} />;
}

/** A square recolours itself; all of them are drawn again only when pods come or go. */
function Few({ pods, label, most = Infinity }: SquaresProps): JSX.Element {
  const ordered = [...pods].sort((a, b) => a.born - b.born || (a.id < b.id ? -1 : 1)).slice(0, most);
  const drawn = useMemo(
    () => ordered.map(({ id, uid }) => <Square key={uid} id={id} row={tables.pods.rows.get(id)} />),
    [ordered.map(({ uid }) => uid).join()],
  );
  return (
    <div class="squares" role="img" aria-label={label} onClick={openPod} onMouseOver={tellPod}>
      {drawn}
      {pods.length > most && <small>+{pods.length - most}</small>}
    </div>
  );
}

const [CELL, SIDE] = [11, 9];
const TONES = ['ok', 'busy', 'bad', 'done', 'idle'] as const;

/** Very many pods: a path for each tone in place of an element for each pod, or a browser does little else than lay them out. */
function Crowd({ pods, label }: SquaresProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const columns = useSignal(24);
  useLayoutEffect(() => {
    const observer = new ResizeObserver(() => {
      columns.value = Math.max(1, Math.floor((place.current!.clientWidth + 2) / CELL));
    });
    observer.observe(place.current!);
    return () => observer.disconnect();
  }, []);
  const ordered = [...pods].sort((a, b) => a.born - b.born || (a.id < b.id ? -1 : 1));
  const across = columns.value;
  const paths = new Map<string, string>();
  for (const [i, { tone }] of ordered.entries())
    paths.set(tone, `${paths.get(tone) ?? ''}M${(i % across) * CELL} ${Math.floor(i / across) * CELL}h${SIDE}v${SIDE}h-${SIDE}z`);
  const podUnder = (event: MouseEvent): PodRow | undefined => {
    const { left, top } = place.current!.firstElementChild!.getBoundingClientRect();
    const [x, y] = [Math.floor((event.clientX - left) / CELL), Math.floor((event.clientY - top) / CELL)];
    return x < across ? ordered[y * across + x] : undefined;
  };
  return (
    <div
      class="squares crowd"
      ref={place}
      role="img"
      aria-label={label}
      onClick={(event) => {
        const pod = podUnder(event);
        if (pod) open(pathOf('pods', pod));
      }}
      onMouseMove={(event) => {
        const pod = podUnder(event);
        place.current!.title = pod ? wordsOf(pod) : '';
      }}
    >
      <svg width={across * CELL - 2} height={Math.ceil(ordered.length / across) * CELL} aria-hidden="true">
        {TONES.map((tone) => paths.has(tone) && <path key={tone} class={tone} d={paths.get(tone)!} />)}
      </svg>
    </div>
  );
}

const wordsOf = (pod: PodRow): string => `${pod.ns}/${pod.name}: ${pod.status}${pod.why ? `\n${pod.why}` : ''}`;

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
  if (pod) (event.target as HTMLElement).title = wordsOf(pod);
}

function Square({ id, row }: { readonly id: string; readonly row: Signal<PodRow> | undefined }): JSX.Element | null {
  const look = useComputed(() => `square ${row?.value.tone ?? 'idle'}${row?.value.status === 'Terminating' ? ' leaving' : ''}`);
  return <i class={look} data-pod={id} />;
}

/** `12 pods: 11 running, 1 failing` */
export function podsInWords(pods: readonly PodRow[]): string {
  const words = { ok: 'running', busy: 'on the way', bad: 'failing', done: 'done', idle: 'idle' } as const;
  const counts = Object.entries(words)
    .map(([tone, word]) => [pods.filter((pod) => pod.tone === tone).length, word] as const)
    .filter(([number]) => number > 0);
  return `${many(pods.length, '1 pod', '{n} pods')}${counts.length > 0 ? `: ${counts.map(([number, word]) => `${number} ${t(word)}`).join(', ')}` : ''}`;
}
