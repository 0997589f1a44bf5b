import { useComputed } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { useRef } from 'preact/hooks';
import type { Station } from '../../src/dashboard/background/step.ts';
import { since } from '../format.ts';
import { many, t } from '../language.ts';
import { tables } from '../store.ts';
import type { Beat } from './beats.ts';
import { Flows } from './flows.tsx';
import { isWrite, type PodLook } from './picture.ts';
import { StationIcon } from './station-icon.tsx';
import { beats, began, picture } from './story.ts';
import { wordsOf } from './words.ts';
import { Cards } from './cards.tsx';
import { Pods } from './looks.tsx';

/** So many nodes are drawn; those with a part in it come first. */
const MOST_NODES = 6;

/** The cluster as those who do the work, around the API server through which they all meet. */
export function Stage(): JSX.Element {
  const stage = useRef<HTMLDivElement>(null);
  const { pods, cards, lit, now } = picture.value;
  const involved = useComputed(() =>
    [...new Set(beats.value.flatMap(({ steps }) => steps.flatMap(({ node, kind }) => (node && kind === 'Pod' ? [node] : []))))].sort(),
  );
  const others = tables.nodes
    .all()
    .map(({ name }) => name)
    .filter((name) => !involved.value.includes(name))
    .sort();
  const nodes = [...involved.value, ...others].slice(0, MOST_NODES);
  const hidden = involved.value.length + others.length - nodes.length;
  const homeless = pods.filter(({ node, stage: at }) => !node && at !== 'gone');
  const pulled = now?.station === 'registry' ? now.steps : [];
  return (
    <div class="stage" ref={stage} role="group" aria-label={t('The cluster at this step')}>
      <Flows stage={stage} />
      <div class="column">
        <Place station="client" title={t('Client')} lit={lit.get('client')} active={now?.station === 'client'}>
          <Does of={now?.station === 'client' ? now : beats.value[0]!} />
        </Place>
      </div>
      <div class="column">
        <Place station="api" title={t('API server')} lit={lit.get('api')} active={now?.station === 'api'}>
          <p class="quiet">{t('what is wanted and what there is, written down')}</p>
          <Cards
            cards={cards}
            pods={pods}
            podsTouched={now?.steps.some((step) => step.kind === 'Pod' && (isWrite(step) || step.act === 'schedule')) ?? false}
          />
        </Place>
      </div>
      <div class="column">
        <Place station="controller" title={t('Controllers')} lit={lit.get('controller')} active={now?.station === 'controller'}>
          {now?.station === 'controller' && <Does of={now} />}
        </Place>
        <Place station="scheduler" title={t('Scheduler')} lit={lit.get('scheduler')} active={now?.station === 'scheduler'}>
          {now?.station === 'scheduler' && <Does of={now} />}
          {homeless.length > 0 && (
            <>
              <Pods pods={homeless} />
              <p class="quiet">{many(homeless.length, 'one pod without a node', '{n} pods without a node')}</p>
            </>
          )}
        </Place>
      </div>
      <div class="column">
        {nodes.map((name) => (
          <Room key={name} name={name} pods={pods.filter(({ node }) => node === name)} />
        ))}
        {hidden > 0 && <p class="quiet">{t('and {n} more nodes', { n: hidden })}</p>}
        <Place station="registry" title={t('Registry')} lit={lit.get('registry')} active={pulled.length > 0}>
          {pulled.length > 0 && (
            <p class="mono">
              {String(pulled[0]!.facts['image'] ?? '')
                .split('/')
                .at(-1)}
            </p>
          )}
        </Place>
      </div>
    </div>
  );
}

interface PlaceProps {
  readonly station: Station;
  readonly title: string;
  readonly lit: number | undefined;
  readonly active: boolean;
  readonly children?: ComponentChildren;
}

function Place({ station, title, lit, active, children }: PlaceProps): JSX.Element {
  return (
    <section class={`place ${station}${active ? ' active' : lit === undefined ? ' dark' : ''}`} data-place={station}>
      <h3>
        <StationIcon name={station} />
        {title}
        {lit !== undefined && station !== 'client' && <time>{since(lit - began.value)}</time>}
      </h3>
      {children}
    </section>
  );
}

/** Who of them it is, and what they do in this beat. */
function Does({ of }: { readonly of: Beat }): JSX.Element {
  const { who, did } = wordsOf(of);
  return (
    <p class="does">
      <b>{who}</b> {did}
    </p>
  );
}

function Room({ name, pods }: { readonly name: string; readonly pods: readonly PodLook[] }): JSX.Element {
  const { now, lit } = picture.value;
  const here = now?.steps.filter((step) => step.node === name) ?? [];
  const active = here.length > 0 && (now!.station === 'node' || now!.station === 'container' || now!.station === 'registry');
  const alive = pods.filter(({ stage }) => stage !== 'gone');
  const doing = active ? doingOf(now!.station, here[0]!.act) : '';
  return (
    <section class={`place node${active ? ' active' : lit.has('node') || alive.length > 0 ? '' : ' dark'}`} data-place={`node:${name}`}>
      <h3>
        <StationIcon name="node" />
        {name}
        {doing && <em>{doing}</em>}
      </h3>
      {pods.length > 0 ? (
        <Pods pods={pods} touched={new Set(active ? here.map(({ uid }) => uid) : [])} />
      ) : (
        <p class="quiet">{t('no pod of it')}</p>
      )}
    </section>
  );
}

function doingOf(station: Station, act: string): string {
  if (station === 'registry') return t('pulls');
  if (act === 'sandbox') return t('makes a network');
  if (act === 'create') return t('makes');
  return act === 'start' ? t('starts') : act === 'exit' ? t('sees it end') : t('reports');
}
