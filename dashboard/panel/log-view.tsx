import type { JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { t } from '../language.ts';
import { useWindow } from '../window-of.ts';
import { type LogLine } from './log-lines.ts';

const LINE_HEIGHT = 18;

interface LinesProps {
  readonly lines: readonly LogLine[];
  readonly version: number;
  readonly stick: boolean;
  readonly word: string;
  readonly times: boolean;
  label(source: number): string;
}

/** Only what is in sight is drawn; at the end it stays at the end while lines come. */
export function Lines({ lines, version, stick, word, times, label }: LinesProps): JSX.Element {
  const area = useWindow(lines.length, LINE_HEIGHT);
  const atEnd = useRef(true);
  useLayoutEffect(() => {
    const element = area.ref.current!;
    if (stick && atEnd.current) element.scrollTop = element.scrollHeight;
    area.onScroll();
  }, [version, lines, stick]);
  const onScroll = (): void => {
    const { scrollTop, scrollHeight, clientHeight } = area.ref.current!;
    atEnd.current = scrollHeight - scrollTop - clientHeight < LINE_HEIGHT * 2;
    area.onScroll();
  };
  return (
    <div class="log" role="log" aria-live="off" aria-label={t('Log')} tabIndex={0} ref={area.ref} onScroll={onScroll}>
      <div style={{ height: lines.length * LINE_HEIGHT }}>
        <div class="lines" style={{ transform: `translateY(${area.first * LINE_HEIGHT}px)` }}>
          {lines.slice(area.first, area.last).map(({ source, at, text }, i) => {
            const from = label(source);
            return (
              <p key={area.first + i} class={at ? undefined : 'fault'}>
                {times && at && <time>{at.slice(0, 23).replace('T', ' ')} </time>}
                {from && (
                  <b class={`from hue${source % 6}`} title={from}>
                    {from.length > 20 ? `…${from.slice(-19)}` : from}{' '}
                  </b>
                )}
                <Found text={text} word={word} />
              </p>
            );
          })}
        </div>
      </div>
    </div>
  );
}

/** What is searched for, marked. */
function Found({ text, word }: { readonly text: string; readonly word: string }): JSX.Element {
  if (!word) return <>{text}</>;
  const parts: (string | JSX.Element)[] = [];
  const low = text.toLowerCase();
  let from = 0;
  for (let at = low.indexOf(word); at >= 0; at = low.indexOf(word, from)) {
    parts.push(text.slice(from, at), <mark key={at}>{text.slice(at, at + word.length)}</mark>);
    from = at + word.length;
  }
  return (
    <>
      {parts}
      {text.slice(from)}
    </>
  );
}
