import { goSprintf } from './go-sprintf.ts';
import { goMap, GoNumber, goType, numberOf } from './go-value.ts';

/** What a function fails with: told as `error calling NAME: …`. */
export class CallFault extends Error {}

interface TemplateFunction {
  /** Arguments that must be there; without `more` there may be no others. */
  readonly takes: number;
  readonly more?: boolean;
  /** The first argument must be a text. */
  readonly text?: boolean;
  call(...args: any[]): unknown;
}

/** Neither zero nor empty. */
export function truth(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === '') return false;
  const number = numberOf(value);
  if (number) return number.value !== 0;
  if (Array.isArray(value)) return value.length > 0;
  return typeof value === 'object' ? Object.keys(value).length > 0 : true;
}

const isNothing = (value: unknown): value is null | undefined => value === null || value === undefined;
const isMap = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof GoNumber);

/** As Go's Print: a blank between neighbours that are both no texts. */
const print = (...args: unknown[]): string => args.map((arg, i) => (i > 0 && typeof arg !== 'string' && typeof args[i - 1] !== 'string' ? ' ' : '') + goMap(arg)).join('');
/** `html` and its like, of one nothing. */
const printable = (args: unknown[]): string => print(...args.map((arg) => (isNothing(arg) ? '<no value>' : arg)));

function lengthOf(value: unknown): number {
  if (isNothing(value)) throw new CallFault(value === null ? 'len of nil pointer' : 'reflect: call of reflect.Value.Type on zero Value');
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (isMap(value)) return Object.keys(value).length;
  throw new CallFault(`len of type ${goType(value)}`);
}

function indexOf(index: unknown, limit: number): number {
  if (isNothing(index)) throw new CallFault('cannot index slice/array with nil');
  const number = numberOf(index);
  if (!number || number.type === 'float64') throw new CallFault(`cannot index slice/array with type ${goType(index)}`);
  if (number.value < 0 || number.value > limit) throw new CallFault(`index out of range: ${number.value}`);
  return number.value;
}

function indexInto(value: unknown, ...keys: unknown[]): unknown {
  if (isNothing(value)) throw new CallFault('index of untyped nil');
  let at: unknown = value;
  for (const key of keys) {
    if (isNothing(at)) throw new CallFault('index of nil pointer');
    if (Array.isArray(at) || typeof at === 'string') {
      const list: readonly unknown[] = typeof at === 'string' ? [...Buffer.from(at)] : at;
      const index = indexOf(key, list.length);
      if (index === list.length) throw new CallFault('reflect: slice index out of range');
      at = list[index];
    } else if (isMap(at)) {
      if (isNothing(key)) throw new CallFault('value is nil; should be of type string');
      if (typeof key !== 'string') throw new CallFault(`value has type ${goType(key)}; should be string`);
      at = Object.hasOwn(at, key) ? at[key] : null;
    } else {
      throw new CallFault(`can't index item of type ${goType(at)}`);
    }
  }
  return at;
}

function slice(value: unknown, ...indexes: unknown[]): unknown {
  if (isNothing(value)) throw new CallFault('slice of untyped nil');
  if (indexes.length > 3) throw new CallFault(`too many slice indexes: ${indexes.length}`);
  if (typeof value === 'string' && indexes.length === 3) throw new CallFault('cannot 3-index slice a string');
  if (typeof value !== 'string' && !Array.isArray(value)) throw new CallFault(`can't slice item of type ${goType(value)}`);
  const list = typeof value === 'string' ? Buffer.from(value) : value;
  const [from = 0, to = list.length, end = list.length] = indexes.map((index) => indexOf(index, list.length));
  if (from > to) throw new CallFault(`invalid slice index: ${from} > ${to}`);
  if (to > end) throw new CallFault(`invalid slice index: ${to} > ${end}`);
  return Buffer.isBuffer(list) ? list.subarray(from, to).toString() : list.slice(from, to);
}

type Basic = 'bool' | 'int' | 'float' | 'string' | 'none';

function basicKind(value: unknown): Basic {
  const number = numberOf(value);
  if (number) return number.type === 'float64' ? 'float' : 'int';
  return typeof value === 'boolean' ? 'bool' : typeof value === 'string' ? 'string' : 'none';
}

const plain = (value: unknown): unknown => numberOf(value)?.value ?? value;

