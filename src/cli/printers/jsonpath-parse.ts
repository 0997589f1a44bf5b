import { GoNumber } from './go-value.ts';

/** What a path or a template is wrong about, in the words of kubectl. */
export class JsonPathError extends Error {}

/** A bound of a slice; `derived` where it follows from a single index. */
interface Bound { readonly value: number; readonly known: boolean; readonly derived?: boolean }

export type Step =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'constant'; readonly value: unknown }
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'wildcard' | 'recursive' }
  | { readonly kind: 'slice'; readonly bounds: readonly [Bound, Bound, Bound] }
  | { readonly kind: 'union'; readonly paths: readonly (readonly Step[])[] }
  | { readonly kind: 'filter'; readonly left: readonly Step[]; readonly operator: string; readonly right: readonly Step[] }
  /** `range`, `end`, or a fault once it is run. */
  | { readonly kind: 'identifier'; readonly name: string };

/** What stands between braces is a list of steps, each of which takes what the one before found; a text finds itself. */
export type Part = readonly Step[];

const ends = (c: string | undefined): boolean => c === undefined || ' \t\r\n.,[]$@{}'.includes(c);

/** Upstream: client-go util/jsonpath, parser.go. Throws JsonPathError. */
export function parseJsonPath(template: string): Part[] {
  const parts: Part[] = [];
  let at = 0;
  while (at < template.length) {
    const open = template.indexOf('{', at);
    const text = template.slice(at, open < 0 ? undefined : open);
    if (text) parts.push([{ kind: 'text', text }]);
    if (open < 0) break;
    const steps: Step[] = [];
    at = parseAction(template, open + 1, steps);
    parts.push(steps);
  }
  return parts;
}

const partOf = (text: string): Part => parseJsonPath(`{${text}}`)[0]!;

/** Reads up to behind the closing brace. */
function parseAction(input: string, start: number, steps: Step[]): number {
  let at = start;
  for (;;) {
    const c = input[at];
    if (c === undefined || c === '\n' || c === '\r') throw new JsonPathError('unclosed action');
    if (c === '}') return at + 1;
    if (input.startsWith('[?(', at)) at = parseFilter(input, at, steps);
    else if (input.startsWith('..', at)) {
      if (steps.at(-1)?.kind === 'recursive') throw new JsonPathError('invalid multiple recursive descent');
      steps.push({ kind: 'recursive' });
      at += 2;
      if (/[\p{L}\p{Nd}_]/u.test(input[at] ?? '')) at = parseField(input, at, steps);
    } else if (c === ' ' || c === '@' || c === '$') at++;
    else if (c === '[') at = parseBracket(input, at, steps);
    else if (c === '"' || c === "'") at = parseQuote(input, at, steps);
    else if (c === '.') at = parseField(input, at + 1, steps);
    else if (/[-+\d]/.test(c)) at = parseNumber(input, at, steps);
    else if (/[\p{L}\p{Nd}_]/u.test(c)) {
      const from = at;
      while (!ends(input[at])) at++;
      const name = input.slice(from, at);
      steps.push(name === 'true' || name === 'false' ? { kind: 'constant', value: name === 'true' } : { kind: 'identifier', name });
    } else {
      const code = input.codePointAt(at)!;
      throw new JsonPathError(`unrecognized character in action: U+${code.toString(16).toUpperCase().padStart(4, '0')}${/[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(c) ? ` '${String.fromCodePoint(code)}'` : ''}`);
    }
  }
}

/** A backslash keeps the letter behind it from ending the name. */
function parseField(input: string, start: number, steps: Step[]): number {
  let at = start;
  while (!ends(input[at])) at += input[at] === '\\' ? 2 : 1;
  at = Math.min(at, input.length);
  const name = input.slice(start, at);
  steps.push(name === '*' ? { kind: 'wildcard' } : { kind: 'field', name: name.replaceAll('\\', '') });
  return at;
}

function parseNumber(input: string, start: number, steps: Step[]): number {
  const [text] = /^[-+]?[\d.]*/.exec(input.slice(start))!;
  if (!/^[-+]?(?:\d+\.?\d*|\.\d+)$/.test(text)) throw new JsonPathError(`cannot parse number ${text}`);
  steps.push({ kind: 'constant', value: new GoNumber(text.includes('.') ? 'float64' : 'int', Number(text)) });
  return start + text.length;
}

