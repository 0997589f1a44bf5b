import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { ToldAction } from '../../src/dashboard/background/step.ts';
import { took } from '../format.ts';
import { many, t } from '../language.ts';
import { go, hrefOf, resourcePath } from '../route.ts';
import { Age, Command, Dot, Empty } from '../ui.tsx';
import { beatsOf } from './beats.ts';
import { Chain } from './chain.tsx';
import { Player } from './player.tsx';
import { Stage } from './stage.tsx';
import { actions, beats, began, course, fault, isAtRest, step, togglePlaying } from './story.ts';
import { wordsOf } from './words.ts';
import { Waterfall } from './waterfall.tsx';

/** What a command set off, as it happens and afterwards. */
export function BackgroundView(): JSX.Element {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      if (
        event.ctrlKey
        || event.metaKey
        || event.altKey
        || target.closest('input, textarea, select, button, a, dialog, .panel, .cm-editor')
      )
        return;
      if (event.key === ' ') togglePlaying();
      else if (event.key === 'ArrowRight') step(1);
      else if (event.key === 'ArrowLeft') step(-1);
      else return;
      event.preventDefault();
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, []);
  if (!actions.value)
    return fault.value ? (
      <p class="banner" role="alert">
        {fault.value}
      </p>
    ) : (
      <Empty>{t('Looking…')}</Empty>
    );
  const { actions: list, gap } = actions.value;
  const ofObject = resourcePath.value.startsWith('/');
  return (
    <div class="background">
      {gap && !ofObject && <NoLedger gap={gap} />}
      {!gap && list.length === 0 && !ofObject && <Teach />}
      {list.length > 0 && <ActionList list={list} />}
      {fault.value && (
        <p class="banner" role="alert">
          {fault.value}
        </p>
      )}
      {beats.value.length > 0 && <Telling />}
      {course.value && beats.value.length === 0 && (ofObject || list.length > 0) && (
        <Empty>{t('The ledger knows nothing of it (any more).')}</Empty>
      )}
    </div>
  );
}

function Telling(): JSX.Element {
  const all = beats.value;
  const { who, did } = wordsOf(all[0]!);
  const last = Math.max(...all.map(({ end }) => end));
  return (
    <>
      <section class="told" aria-labelledby="told-title">
        <h2 id="told-title">
          <b>{who}</b> {did}
        </h2>
        <p class="quiet">{`${many(course.value!.steps.length, 'one step', '{n} steps')}, ${isAtRest(last) ? took(last - began.value) : t('and it goes on')}`}</p>
      </section>
      <Chain />
      <Stage />
      <Player />
      <Waterfall />
      {course.value!.gaps.map((text) => (
        <p key={text} class="quiet">
          {text}
        </p>
      ))}
    </>
  );
}

function ActionList({ list }: { readonly list: readonly ToldAction[] }): JSX.Element {
  const chosen = resourcePath.value || String(list[0]!.revision);
  return (
    <nav class="actions-lately" aria-label={t('What was begun lately')} tabIndex={0}>
      <ul>
        {list.map(({ revision, first, last, steps, failed }) => {
          const { who, did } = wordsOf(beatsOf([first])[0]!);
          const rest = isAtRest(last);
          return (
            <li key={revision}>
              <a
                href={hrefOf({ params: { of: String(revision) } })}
                {...(chosen === String(revision) && { 'aria-current': 'true' as const })}
                title={`${who} ${did}`}
              >
                <span>
                  <Dot tone={failed ? 'bad' : rest ? 'ok' : 'busy'} />
                  <b>{/, with (.+)$/.exec(first.who)?.[1] ?? who}</b>
                  <small>
                    <Age since={first.at} />
                  </small>
                </span>
                <span class="did">{did}</span>
                <small>
                  {many(steps, 'one step', '{n} steps')} · {rest ? took(last - first.at) : t('goes on')}
                </small>
              </a>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}

function Teach(): JSX.Element {
  return (
    <Empty>
      <p>{t('Nothing was begun yet. Start something, and watch here what it sets off:')}</p>
      <Command text="kubectl create deployment hello --image=nginx" />
      <p>
        <button type="button" class="primary" onClick={() => go({ params: { open: 'new' } })}>
          {t('or make it here')}
        </button>
      </p>
    </Empty>
  );
}

function NoLedger({ gap }: { readonly gap: string }): JSX.Element {
  return (
    <Empty>
      <p>
        {gap === 'forbidden'
          ? t('You may not read the ledger of this server (it takes the right to get /wherry/v1/ledger).')
          : t('This server keeps no ledger of causes: clusters of wherry do.')}
      </p>
      <p>
        {t(
          'Choose something under Workloads, open “Why” there and watch it in the background: its story is put together from objects and events, in whole seconds.',
        )}
      </p>
      <p>
        <a class="button" href={hrefOf({ view: 'workloads' })}>
          {t('Workloads')}
        </a>
      </p>
    </Empty>
  );
}
