import type { JSX } from 'preact';
import { many, t } from '../language.ts';
import { type Card, type PodLook } from './picture.ts';

/** What is not known from this story is not told: a deployment that is scaled had pods before. */
function countOf(kind: string, wanted: number | undefined, ready: number | undefined): string {
  if (kind === 'EndpointSlice') return ready === undefined ? '' : many(ready, 'one address', '{n} addresses');
  if (wanted === undefined) return ready === undefined ? '' : t('{n} ready', { n: ready });
  return ready === undefined ? t('{n} wanted', { n: wanted }) : t('{ready} of {wanted}', { ready, wanted });
}

const MOST_CARDS = 6;

export function Cards({
  cards,
  pods,
  podsTouched,
}: {
  readonly cards: readonly Card[];
  readonly pods: readonly PodLook[];
  readonly podsTouched: boolean;
}): JSX.Element {
  // The newest are told where there are many; those that the beat wrote always.
  const shown = cards.length <= MOST_CARDS ? cards : [...cards].sort((a, b) => Number(b.fresh) - Number(a.fresh)).slice(0, MOST_CARDS);
  const live = pods.filter(({ stage }) => stage !== 'gone');
  return (
    <ul class="cards">
      {shown.map(({ uid, kind, name, wanted, ready, fresh, gone }) => (
        <li key={uid} class={`${fresh ? 'fresh' : ''}${gone ? ' gone' : ''}`}>
          <small>{t(kind)}</small>
          <b title={name}>{name}</b>
          <span>{countOf(kind, wanted, ready)}</span>
        </li>
      ))}
      {cards.length > shown.length && (
        <li>
          <small>{t('and {n} more', { n: cards.length - shown.length })}</small>
        </li>
      )}
      {pods.length > 0 && (
        <li class={podsTouched ? 'fresh' : ''}>
          <small>{t('Pod')}</small>
          <b>{live.length === 1 ? live[0]!.name : many(live.length, 'one pod', '{n} pods')}</b>
          <span>{t('{n} ready', { n: live.filter(({ stage }) => stage === 'ready').length })}</span>
        </li>
      )}
    </ul>
  );
}
