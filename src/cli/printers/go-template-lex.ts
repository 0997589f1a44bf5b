/** What a template fails with: the whole text as Go's text/template words it. */
export class GoTemplateError extends Error {
  /** What had been printed before it failed. */
  printed = '';
}

export type TokenType =
  | 'text' | 'left' | 'right' | 'space' | 'assign' | 'declare' | 'pipe' | 'string' | 'raw' | 'variable' | 'char' | 'number' | 'complex' | 'field' | 'dot' | 'identifier' | 'keyword' | 'bool' | 'nil' | '(' | ')'
  | 'mark' | 'error' | 'eof';

export interface Token {
  readonly type: TokenType;
  readonly text: string;
  /** Where it begins in the source. */
  readonly at: number;
  readonly line: number;
}

const KEYWORDS = new Set(['block', 'break', 'continue', 'define', 'else', 'end', 'if', 'range', 'template', 'with']);
const SPACE = /[ \t\r\n]/;
const WORD = /[\p{L}\p{Nd}_]/u;

/** A token as messages show it. */
export function shownToken({ type, text }: Token): string {
  if (type === 'eof') return 'EOF';
  if (type === 'error') return text;
  if (type === 'keyword' || type === 'dot' || type === 'nil') return `<${text}>`;
  return [...text].length > 10 ? `${goQuote([...text].slice(0, 10).join(''))}...` : goQuote(text);
}

/** As Go quotes a text (`%q`). */
export function goQuote(text: string): string {
  const known: Readonly<Record<string, string>> = { '\u0007': '\\a', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v', '"': '\\"', '\\': '\\\\' };
  return `"${[...text].map((c) => {
    if (known[c]) return known[c];
    if (c === ' ' || /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(c)) return c;
    const code = c.codePointAt(0)!;
    const hex = code.toString(16);
    return code < 0x80 ? `\\x${hex.padStart(2, '0')}` : code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
  }).join('')}"`;
}

/** All tokens of a template, up to its end or to the first that is none. Upstream: Go's text/template/parse, lex.go. */
export function lexTemplate(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const lineAt = (position: number): number => {
    let line = 1;
    for (let i = source.indexOf('\n'); i >= 0 && i < position; i = source.indexOf('\n', i + 1)) line++;
    return line;
  };
  const add = (type: TokenType, from: number, to: number): void => void tokens.push({ type, text: source.slice(from, to), at: from, line: lineAt(from) });
  const fail = (message: string, from: number): Token[] => [...tokens, { type: 'error', text: message, at: from, line: lineAt(from) }];

  while (at < source.length) {
    const open = source.indexOf('{{', at);
    if (open < 0) {
      add('text', at, source.length);
      break;
    }
    const trims = /^-[ \t\r\n]/.test(source.slice(open + 2, open + 4));
    const text = trims ? source.slice(at, open).replace(/[ \t\r\n]+$/, '') : source.slice(at, open);
    if (text) add('text', at, at + text.length);
    const inside = open + (trims ? 4 : 2);
    if (source.startsWith('/*', inside)) {
      const close = source.indexOf('*/', inside + 2);
      if (close < 0) return fail('unclosed comment', inside);
      const [delimiter] = /^(?:[ \t\r\n]-)?\}\}/.exec(source.slice(close + 2)) ?? [];
      if (!delimiter) return fail('comment ends before closing delimiter', inside);
      at = afterTrim(source, close + 2 + delimiter.length, delimiter.length > 2);
      continue;
    }
    add('left', open, open + 2);
    const action = lexAction(source, inside, add);
    if (typeof action !== 'number') return fail(action.fault, action.at);
    at = action;
  }
  tokens.push({ type: 'eof', text: '', at: source.length, line: lineAt(source.length) });
  return tokens;
}

const afterTrim = (source: string, at: number, trims: boolean): number => (trims ? at + /^[ \t\r\n]*/.exec(source.slice(at))![0].length : at);

