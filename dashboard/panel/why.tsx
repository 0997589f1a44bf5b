import { useSignal, useSignalEffect } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Explanation, ToldNode } from '../../src/dashboard/told.ts';
import { call } from '../api.ts';
import { wordsOf } from '../background/words.ts';
import { took } from '../format.ts';
import { language, t } from '../language.ts';
import { hrefOf } from '../route.ts';
import { tables } from '../store.ts';
import { Command, Empty } from '../ui.tsx';

/** Alike siblings beyond these are told of in a word. */
const ALIKE = 5;
const PATIENCE_MS = 400;

/** How something came to be as it is, and what it waits for; told again while it goes on. */
export function Why({ path }: { readonly path: string }): JSX.Element {
  const answer = useSignal<Explanation | undefined>(undefined);
  const fault = useSignal('');
  const pending = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const ask = async (): Promise<void> => {
    pending.current = undefined;
    try {
      answer.value = await call<Explanation>('GET', `/why?${new URLSearchParams({ path, language: language.peek() })}`);
      fault.value = '';
    } catch (error) {
      fault.value = (error as Error).message;
    }
  };
  useSignalEffect(() => {
    // Whatever happens may belong to the story, and another language is told anew.
    void language.value;
    for (const name of ['pods', 'deployments', 'replicasets', 'endpointslices'] as const) void tables[name].version.value;
    pending.current ??= setTimeout(() => void ask(), answer.peek() ? PATIENCE_MS : 0);
  });
  useEffect(() => () => clearTimeout(pending.current), []);
  if (fault.value)
    return (
      <p class="banner" role="alert">
        {fault.value}
      </p>
    );
  if (!answer.value) return <Empty>{t('Looking…')}</Empty>;
  const { state, story, findings, gaps } = answer.value;
  return (
    <>
      <section class="lead">
        <p>{state}</p>
        <p class="buttons">
          <a class="button" href={hrefOf({ view: 'background', params: { of: path, open: '', tab: '' } })}>
            {t('Watch it in the background')}
          </a>
        </p>
      </section>
      {findings.map(({ waitsFor, over, because, help }) => (
        <section key={waitsFor} class="finding">
          <h3>{over ? t('It is over: {what}', { what: waitsFor }) : t('Waits for {what}', { what: waitsFor })}</h3>
          {because.map((line) => (
            <p key={line}>{line}</p>
          ))}
          {help.length > 0 && (
            <>
              <h4>{t('What would help')}</h4>
              <ul>
                {help.map((line) => (
                  <li key={line}>
                    <Advice text={line} />
                  </li>
                ))}
              </ul>
            </>
          )}
        </section>
      ))}
      {story.length > 0 && (
        <section>
          <h3>{t('What led to it')}</h3>
          <ol class="story">
            {story.map((node) => (
              <Step key={node.id} node={node} began={node.at} first />
            ))}
          </ol>
        </section>
      )}
      {gaps.map((gap) => (
        <p key={gap} class="quiet">
          {gap}
        </p>
      ))}
    </>
  );
}

/** A line of advice; the command that it ends with can be copied. */
function Advice({ text }: { readonly text: string }): JSX.Element {
  const [, words, command] = /^(.*): ((?:kubectl|wherry) [^…]+)$/.exec(text) ?? [];
  if (!words || !command || /[A-Z]{4}| \(/.test(command)) return <>{text}</>;
  return (
    <>
      {words}: <Command text={command} />
    </>
  );
}

function Step({ node, began, first = false }: { readonly node: ToldNode; readonly began: number; readonly first?: boolean }): JSX.Element {
  const { at, failed, children } = node;
  const { who, did, more } = wordsOf({ steps: [node] });
  const seen = new Map<string, number>();
  const shown = children.filter(({ like }) => {
    const number = like === undefined ? 0 : (seen.get(like) ?? 0) + 1;
    if (like !== undefined) seen.set(like, number);
    return number <= ALIKE;
  });
  return (
    <li class={failed ? 'failed' : undefined}>
      <p>
        <time title={new Date(at).toLocaleString()}>{first ? new Date(at).toLocaleTimeString() : `+${took(at - began)}`}</time>
        <span>
          <b>{who}</b> {did}
        </span>
      </p>
      {more.map((line) => (
        <p key={line} class="quiet more">
          {line}
        </p>
      ))}
      {shown.length > 0 && (
        <ol>
          {shown.map((child) => (
            <Step key={child.id} node={child} began={began} />
          ))}
        </ol>
      )}
      {shown.length < children.length && (
        <p class="quiet more">{t('… and {n} more in the same way', { n: children.length - shown.length })}</p>
      )}
    </li>
  );
}