function equal(a: unknown, ...others: unknown[]): boolean {
  if (others.length === 0) throw new CallFault('missing argument for comparison');
  return others.some((b) => {
    if (basicKind(a) !== basicKind(b)) {
      if (isNothing(a) || isNothing(b)) return false;
      throw new CallFault(`incompatible types for comparison: ${goType(a)} and ${goType(b)}`);
    }
    if (basicKind(a) !== 'none') return plain(a) === plain(b);
    if (isNothing(a) || isNothing(b)) return isNothing(a) && isNothing(b);
    if (goType(a) !== goType(b)) throw new CallFault(`non-comparable types ${goSprintf('%s', [a])}: ${goType(a)}, ${goType(b)}: ${goMap(b)}`);
    throw new CallFault(`non-comparable type ${goSprintf('%s', [b])}: ${goType(b)}`);
  });
}

function less(a: unknown, b: unknown): boolean {
  const [kindOfA, kindOfB] = [basicKind(a), basicKind(b)];
  if (kindOfA === 'none' || kindOfB === 'none') throw new CallFault('invalid type for comparison');
  if (kindOfA !== kindOfB) throw new CallFault(`incompatible types for comparison: ${goType(a)} and ${goType(b)}`);
  if (kindOfA === 'bool') throw new CallFault('invalid type for comparison');
  return (plain(a) as number) < (plain(b) as number);
}

const escapeHtml = (text: string): string => text.replaceAll(/[&<>"'\0]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;', '\0': '\uFFFD' })[c]!);

function escapeScript(text: string): string {
  return text.replaceAll(/[\\'"<>&=\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}]/gu, (c) => (/[\\'"]/.test(c) ? `\\${c}` : `\\u${c.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`));
}

const escapeQuery = (text: string): string => encodeURIComponent(text).replaceAll('%20', '+').replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

function exists(value: unknown, ...keys: unknown[]): boolean {
  // As upstream has it, nothing at all exists.
  if (keys.length === 0) return true;
  let at = value;
  for (const key of keys) {
    if (isNothing(at)) return false;
    if (Array.isArray(at) || typeof at === 'string') {
      const number = numberOf(key);
      const list: readonly unknown[] = typeof at === 'string' ? [...Buffer.from(at)] : at;
      if (!number || number.type === 'float64' || number.value < 0 || number.value >= list.length) return false;
      at = list[number.value];
    } else if (isMap(at)) {
      if (!isNothing(key) && typeof key !== 'string') return false;
      at = at[(key as string | undefined) ?? ''];
    } else {
      return false;
    }
  }
  return !isNothing(at);
}

function base64decode(text: string): string {
  const data = text.replaceAll(/[\r\n]/g, '');
  const valid = /^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?/.exec(data)![0].length;
  if (valid !== data.length) {
    const at = data.slice(valid).search(/[^A-Za-z\d+/]/);
    throw new CallFault(`base64 decode failed: illegal base64 data at input byte ${at < 0 ? valid + 4 * Math.floor((data.length - valid) / 4) : valid + at}`);
  }
  return Buffer.from(data, 'base64').toString();
}

const int = (value: number): GoNumber => new GoNumber('int', value);

/** Those of text/template, and kubectl's `exists` and `base64decode`. `and` and `or` are run by the evaluator: they stop at what decides. Upstream: Go's text/template, funcs.go; cli-runtime printers. */
export const templateFunctions: Readonly<Record<string, TemplateFunction>> = {
  and: { takes: 1, more: true, call: () => undefined },
  or: { takes: 1, more: true, call: () => undefined },
  call: { takes: 1, more: true, call: (value) => { throw new CallFault(isNothing(value) ? 'call of nil' : `non-function of type ${goType(value)}`); } },
  not: { takes: 1, call: (value) => !truth(value) },
  len: { takes: 1, call: (value) => int(lengthOf(value)) },
  index: { takes: 1, more: true, call: indexInto },
  slice: { takes: 1, more: true, call: slice },
  eq: { takes: 1, more: true, call: equal },
  ne: { takes: 2, call: (a, b) => !equal(a, b) },
  lt: { takes: 2, call: less },
  le: { takes: 2, call: (a, b) => less(a, b) || equal(a, b) },
  gt: { takes: 2, call: (a, b) => !(less(a, b) || equal(a, b)) },
  ge: { takes: 2, call: (a, b) => !less(a, b) },
  print: { takes: 0, more: true, call: print },
  printf: { takes: 1, more: true, text: true, call: (format: string, ...args) => goSprintf(format, args) },
  println: { takes: 0, more: true, call: (...args) => `${args.map(goMap).join(' ')}\n` },
  html: { takes: 0, more: true, call: (...args) => escapeHtml(printable(args)) },
  js: { takes: 0, more: true, call: (...args) => escapeScript(printable(args)) },
  urlquery: { takes: 0, more: true, call: (...args) => escapeQuery(printable(args)) },
  exists: { takes: 1, more: true, call: exists },
  base64decode: { takes: 1, text: true, call: base64decode },
};

export const isFunction = (name: string): boolean => Object.hasOwn(templateFunctions, name);
