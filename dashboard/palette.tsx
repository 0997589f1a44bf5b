import { useComputed, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { discover, type Served } from './discovery.ts';
import { t } from './language.ts';
import { go } from './route.ts';
import { type Choice, shown, MOST, rank, commands, objects } from './palette-choices.ts';
import { Keys } from './key-sheet.tsx';

/** Everything by its name: places, kinds, objects, and what the page can do. */
export function Palette(): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (shown.value && !dialog.current!.open) dialog.current!.showModal();
    if (!shown.value) dialog.current!.close();
  }, [shown.value]);
  return (
    <dialog
      class="palette"
      ref={dialog}
      aria-label={shown.value === 'keys' ? t('Keys') : t('Go to anything')}
      onClose={() => {
        shown.value = undefined;
      }}
      onClick={(event) => {
        if (event.target === event.currentTarget) shown.value = undefined;
      }}
    >
      {shown.value === 'palette' && <Chooser />}
      {shown.value === 'keys' && <Keys />}
    </dialog>
  );
}

function Chooser(): JSX.Element {
  const typed = useSignal('');
  const at = useSignal(0);
  const kinds = useSignal<readonly Served[]>([]);
  useEffect(() => {
    discover().then(
      (found) => {
        kinds.value = found.filter(({ preferred }) => preferred);
      },
      () => {
        /* Then there are no kinds to choose from. */
      },
    );
  }, []);
  const choices = useComputed((): readonly Choice[] => {
    const words = typed.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found: (readonly [number, Choice])[] = [];
    const offer = (choice: Choice): void => {
      const value = rank(choice.text, words);
      if (value >= 0) found.push([value, choice]);
    };
    for (const choice of commands()) offer(choice);
    for (const { kind, base, resource, group } of kinds.value)
      offer({
        id: `kind ${base}/${resource}`,
        kind: 'Kind',
        text: group ? `${kind} · ${group}` : kind,
        run: () => go({ view: 'resources', params: { of: `${base}/${resource}`, open: '', q: '' } }),
      });
    if (words.length > 0) for (const choice of objects()) offer(choice);
    // Nothing typed: the places first, then what can be done.
    return (words.length === 0 ? found : found.sort((a, b) => a[0] - b[0]))
      .slice(0, MOST)
      .map(([, choice]) => choice);
  });
  const run = (choice: Choice | undefined): void => {
    shown.value = undefined;
    choice?.run();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const last = choices.value.length - 1;
    if (event.key === 'ArrowDown') at.value = Math.min(last, at.value + 1);
    else if (event.key === 'ArrowUp') at.value = Math.max(0, at.value - 1);
    else if (event.key === 'Enter') run(choices.value[at.value]);
    else return;
    event.preventDefault();
    document.getElementById(`choice-${at.value}`)?.scrollIntoView({ block: 'nearest' });
  };
  return (
    <>
      <input
        type="text"
        role="combobox"
        list={undefined}
        aria-expanded="true"
        aria-controls="choices"
        aria-activedescendant={`choice-${at.value}`}
        aria-label={t('Go to anything')}
        placeholder={t('Go to anything: a view, a kind, an object')}
        autocomplete="off"
        spellcheck={false}
        autofocus
        value={typed.value}
        onInput={(event) => {
          typed.value = event.currentTarget.value;
          at.value = 0;
        }}
        onKeyDown={onKeyDown}
      />
      <ul id="choices" role="listbox" aria-label={t('What fits')}>
        {choices.value.map((choice, i) => (
          <li
            key={choice.id}
            id={`choice-${i}`}
            role="option"
            aria-selected={i === at.value}
            onClick={() => run(choice)}
            onMouseMove={() => {
              at.value = i;
            }}
          >
            <small>{t(choice.kind)}</small>
            <span>{choice.text}</span>
            {choice.keys && <kbd>{choice.keys}</kbd>}
          </li>
        ))}
      </ul>
      {choices.value.length === 0 && <p class="quiet">{t('Nothing is called so.')}</p>}
    </>
  );
}
