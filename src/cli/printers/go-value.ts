import { goQuote } from './go-template-lex.ts';

/**
 * A number whose type JSON does not tell: Go keeps `int` (written in a template, lengths and indexes), `int64` (whole numbers of objects)
 * and `float64` apart. A bare number is one of an object.
 */
export class GoNumber {
  readonly type: 'int' | 'float64';
  readonly value: number;

  constructor(type: 'int' | 'float64', value: number) {
    this.type = type;
    this.value = value;
  }
}

/** The number and its type; undefined for what is none. */
export function numberOf(value: unknown): { readonly type: 'int' | 'int64' | 'float64'; readonly value: number } | undefined {
  if (value instanceof GoNumber) return value;
  return typeof value === 'number' ? { type: Number.isInteger(value) ? 'int64' : 'float64', value } : undefined;
}

/** As `%T` says it. */
export function goType(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  const number = numberOf(value);
  if (number) return number.type;
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'string' ? 'string' : Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}';
}

/** The entries of a map in the order in which Go shows them. */
export function sortedEntries(map: object): [string, unknown][] {
  return Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** As Go prints a value for programmers (`%#v`): `map[string]interface {}{"a":1}`. */
export function goSyntax(value: unknown): string {
  if (value === null || value === undefined) return 'interface {}(nil)';
  const number = numberOf(value);
  if (number) return goMap(value);
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`;
  if (typeof value === 'object') return `map[string]interface {}{${sortedEntries(value).map(([key, item]) => `${goQuote(key)}:${goSyntax(item)}`).join(', ')}}`;
  return typeof value === 'string' ? goQuote(value) : String(value);
}

/** As Go prints values: `map[a:1 b:2]`, `[x y]`, `<nil>`. */
export function goMap(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  const number = numberOf(value);
  if (number) return number.type === 'float64' ? goFloat(number.value) : goInteger(number.value);
  if (Array.isArray(value)) return `[${value.map(goMap).join(' ')}]`;
  if (typeof value === 'object') return `map[${sortedEntries(value).map(([key, item]) => `${key}:${goMap(item)}`).join(' ')}]`;
  return String(value);
}

export const goInteger = (value: number): string => (Math.abs(value) < 1e21 ? String(value) : BigInt(value).toString()).replace(/^-0$/, '0');

/** The shortest digits that tell the number, with an exponent where it is large or small: `1.5`, `1e+06`. */
export function goFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const [mantissa, exponent = '0'] = value.toExponential().split('e');
  const power = Number(exponent);
  return power < -4 || power >= 6 ? `${mantissa}e${goExponent(power)}` : String(value);
}

/** `+06` */
export const goExponent = (power: number): string => `${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
