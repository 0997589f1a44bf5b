import { useSignal, useSignalEffect, type Signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { t } from '../language.ts';
import { Empty } from '../ui.tsx';
import type { Editor } from './code-mirror.ts';

interface CodeEditorProps {
  readonly label: string;
  readonly text: Signal<string>;
  readonly readOnly?: boolean;
  onSave(): void;
}

/** YAML with colours, completion and checks. Ctrl-S saves, Ctrl-F finds, Ctrl-Space completes. */
export function CodeEditor({ label, text, readOnly = false, onSave }: CodeEditorProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor>(undefined);
  const save = useRef(onSave);
  save.current = onSave;
  const ready = useSignal(false);
  useEffect(() => {
    let ended = false;
    void import('./code-mirror.ts').then(({ createEditor }) => {
      if (ended) return;
      editor.current = createEditor({
        place: place.current!,
        label,
        text: text.peek(),
        readOnly,
        onChange: (fresh) => {
          text.value = fresh;
        },
        onSave: () => save.current(),
      });
      ready.value = true;
    });
    return () => {
      ended = true;
      editor.current?.dispose();
    };
  }, []);
  useSignalEffect(() => {
    const fresh = text.value;
    editor.current?.set(fresh);
  });
  return (
    <div class="editor" ref={place}>
      {!ready.value && <Empty>{t('Looking…')}</Empty>}
    </div>
  );
}
