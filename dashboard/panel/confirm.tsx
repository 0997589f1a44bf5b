import { signal } from '@preact/signals';
import type { ComponentChild, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { t } from '../language.ts';

interface Question {
  readonly text: string;
  readonly more?: ComponentChild;
  readonly yes: string;
  readonly answer: (yes: boolean) => void;
}

const question = signal<Question | undefined>(undefined);

/** Asks before something that cannot be taken back. */
export function confirm(text: string, yes: string, more?: ComponentChild): Promise<boolean> {
  return new Promise((answer) => {
    question.value = { text, yes, answer, ...(more !== undefined && { more }) };
  });
}

export function ConfirmDialog(): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const asked = question.value;
  useEffect(() => {
    if (asked && !dialog.current!.open) dialog.current!.showModal();
    if (!asked) dialog.current!.close();
  }, [asked]);
  const answer = (yes: boolean): void => {
    asked?.answer(yes);
    question.value = undefined;
  };
  return (
    <dialog ref={dialog} aria-labelledby="question" onClose={() => answer(false)}>
      {asked && (
        <>
          <h2 id="question">{asked.text}</h2>
          {asked.more}
          <div class="buttons">
            <button type="button" onClick={() => answer(false)}>
              {t('Cancel')}
            </button>
            <button type="button" class="danger" onClick={() => answer(true)}>
              {asked.yes}
            </button>
          </div>
        </>
      )}
    </dialog>
  );
}