function parseQuote(input: string, start: number, steps: Step[]): number {
  const quote = input[start]!;
  let at = start + 1;
  while (input[at] !== quote || input[at - 1] === '\\') {
    if (input[at] === undefined || input[at] === '\n') throw new JsonPathError('unterminated quoted string');
    at++;
  }
  const quoted = input.slice(start, at + 1);
  steps.push({ kind: 'text', text: unquote(quoted) });
  return at + 1;
}

const LETTERS: Readonly<Record<string, string>> = { a: '\u0007', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\\': '\\', "'": "'", '"': '"' };

function unquote(quoted: string): string {
  const escape = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{3})|([abfnrtv\\])|(['"]))/g;
  const body = quoted.slice(1, -1);
  const invalid = body.replaceAll(escape, (_all, _x, _u, _long, _octal, _letter, quote?: string) => (quote !== undefined && quote !== quoted[0] ? '\\' : '')).includes('\\');
  if (invalid) throw new JsonPathError(`unquote string ${quoted} error invalid syntax`);
  return body.replaceAll(escape, (_all, x?: string, u?: string, long?: string, octal?: string, letter?: string, quote?: string) =>
    (letter ? LETTERS[letter]! : quote ?? String.fromCodePoint(octal ? Number.parseInt(octal, 8) : Number.parseInt((x ?? u ?? long)!, 16))));
}

function parseBracket(input: string, start: number, steps: Step[]): number {
  const close = input.indexOf(']', start);
  const newline = input.indexOf('\n', start);
  if (close < 0 || (newline >= 0 && newline < close)) throw new JsonPathError('unterminated array');
  const inner = input.slice(start + 1, close);
  const text = inner === '*' ? ':' : inner;
  const alternatives = text.split(',');
  if (alternatives.length > 1) steps.push({ kind: 'union', paths: alternatives.map((one) => partOf(`[${one.replaceAll(/^ +| +$/g, '')}]`)) });
  else {
    const [, key] = /^'([^']*)'$/.exec(text) ?? [];
    if (key === undefined) steps.push(parseSlice(text));
    else steps.push(...partOf(`.${key}`));
  }
  return close + 1;
}

function parseSlice(text: string): Step {
  const match = /^(-?\d*)(:-?\d*)?(:-?\d*)?$/.exec(text);
  if (!match) throw new JsonPathError(`invalid array index ${text}`);
  const number = (digits: string): Bound => {
    if (!/^-?\d+$/.test(digits)) throw new JsonPathError(`array index ${digits} is not a number`);
    return { value: Number(digits), known: true };
  };
  const [, first = '', second, third] = match;
  const unknown: Bound = { value: 0, known: false };
  const bound = (given: string | undefined): Bound => (given === undefined || given === ':' ? unknown : number(given.slice(1)));
  const from = first === '' ? unknown : number(first);
  return { kind: 'slice', bounds: [from, second === undefined ? { value: from.value + 1, known: true, derived: true } : bound(second), bound(third)] };
}

/** `[?(@.a == "b")]`: a parenthesis within the quotes of the filter does not end it. */
function parseFilter(input: string, start: number, steps: Step[]): number {
  const from = start + 3;
  let at = from;
  let quote = '';
  let closed = false;
  for (;; at++) {
    const c = input[at];
    if (c === undefined || c === '\n') throw new JsonPathError('unterminated filter');
    if (c === '"' || c === "'") {
      if (!quote) quote = c;
      else if (c === quote && input[at - 1] !== '\\') closed = true;
    } else if (c === ')' && (quote !== '') === closed) break;
  }
  if (input[at + 1] !== ']') throw new JsonPathError('unclosed array expect ]');
  const text = input.slice(from, at);
  const match = /^([^!<>=]+)([!<>=]+)(.+?)$/.exec(text);
  if (match) steps.push({ kind: 'filter', left: partOf(match[1]!), operator: match[2]!, right: partOf(match[3]!) });
  else steps.push({ kind: 'filter', left: partOf(text), operator: 'exists', right: [] });
  return at + 2;
}

