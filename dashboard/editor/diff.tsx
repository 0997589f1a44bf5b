import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { t } from '../language.ts';
import { hunksOf, lineDiff } from './line-diff.ts';

/** What changes from one text to the other. */
export function Diff({ before, after, label }: { readonly before: string; readonly after: string; readonly label: string }): JSX.Element {
  const lines = useMemo(() => lineDiff(before, after), [before, after]);
  const count = (sign: string): number => lines.filter((line) => line.sign === sign).length;
  if (before === after) return <p class="quiet">{t('Nothing changes.')}</p>;
  return <figure class="diff">
    <figcaption><span class="added">+{count('+')}</span> <span class="removed">−{count('-')}</span> {label}</figcaption>
    <div role="group" aria-label={label} tabIndex={0}>{hunksOf(lines).map((line, i) => (line === null
      ? <p key={i} class="gap">…</p>
      : <p key={i} class={line.sign === '+' ? 'added' : line.sign === '-' ? 'removed' : undefined}>
        <small aria-hidden="true">{line.after ?? line.before}</small><code>{line.sign === ' ' ? ' ' : line.sign} {line.text}</code>
      </p>))}</div>
  </figure>;
}
