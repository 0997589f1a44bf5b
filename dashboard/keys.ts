import { useEffect } from 'preact/hooks';
import type { RefObject } from 'preact';
import { goTo, shown } from './palette-choices.ts';
import { close, filter, go, open, opened } from './route.ts';

/** `g` waits so long for the letter of the place. */
const PATIENCE_MS = 1200;

/** The keys of the whole page: `/`, `g` and a letter, Ctrl-K, `c`, `?`, Escape. */
export function useKeys(search: RefObject<HTMLInputElement | null>): void {
  useEffect(() => {
    let going = 0;
    const onKeyDown = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      const typing =
        target.closest('input:not([type=range]):not([type=checkbox]), textarea, select, .terminal, .cm-editor, [contenteditable=true]')
        !== null;
      const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k' && !target.closest('.terminal')) {
        event.preventDefault();
        shown.value = 'palette';
      } else if (event.key === 'Escape') {
        if (!event.defaultPrevented && !target.closest('.terminal, dialog, .cm-editor')) leave(target, typing, search.current);
        else if (target.closest('.cm-editor') && !event.defaultPrevented) document.querySelector<HTMLElement>('.panel')?.focus();
      } else if (!plain || typing || target.closest('dialog')) going = 0;
      else if (event.timeStamp - going < PATIENCE_MS && goTo(event.key)) {
        going = 0;
        event.preventDefault();
      } else if (event.key === 'g') going = event.timeStamp;
      else if (event.key === '/' || event.key === '?' || event.key === 'c') {
        event.preventDefault();
        if (event.key === '?') shown.value = 'keys';
        else if (event.key === 'c') open('new');
        else {
          search.current?.focus();
          search.current?.select();
        }
      }
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, []);
}

function leave(target: HTMLElement, typing: boolean, search: HTMLInputElement | null): void {
  if (target === search && filter.value) go({ params: { q: '' } }, true);
  else if (target === search) search?.blur();
  // Out of a text first: it may hold what is not saved.
  else if (target.closest('.panel') && typing) document.querySelector<HTMLElement>('.panel')?.focus();
  else if (opened.value) close();
}