/** Reads one action; answers where the text behind it begins, or what is wrong. */
function lexAction(source: string, start: number, add: (type: TokenType, from: number, to: number) => void): number | { readonly fault: string; readonly at: number } {
  let at = start;
  let depth = 0;
  const wordEnd = (from: number): number => {
    let end = from;
    while (end < source.length) {
      const letter = String.fromCodePoint(source.codePointAt(end)!);
      if (!WORD.test(letter)) break;
      end += letter.length;
    }
    return end;
  };
  const terminates = (end: number): boolean => end >= source.length || SPACE.test(source[end]!) || '.,|:)('.includes(source[end]!) || source.startsWith('}}', end);
  const badCharacter = (end: number, from: number): { fault: string; at: number } => ({ fault: `bad character ${codePoint(source, end)}`, at: from });
  for (;;) {
    const trimmed = /^[ \t\r\n]-\}\}/.test(source.slice(at, at + 4));
    if (trimmed || source.startsWith('}}', at)) {
      if (depth > 0) return { fault: 'unclosed left paren', at };
      const from = trimmed ? at + 2 : at;
      add('right', from, from + 2);
      return afterTrim(source, from + 2, trimmed);
    }
    if (at >= source.length) return { fault: 'unclosed action', at };
    const c = source[at]!;
    const from = at;
    if (SPACE.test(c)) {
      while (at < source.length && SPACE.test(source[at]!) && !/^[ \t\r\n]-\}\}/.test(source.slice(at, at + 4))) at++;
      if (at > from) add('space', from, at);
    } else if (c === '=' || c === '|') add(c === '=' ? 'assign' : 'pipe', from, ++at);
    else if (c === ':') {
      if (source[at + 1] !== '=') return { fault: 'expected :=', at };
      add('declare', from, (at += 2));
    } else if (c === '"' || c === "'" || c === '`') {
      const close = /^"(?:[^"\\\n]|\\[^\n])*"|^'(?:[^'\\\n]|\\[^\n])*'|^`[^`]*`/.exec(source.slice(at));
      if (!close) return { fault: c === '"' ? 'unterminated quoted string' : c === "'" ? 'unterminated character constant' : 'unterminated raw quoted string', at };
      add(c === '"' ? 'string' : c === "'" ? 'char' : 'raw', from, (at += close[0].length));
    } else if (c === '$' || (c === '.' && !/\d/.test(source[at + 1] ?? ''))) {
      at = terminates(at + 1) ? at + 1 : wordEnd(at + 1);
      if (!terminates(at)) return badCharacter(at, from);
      add(c === '$' ? 'variable' : at === from + 1 ? 'dot' : 'field', from, at);
    } else if (/[-+.\d]/.test(c)) {
      const [number] = /^[-+]?(?:0[xX][\da-fA-F_]*(?:\.[\da-fA-F_]*)?(?:[pP][-+]?[\d_]*)?|0[oO][0-7_]*|0[bB][01_]*|[\d_]*(?:\.[\d_]*)?(?:[eE][-+]?[\d_]*)?)i?/.exec(source.slice(at))!;
      at += number.length;
      if (wordEnd(at) > at) return { fault: `bad number syntax: ${goQuote(source.slice(from, at + String.fromCodePoint(source.codePointAt(at)!).length))}`, at: from };
      add('number', from, at);
    } else if (wordEnd(at) > at) {
      at = wordEnd(at);
      if (!terminates(at)) return badCharacter(at, from);
      const word = source.slice(from, at);
      add(KEYWORDS.has(word) ? 'keyword' : word === 'nil' ? 'nil' : word === 'true' || word === 'false' ? 'bool' : 'identifier', from, at);
    } else if (c === '(' || c === ')') {
      depth += c === '(' ? 1 : -1;
      if (depth < 0) return { fault: 'unexpected right paren', at };
      add(c, from, ++at);
    } else if (/[!-~]/.test(c)) add('mark', from, ++at);
    else return { fault: `unrecognized character in action: ${codePoint(source, at)}`, at };
  }
}

/** `U+0021 '!'` */
function codePoint(source: string, at: number): string {
  const code = source.codePointAt(at);
  if (code === undefined) return 'U+FFFFFFFFFFFFFFFF';
  const shown = String.fromCodePoint(code);
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')}${/[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(shown) ? ` '${shown}'` : ''}`;
}
