import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { Check } from '../controls.tsx';
import { many, t } from '../language.ts';
import { addLines, BROKEN_OFF, readLines, type LogLine } from './log-lines.ts';
import { Lines } from './log-view.tsx';

/** Of each, from the end; one alone tells more. */
const TAIL = 5_000;
const TAIL_OF_MANY = 500;
const AGAIN_MS = 1000;
export const MOST_SOURCES = 100;

interface Source {
  readonly ns: string;
  readonly pod: string;
  readonly container: string;
  /** Another run of the container is another source: it is read anew. */
  readonly run: string;
}

interface LogsProps {
  readonly sources: readonly Source[];
  /** What of its source stands before each line. */
  readonly names: 'none' | 'pod' | 'container' | 'both';
  readonly children?: JSX.Element | readonly (JSX.Element | false)[] | false;
}

export function Logs({ sources, names, children }: LogsProps): JSX.Element {
  const previous = useSignal(false);
  const follow = useSignal(true);
  const times = useSignal(false);
  const search = useSignal('');
  const state = useSignal('');
  const version = useSignal(0);
  /** Counts how often it was begun anew. */
  const turn = useSignal(0);
  const lines = useRef<LogLine[]>([]);
  const asked = sources.map(({ ns, pod, container }) => `${ns}/${pod}/${container}`);
  const runs = sources.map(({ pod, container, run }) => `${pod} ${container} ${run}`).join('\n');
  useEffect(() => {
    const ending = new AbortController();
    lines.current = [];
    version.value++;
    state.value = '';
    if (asked.length === 0) return;
    const query = new URLSearchParams([
      ...asked.map((source) => ['source', source]),
      ['tail', String(asked.length > 1 ? TAIL_OF_MANY : TAIL)],
      ['follow', String(follow.value && !previous.value)],
      ['previous', String(previous.value)],
    ]);
    void readLines(query, ending.signal, (fresh) => {
      addLines(lines.current, fresh);
      version.value++;
    }).then((end) => {
      if (ending.signal.aborted) return;
      if (end === BROKEN_OFF) again = setTimeout(() => turn.value++, AGAIN_MS);
      else state.value = t(end);
    });
    let again: ReturnType<typeof setTimeout> | undefined;
    return () => {
      ending.abort();
      clearTimeout(again);
    };
  }, [runs, previous.value, follow.value, turn.value]);
  const word = search.value.toLowerCase();
  const shown = useMemo(
    () => (word ? lines.current.filter(({ text }) => text.toLowerCase().includes(word)) : lines.current),
    [word, version.value],
  );
  const label = (source: number): string => {
    const { pod = '', container = '' } = sources[source] ?? {};
    return names === 'none' ? '' : names === 'container' ? container : names === 'pod' ? pod : `${pod} ${container}`;
  };
  return (
    <>
      <div class="tools">
        {children}
        <Check label={t('Follow')} checked={follow} />
        <Check label={t('Previous run')} checked={previous} />
        <Check label={t('Times')} checked={times} />
        <input
          type="search"
          placeholder={t('Find in the log')}
          aria-label={t('Find in the log')}
          value={search.value}
          onInput={(event) => {
            search.value = event.currentTarget.value;
          }}
        />
        {word && (
          <span class="quiet" role="status">
            {many(shown.length, 'one line', '{n} lines')}
          </span>
        )}
      </div>
      <Lines lines={shown} version={version.value} stick={follow.value} word={word} times={times.value} label={label} />
      <p class="quiet end" role="status">
        {state.value || (shown.length === 0 ? (lines.current.length > 0 ? t('No line has that.') : t('Nothing written yet.')) : '')}
      </p>
    </>
  );
}
