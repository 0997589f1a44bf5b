/** Times and durations as Go reads and writes them in JSON. Upstream: apimachinery pkg/apis/meta/v1/{time,micro_time,duration}.go. */

const canonicalTime = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/;
const canonicalMicroTime = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}Z$/;
const anyTime = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)$/;
const MICRO_LAYOUT = '2006-01-02T15:04:05.000000Z07:00';
const LAYOUT = '2006-01-02T15:04:05Z07:00';

/** A value of the right JSON type that Go cannot read; the message is worded as Go's. */
export class ValueTextError extends Error {
  override readonly name = 'ValueTextError';
}

/** `2026-01-02T03:04:05+02:00` → `2026-01-02T01:04:05Z`. Throws a ValueTextError. */
export function normalizeTime(text: string): string {
  return canonicalTime.test(text) ? text : normalize(text, LAYOUT, false);
}

/** As normalizeTime, with six digits of fraction: `2026-01-02T01:04:05.000000Z`. */
export function normalizeMicroTime(text: string): string {
  return canonicalMicroTime.test(text) ? text : normalize(text, MICRO_LAYOUT, true);
}

function normalize(text: string, layout: string, micro: boolean): string {
  const match = anyTime.exec(text);
  if (!match) throw new ValueTextError(`parsing time ${JSON.stringify(text)} as ${JSON.stringify(layout)}: cannot parse ${unreadable(text)}`);
  const [, seconds, fraction = '', zone] = match;
  const epochMs = Date.parse(`${seconds}${zone}`);
  // Date.parse takes 30 February for 2 March.
  if (Number.isNaN(epochMs) || new Date(`${seconds}Z`).toISOString().slice(0, 19) !== seconds) {
    throw new ValueTextError(`parsing time ${JSON.stringify(text)}: ${outOfRange(text)} out of range`);
  }
  const utc = new Date(epochMs).toISOString().slice(0, 19);
  return micro ? `${utc}.${fraction.padEnd(6, '0').slice(0, 6)}Z` : `${utc}Z`;
}

const steps: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^\d{4}/, '2006'], [/^-/, '-'], [/^\d\d/, '01'], [/^-/, '-'], [/^\d\d/, '02'], [/^T/, 'T'], [/^\d\d/, '15'], [/^:/, ':'], [/^\d\d/, '04'], [/^:/, ':'],
  [/^\d\d(?:[.,]\d+)?/, '05'], [/^(?:Z|[+-]\d\d:\d\d)$/, 'Z07:00'],
];

function unreadable(text: string): string {
  let rest = text;
  for (const [pattern, name] of steps) {
    const match = pattern.exec(rest);
    if (!match) return `${JSON.stringify(rest)} as ${JSON.stringify(name)}`;
    rest = rest.slice(match[0].length);
  }
  return `${JSON.stringify(rest)} as "Z07:00"`;
}

function outOfRange(text: string): string {
  const [, month, day, hour, minute] = /^\d{4}-(\d\d)-(\d\d)T(\d\d):(\d\d)/.exec(text)!.map(Number);
  if (month! < 1 || month! > 12) return 'month';
  if (day! < 1 || day! > 31) return 'day';
  return hour! > 23 ? 'hour' : minute! > 59 ? 'minute' : 'day';
}

const units: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9, m: 6e10, h: 3.6e12 };

/** Nanoseconds of `1h30m`, `500ms`. Throws a ValueTextError. Upstream: Go's time.ParseDuration. */
export function parseDuration(text: string): number {
  const match = /^([+-]?)((?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.exec(text);
  if (text === '0' || text === '+0' || text === '-0') return 0;
  if (!match) throw new ValueTextError(`time: invalid duration ${JSON.stringify(text)}`);
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) total += Number(amount) * units[unit!]!;
  return match[1] === '-' ? -total : total;
}

/** `1h30m0s`, `1.5s`, `20ms`, `0s`, as Go prints a duration of so many nanoseconds. */
export function formatDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return '0s';
  const sign = nanoseconds < 0 ? '-' : '';
  const ns = Math.abs(nanoseconds);
  const fixed = (value: number, digits: number): string => value.toFixed(digits).replace(/\.?0+$/, '');
  if (ns < 1e3) return `${sign}${ns}ns`;
  if (ns < 1e6) return `${sign}${fixed(ns / 1e3, 3)}µs`;
  if (ns < 1e9) return `${sign}${fixed(ns / 1e6, 6)}ms`;
  const hours = Math.floor(ns / 3.6e12);
  const minutes = Math.floor((ns % 3.6e12) / 6e10);
  const seconds = ns % 6e10;
  const text = seconds % 1e9 === 0 ? String(seconds / 1e9) : fixed(seconds / 1e9, 9);
  return `${sign}${hours ? `${hours}h` : ''}${hours || minutes ? `${minutes}m` : ''}${text}s`;
}
