import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { since, took } from '../format.ts';
import { t } from '../language.ts';
import type { Beat } from './beats.ts';
import { StationIcon } from './station-icon.tsx';
import { beats, began, playing, position, seek } from './story.ts';
import { wordsOf } from './words.ts';

const MOST = 300;

/** All beats in the order in which they began, each with its time on one scale; a click goes there. */
export function Waterfall(): JSX.Element {
  const more = useSignal(false);
  const list = useRef<HTMLOListElement>(null);
  const all = beats.value;
  const whole = Math.max(1, Math.max(...all.map(({ end }) => end)) - began.value);
  const shown = more.value ? all : all.slice(0, MOST);
  useEffect(() => {
    if (playing.value) list.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest' });
  }, [position.value]);
  return (
    <section class="waterfall" aria-labelledby="steps-title">
      <h2 id="steps-title">{t('All steps')}</h2>
      <ol ref={list}>
        {shown.map((beat, i) => (
          <Row key={beat.id} beat={beat} index={i} whole={whole} />
        ))}
      </ol>
      {shown.length < all.length && (
        <button
          type="button"
          onClick={() => {
            more.value = true;
          }}
        >
          {t('Show {n} more', { n: all.length - shown.length })}
        </button>
      )}
    </section>
  );
}

function Row({ beat, index, whole }: { readonly beat: Beat; readonly index: number; readonly whole: number }): JSX.Element {
  const { who, did, more } = wordsOf(beat);
  const { steps, at, end, station, depth } = beat;
  const first = steps[0]!;
  // A step is noted when it is done: what it took lies before.
  const from = Math.max(0, Math.min(...steps.map((step) => step.at - (step.took ?? 0))) - began.value);
  const until = Math.max(from, end - began.value);
  const state = index === position.value ? 'now' : index < position.value ? 'past' : 'ahead';
  return (
    <li class={`${state}${first.failed ? ' failed' : ''}`}>
      <button
        type="button"
        onClick={() => {
          playing.value = false;
          seek(index);
        }}
        {...(state === 'now' && { 'aria-current': 'step' as const })}
        title={more.join('\n') || undefined}
      >
        <time>{since(at - began.value)}</time>
        <span class="what" style={{ paddingLeft: `${Math.min(depth, 12) * 14}px` }}>
          <StationIcon name={station} />
          <span>
            <b>{who}</b> {did}
          </span>
        </span>
        <span class="span" aria-hidden="true">
          <i style={{ left: `${(from / whole) * 100}%`, width: `${Math.max(0.4, ((until - from) / whole) * 100)}%` }} />
        </span>
        <small>{until - from >= 1 ? took(until - from) : ''}</small>
      </button>
    </li>
  );
}
