import { StreamLanguage, type StreamParser } from '@codemirror/language';

interface State {
  /** Columns beyond which a block text (`|`, `>`) goes on; -1: there is none. */
  block: number;
  /** The block begins with the next line. */
  opens: boolean;
  indent: number;
  /** Within a text in quotes that goes over the line's end. */
  quote: string;
}

/** YAML by its lines: enough for colours, and a tenth of a grammar. Faults are found by the real parser (yaml-faults.ts). */
const parser: StreamParser<State> = {
  name: 'yaml',
  startState: () => ({ block: -1, opens: false, indent: 0, quote: '' }),
  languageData: { commentTokens: { line: '#' } },
  token(stream, state) {
    if (stream.sol()) {
      state.indent = stream.indentation();
      if (state.opens) {
        state.block = state.indent;
        state.opens = false;
      }
      if (state.block >= 0 && (state.indent >= state.block || stream.match(/^\s*$/, false)) && state.block > 0) {
        stream.skipToEnd();
        return 'string';
      }
      state.block = -1;
      if (stream.match(/^(---|\.\.\.)(?=\s|$)/)) return 'meta';
    }
    if (state.quote) return quoted(stream, state);
    if (stream.eatSpace()) return null;
    if (stream.peek() === '#') {
      stream.skipToEnd();
      return 'comment';
    }
    if (stream.match(/^-(?=\s|$)/) || stream.match(/^[[\]{},]/)) return 'punctuation';
    if (
      stream.match(
        /^(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#:,[\]{}"'&*!|>%@`-][^:#,[\]{}]*?|-[^\s:#]+?|[^\s#:,[\]{}"'][^\s:]*?)(?=\s*:(?:\s|$))/,
      )
    )
      return 'propertyName';
    if (stream.match(/^:(?=\s|$)/)) return 'punctuation';
    if (stream.match(/^[|>][+-]?\d?[+-]?\s*(?=$|#)/)) {
      state.opens = true;
      return 'keyword';
    }
    if (stream.match(/^[&*!][^\s,[\]{}]*/)) return 'meta';
    const open = stream.peek();
    if (open === '"' || open === "'") {
      stream.next();
      state.quote = open;
      return quoted(stream, state);
    }
    if (
      stream.match(/^(?:true|false|null|~|[-+]?(?:\d[\d_]*(?:\.\d*)?(?:e[-+]?\d+)?|0x[\da-f]+|0o[0-7]+|\.inf|\.nan))(?=\s*(?:$|#|[,\]}]))/i)
    )
      return 'number';
    if (!stream.match(/^[^\s#,[\]{}][^#,[\]{}]*/)) stream.next();
    return null;
  },
};

function quoted(stream: Parameters<typeof parser.token>[0], state: State): string {
  const end = state.quote === '"' ? /^(?:[^"\\]|\\.)*"/ : /^(?:[^']|'')*'/;
  if (stream.match(end)) state.quote = '';
  else stream.skipToEnd();
  return 'string';
}

export const yamlLanguage = StreamLanguage.define(parser);
