// The editor itself: loaded when somebody looks at YAML.
import { autocompletion, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { lintGutter, linter } from '@codemirror/lint';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { Compartment, EditorState, type Extension } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { completeYaml } from './complete.ts';
import { schemaOf } from './schema.ts';
import { faultsIn } from './yaml-faults.ts';

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--accent)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--code-text)' },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: 'var(--code-value)' },
  { tag: tags.comment, color: 'var(--soft)', fontStyle: 'italic' },
  { tag: [tags.meta, tags.separator, tags.punctuation], color: 'var(--soft)' },
]);

export interface Editor {
  set(text: string): void;
  dispose(): void;
}

export interface EditorOptions {
  readonly place: HTMLElement;
  readonly label: string;
  readonly text: string;
  readonly readOnly: boolean;
  onChange(text: string): void;
  onSave(): void;
}

export function createEditor({ place, label, text, readOnly, onChange, onSave }: EditorOptions): Editor {
  const quiet = new Compartment();
  const extensions: Extension[] = [
    lineNumbers(), foldGutter(), history(), drawSelection(), indentOnInput(), bracketMatching(), highlightActiveLine(), highlightActiveLineGutter(), highlightSelectionMatches(),
    yaml(), syntaxHighlighting(colours), autocompletion({ override: [completeYaml], activateOnTypingDelay: 80 }), lintGutter(),
    linter(async ({ state }) => [...(await faultsIn(state.doc.toString(), schemaOf))], { delay: 350 }),
    keymap.of([{ key: 'Mod-s', run: () => { onSave(); return true; }, preventDefault: true }, ...completionKeymap, ...searchKeymap, ...foldKeymap, ...historyKeymap, ...defaultKeymap, indentWithTab]),
    EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false' }), EditorState.tabSize.of(2), EditorState.readOnly.of(readOnly),
    EditorView.updateListener.of((update) => { if (update.docChanged) onChange(update.state.doc.toString()); }), quiet.of([]),
  ];
  const view = new EditorView({ parent: place, state: EditorState.create({ doc: text, extensions }) });
  return {
    set(fresh) {
      if (fresh !== view.state.doc.toString()) view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: fresh } });
    },
    dispose: () => view.destroy(),
  };
}
