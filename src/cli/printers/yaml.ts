import { compareKeys } from './yaml-key-order.ts';

/**
 * YAML as kubectl writes it, byte for byte: keys in natural order, block style, lists not indented below their key, long texts folded at a
 * blank behind column 80. Upstream: sigs.k8s.io/yaml over go-yaml v2 (encode.go, emitterc.go).
 */
export function toYaml(value: unknown): string {
  if (isEmpty(value) || typeof value !== 'object' || value === null) return `${scalar(value, 0, 0, false)}\n`;
  return block(value, 0);
}

const WIDTH = 80;
const isEmpty = (value: unknown): boolean => typeof value === 'object' && value !== null && Object.keys(value).length === 0;

/** A list or map that is not empty, each line at `indent`. */
function block(value: object, indent: number): string {
  const margin = ' '.repeat(indent);
  if (Array.isArray(value)) return value.map((item) => `${margin}- ${item !== null && typeof item === 'object' && !isEmpty(item) ? block(item as object, indent + 2).slice(indent + 2) : `${scalar(item, indent, indent + 2, false)}\n`}`).join('');
  return Object.keys(value).filter((key) => (value as Record<string, unknown>)[key] !== undefined).toSorted(compareKeys).map((key) => {
    const item = (value as Record<string, unknown>)[key];
    const head = `${margin}${scalar(key, indent, indent, true)}:`;
    if (item !== null && typeof item === 'object' && !isEmpty(item)) return `${head}\n${block(item, Array.isArray(item) ? indent : indent + 2)}`;
    return `${head} ${scalar(item, indent, head.length + 1, false)}\n`;
  }).join('');
}

/** A value on one line, folded or as a literal block; it begins at `column`, further lines stand at `indent` + 2. */
function scalar(value: unknown, indent: number, column: number, isKey: boolean): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return '[]';
  if (typeof value === 'object') return '{}';
  if (typeof value === 'number') return Number.isInteger(value) && Math.abs(value) < 1e21 ? String(value) : String(value).replace(/e\+?(-?)(\d)$/, (_all, sign: string, digit: string) => `e${sign || '+'}0${digit}`);
  if (typeof value !== 'string') return String(value);
  const form = analyze(value);
  if (value.includes('\n') && form.block && !isKey) return literal(value, indent + 2);
  if (!value.includes('\n') && !readsAsOther(value)) {
    if (form.plain && value !== '') return fold(value, column, indent + 2, isKey, false);
    if (form.single) return `'${fold(value.replaceAll("'", "''"), column + 1, indent + 2, isKey, true)}'`;
  }
  return doubleQuoted(value, column, indent + 2, isKey);
}

interface Forms { readonly plain: boolean; readonly single: boolean; readonly block: boolean }

/** In which styles a text may stand. */
function analyze(text: string): Forms {
  const special = !/^[\n\u0020-\u007E\u00A0-\uD7FF\uE000-\uFEFE\uFF00-\uFFFD]*$/.test(text) || / \n/.test(text);
  const breakSpace = /\n /.test(text);
  const edges = /^[ \n]|[ \n]$/.test(text);
  const indicator = /^(?:---|\.\.\.)/.test(text) || /^[#,[\]{}&*!|>'"%@`]/.test(text) || /^[-?:](?:\s|$)/.test(text) || /:(?:\s|$)/.test(text) || /\s#/.test(text);
  return { plain: !special && !edges && !indicator && !text.includes('\n'), single: !special && !breakSpace, block: !special && !text.endsWith(' ') };
}

const WORDS = new Set(['', '~', 'null', 'Null', 'NULL', '<<', ...['y', 'yes', 'on', 'true', 'n', 'no', 'off', 'false'].flatMap((word) => [word, word[0]!.toUpperCase() + word.slice(1), word.toUpperCase()]), '.nan', '.NaN', '.NAN', ...['', '+', '-'].flatMap((sign) => ['.inf', '.Inf', '.INF'].map((inf) => sign + inf))]);

/** Whether a reader would take the bare text for something else than a text. */
export function readsAsOther(text: string): boolean {
  if (WORDS.has(text)) return true;
  if (!/^[-+.\d]/.test(text)) return false;
  if (/^\d{4}-\d{1,2}-\d{1,2}(?:(?:[Tt]\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?(?:Z|[-+]\d\d:\d\d))|(?: \d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?))?$/.test(text)) return true;
  if (/^[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?$/.test(text)) return true;
  const plain = text.replaceAll('_', '');
  return /^[-+]?(?:0[xX][\da-fA-F]+|0[bB][01]+|0[oO]?[0-7]*|[1-9]\d*)$/.test(plain) || /^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/.test(plain);
}

/** Breaks at a single blank once the line is longer than the width. */
function fold(text: string, column: number, indent: number, isKey: boolean, quoted: boolean): string {
  if (isKey || column + text.length <= WIDTH) return text;
  let out = '';
  let at = column;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    const alone = c === ' ' && text[i - 1] !== ' ' && text[i + 1] !== ' ';
    if (alone && at > WIDTH && (!quoted || (i > 0 && i < text.length - 1))) {
      out += `\n${' '.repeat(indent)}`;
      at = indent;
    } else {
      out += c;
      at++;
    }
  }
  return out;
}

const ESCAPES: Readonly<Record<string, string>> = { '\0': '\\0', '\u0007': '\\a', '\b': '\\b', '\t': '\\t', '\n': '\\n', '\v': '\\v', '\f': '\\f', '\r': '\\r', '\u001B': '\\e', '"': '\\"', '\\': '\\\\', '\u0085': '\\N', '\u2028': '\\L', '\u2029': '\\P' };

function doubleQuoted(text: string, column: number, indent: number, isKey: boolean): string {
  let out = '"';
  let at = column + 1;
  const letters = [...text];
  let blank = false;
  letters.forEach((c, i) => {
    if (c === ' ' && !isKey && !blank && at > WIDTH && i > 0 && i < letters.length - 1) {
      out += `\n${' '.repeat(indent)}${letters[i + 1] === ' ' ? '\\' : ''}`;
      at = indent;
      blank = true;
      return;
    }
    blank = c === ' ';
    const shown = ESCAPES[c] ?? (/^[\u0020-\u007E\u00A0-\uD7FF\uE000-\uFEFE\uFF00-\uFFFD]$/u.test(c) ? c : escaped(c.codePointAt(0)!));
    out += shown;
    at += shown.length;
  });
  return `${out}"`;
}

function escaped(code: number): string {
  const hex = code.toString(16).toUpperCase();
  return code <= 0xff ? `\\x${hex.padStart(2, '0')}` : code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}

function literal(text: string, indent: number): string {
  const hint = /^[ \n]/.test(text) ? '2' : '';
  const chomp = !text.endsWith('\n') ? '-' : text === '\n' || text.endsWith('\n\n') ? '+' : '';
  const lines = (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
  return `|${hint}${chomp}\n${lines.map((line) => (line === '' ? '' : ' '.repeat(indent) + line)).join('\n')}`;
}
