import { useSignal, useSignalEffect } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Actions } from '../../src/dashboard/background/step.ts';
import { call } from '../api.ts';
import { beatsOf } from '../background/beats.ts';
import { wordsOf } from '../background/words.ts';
import { many, t } from '../language.ts';
import { hrefOf } from '../route.ts';
import { tables } from '../store.ts';
import { Age, Command, Dot, Empty } from '../ui.tsx';
import { here } from '../here.ts';

/** What was begun lately, each with its story. */
export function Lately(): JSX.Element | null {
  const found = useSignal<Actions | undefined>(undefined);
  const pending = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useSignalEffect(() => {
    for (const name of ['deployments', 'statefulsets', 'daemonsets', 'jobs', 'services', 'replicasets'] as const)
      void tables[name].version.value;
    pending.current ??= setTimeout(
      () => {
        pending.current = undefined;
        call<Actions>('GET', '/background').then(
          (actions) => {
            found.value = actions;
          },
          () => {
            /* The banner says that the connection is lost. */
          },
        );
      },
      found.peek() ? 1500 : 0,
    );
  });
  useEffect(() => () => clearTimeout(pending.current), []);
  if (!found.value || found.value.gap) return null;
  const list = found.value.actions.filter(({ first }) => here(first)).slice(0, 7);
  return (
    <section aria-labelledby="lately-title">
      <h2 id="lately-title">
        {t('Begun lately')}{' '}
        <a class="more" href={hrefOf({ view: 'background', params: { of: '' } })}>
          {t('what they set off')}
        </a>
      </h2>
      {list.length === 0 ? (
        <Empty>
          <p>{t('Nothing was begun yet.')}</p>
          <Command text="kubectl create deployment hello --image=nginx" />
        </Empty>
      ) : (
        <ul class="warnings">
          {list.map(({ revision, first, steps, failed }) => {
            const { who, did } = wordsOf(beatsOf([first])[0]!);
            return (
              <li key={revision}>
                <Age since={first.at} />
                <div>
                  <a href={hrefOf({ view: 'background', params: { of: String(revision) } })}>
                    <Dot tone={failed ? 'bad' : 'ok'} /> {who}
                  </a>{' '}
                  <small>{many(steps, 'one step', '{n} steps')}</small>
                  <p>{did}</p>
                </div>
              </li>
            );
          })}
        </ul>
      )}
    </section>
  );
}
