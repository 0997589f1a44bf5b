import type { JSX } from 'preact';
import { t } from '../language.ts';
import { chip, go } from '../route.ts';

export interface Chip {
  /** In the address; empty: all. */
  readonly name: string;
  readonly label: string;
  readonly count: number;
}

/** A choice of which rows are shown. */
export function Chips({ chips, label }: { readonly chips: readonly Chip[]; readonly label: string }): JSX.Element {
  return (
    <div class="chips" role="radiogroup" aria-label={t(label)}>
      {chips
        .filter(({ name, count }) => count > 0 || name === '' || name === chip.value)
        .map(({ name, label: text, count }) => (
          <button type="button" key={name} role="radio" aria-checked={chip.value === name} onClick={() => go({ params: { show: name } })}>
            {t(text)}
            <small>{count}</small>
          </button>
        ))}
    </div>
  );
}
