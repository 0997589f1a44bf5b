import type { JSX } from 'preact';
import { t } from './language.ts';
import { GO_TO, shown } from './palette-choices.ts';

export function Keys(): JSX.Element {
  const keys: readonly (readonly [string, string])[] = [
    ['Ctrl K', t('Go to anything')],
    ['/', t('Filter what is in sight')],
    ...Object.entries(GO_TO).map(([key, [, title]]) => [`g ${key}`, t(title)] as const),
    ['c', t('Make something new')],
    ['↑ ↓ Enter', t('Choose and open in a list')],
    ['← →', t('Tabs of what is open; steps of the background')],
    ['Space', t('Play and pause the background')],
    ['Esc', t('Close, or out of a text')],
    ['?', t('Show all keys')],
  ];
  return (
    <>
      <h2>{t('Keys')}</h2>
      <dl class="keys">
        {keys.map(([key, text]) => (
          <>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{text}</dd>
          </>
        ))}
      </dl>
      <div class="buttons">
        <button
          type="button"
          onClick={() => {
            shown.value = undefined;
          }}
        >
          {t('Close')}
        </button>
      </div>
    </>
  );
}
