import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface Question {
  readonly text: string;
  readonly more?: string;
  readonly yes: string;
  readonly answer: (yes: boolean) => void;
}

const question = signal<Question | undefined>(undefined);

/** Asks before something that cannot be taken back. */
export function confirm(text: string, yes: string, more?: string): Promise<boolean> {
  return new Promise((answer) => { question.value = { text, yes, answer, ...(more && { more }) }; });
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
  return <dialog ref={dialog} aria-labelledby="question" onClose={() => answer(false)}>
    <p id="question">{asked?.text}</p>
    {asked?.more && <p class="quiet">{asked.more}</p>}
    <div class="buttons"><button type="button" onClick={() => answer(false)}>Cancel</button><button type="button" class="danger" onClick={() => answer(true)}>{asked?.yes}</button></div>
  </dialog>;
}
