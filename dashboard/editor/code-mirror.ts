// The editor itself: loaded when somebody looks at YAML.
import { autocompletion, completionKeymap } from '@codemirror/autocomplete';
import {
  cursorDocEnd,
  cursorDocStart,
  history,
  historyKeymap,
  indentLess,
  indentMore,
  insertNewlineAndIndent,
  selectAll,
  selectDocEnd,
  selectDocStart,
} from '@codemirror/commands';
import { HighlightStyle, indentService, syntaxHighlighting, type IndentContext } from '@codemirror/language';
import { lintGutter, linter } from '@codemirror/lint';
import { EditorState, type Extension } from '@codemirror/state';
import { EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers, type KeyBinding } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { completeYaml } from './complete.ts';
import { schemaOf } from './schema.ts';
import { yamlLanguage } from './yaml-language.ts';
import { faultsIn } from './yaml-faults.ts';

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--accent)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--code-text)' },
  { tag: [tags.number, tags.keyword], color: 'var(--code-value)' },
  { tag: tags.comment, color: 'var(--soft)', fontStyle: 'italic' },
  { tag: [tags.meta, tags.separator, tags.punctuation], color: 'var(--soft)' },
]);

/** A new line stands as the one before it, deeper after `key:` and `- key:`. */
function indentOf({ state, unit }: IndentContext, pos: number): number {
  const line = state.doc.lineAt(pos);
  const before = state.doc.sliceString(line.from, pos);
  if (before.trim() === '' && line.number > 1) return indentOf({ state, unit } as IndentContext, line.from - 1);
  const [, spaces = '', dashes = ''] = /^(\s*)((?:- +)*)/.exec(before)!;
  return spaces.length + dashes.length + (/:\s*(#.*)?$/.test(before) ? unit : 0);
}

/** Browsers move about by themselves, but only in what is drawn: what goes beyond is ours. */
const keys: readonly KeyBinding[] = [
  { key: 'Enter', run: insertNewlineAndIndent },
  { key: 'Tab', run: indentMore, shift: indentLess },
  { key: 'Mod-a', run: selectAll },
  { key: 'Mod-Home', run: cursorDocStart, shift: selectDocStart },
  { key: 'Mod-End', run: cursorDocEnd, shift: selectDocEnd },
];

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
  const extensions: Extension[] = [
    lineNumbers(),
    history(),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    yamlLanguage,
    indentService.of(indentOf),
    syntaxHighlighting(colours),
    autocompletion({ override: [completeYaml], activateOnTypingDelay: 80 }),
    lintGutter(),
    linter(async ({ state }) => [...(await faultsIn(state.doc.toString(), schemaOf))], { delay: 350 }),
    keymap.of([
      {
        key: 'Mod-s',
        run: () => {
          onSave();
          return true;
        },
        preventDefault: true,
      },
      ...completionKeymap,
      ...historyKeymap,
      ...keys,
    ]),
    EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false', tabindex: '0' }),
    EditorState.tabSize.of(2),
    EditorState.readOnly.of(readOnly),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) onChange(update.state.doc.toString());
    }),
  ];
  const view = new EditorView({ parent: place, state: EditorState.create({ doc: text, extensions }) });
  return {
    set(fresh) {
      if (fresh !== view.state.doc.toString()) view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: fresh } });
    },
    dispose: () => view.destroy(),
  };
}
