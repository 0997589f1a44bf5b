import type { JSX } from 'preact';
import type { Tone } from '../../src/dashboard/rows/row.ts';
import { t } from '../language.ts';
import { hrefOf } from '../route.ts';

/** Where something does not go on: the way to what keeps it and what would help. */
export function AskWhy({ tone }: { readonly tone: Tone }): JSX.Element | null {
  if (tone !== 'bad' && tone !== 'busy') return null;
  return (
    <p class="buttons">
      <a class="button" href={hrefOf({ params: { tab: 'why' } })}>
        {t('Why, and what would help')}
      </a>
    </p>
  );
}
