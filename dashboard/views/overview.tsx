import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { pathOfKind } from '../api.ts';
import { t } from '../language.ts';
import { hrefOf } from '../route.ts';
import { tables } from '../store.ts';
import { troubles } from '../troubles.ts';
import { Age, Dot, Empty, ObjectLink } from '../ui.tsx';
import { Tiles } from './overview-tiles.tsx';
import { Legend, Rooms } from './rooms.tsx';
import { Lately } from './lately.tsx';
import { here } from '../here.ts';

export function OverviewView(): JSX.Element {
  return (
    <div class="overview">
      <Tiles />
      <Troubles />
      <section aria-labelledby="rooms-title">
        <h2 id="rooms-title">
          {t('Nodes and their pods')}
          <Legend />
        </h2>
        <Rooms />
      </section>
      <div class="halves">
        <Lately />
        <LatestEvents />
      </div>
    </div>
  );
}

/** Of what needs a look, so much that the nodes stay in sight. */
const AT_FIRST = 6;

function Troubles(): JSX.Element | null {
  const all = useSignal(false);
  const list = troubles.value.filter(here);
  const shown = all.value || list.length <= AT_FIRST + 1 ? list : list.slice(0, AT_FIRST);
  if (!tables.pods.synced.value) return null;
  if (list.length === 0)
    return (
      <p class="calm">
        <Dot tone="ok" />
        {t('All is well: everything that should run does.')}
      </p>
    );
  return (
    <section aria-labelledby="troubles-title">
      <h2 id="troubles-title">
        {t('Needs a look')} <small>{list.length}</small>
      </h2>
      <ul class="troubles">
        {shown.map(({ id, tone, what, means, why, ns, path }) => (
          <li key={id}>
            <Dot tone={tone} />
            <div>
              <ObjectLink path={path}>{what}</ObjectLink>
              {ns && <small>{ns}</small>}
              {means && <p>{means}</p>}
              <p class="raw" title={why}>
                {why}
              </p>
            </div>
            <a class="more" href={hrefOf({ params: { open: path, tab: 'why' } })}>
              {t('Why?')}
            </a>
          </li>
        ))}
      </ul>
      {shown.length < list.length && (
        <p>
          <button
            type="button"
            onClick={() => {
              all.value = true;
            }}
          >
            {t('Show all {n}', { n: list.length })}
          </button>
        </p>
      )}
    </section>
  );
}

function LatestEvents(): JSX.Element {
  const latest = tables.events
    .all()
    .filter(here)
    .sort((a, b) => b.last - a.last || (a.id < b.id ? -1 : 1))
    .slice(0, 8);
  return (
    <section aria-labelledby="events-title">
      <h2 id="events-title">
        {t('Latest events')}{' '}
        <a class="more" href={hrefOf({ view: 'events' })}>
          {t('all events')}
        </a>
      </h2>
      {latest.length === 0 ? (
        <Empty>{t('Nothing has happened lately. Events are kept for an hour.')}</Empty>
      ) : (
        <ul class="warnings">
          {latest.map((event) => (
            <li key={event.uid} class={event.warning ? 'warning' : ''}>
              <Age since={event.last} />
              <div>
                <ObjectLink path={pathOfKind(event.about.kind, event.about)}>
                  {event.about.kind} {event.about.name}
                </ObjectLink>{' '}
                <b>{event.reason}</b>
                {event.count > 1 && <small>{t('{n} times', { n: event.count })}</small>}
                <p>{event.message}</p>
              </div>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
