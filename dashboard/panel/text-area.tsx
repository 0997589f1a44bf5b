import type { Signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';

/** A text of many lines, with their numbers. Ctrl-S saves. */
export function TextArea({ label, text, onSave }: { readonly label: string; readonly text: Signal<string>; onSave(): void }): JSX.Element {
  const numbers = useRef<HTMLPreElement>(null);
  return <div class="editor">
    <pre ref={numbers} aria-hidden="true">{Array.from({ length: text.value.split('\n').length }, (_, i) => i + 1).join('\n')}</pre>
    <textarea aria-label={label} spellcheck={false} autocomplete="off" wrap="off" value={text.value} onInput={(event) => { text.value = event.currentTarget.value; }}
      onScroll={(event) => { numbers.current!.scrollTop = event.currentTarget.scrollTop; }}
      onKeyDown={(event) => {
        if (!(event.ctrlKey || event.metaKey) || event.key !== 's') return;
        event.preventDefault();
        onSave();
      }} />
  </div>;
}
