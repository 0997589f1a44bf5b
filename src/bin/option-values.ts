import { UserError } from '../base/user-error.ts';
import type { Values } from './command.ts';

/** The value of an option that takes one of a few words; undefined where it was not given. */
export function oneOf<T extends string>(values: Values, name: string, allowed: readonly T[]): T | undefined {
  const text = values[name] as string | undefined;
  if (text === undefined) return undefined;
  if (!allowed.includes(text as T)) throw new UserError(`--${name} takes ${allowed.join(' or ')}, not "${text}"`);
  return text as T;
}

export function wholeNumber(values: Values, name: string, least: number, most: number): number | undefined {
  const text = values[name] as string | undefined;
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!Number.isInteger(number) || number < least || number > most) throw new UserError(`--${name} takes a whole number from ${least} to ${most}, not "${text}"`);
  return number;
}

/** `--registry-mirror HOST=URL`, any number of times: host → URL. Undefined where it was not given. */
export function registryMirrors(values: Values): Readonly<Record<string, string>> | undefined {
  const pairs = ((values['registry-mirror'] ?? []) as readonly string[]).map((pair): [string, string] => {
    const equals = pair.indexOf('=');
    if (equals < 1 || !URL.canParse(pair.slice(equals + 1))) throw new UserError(`--registry-mirror takes HOST=URL, as docker.io=http://127.0.0.1:5000, not "${pair}"`);
    return [pair.slice(0, equals), pair.slice(equals + 1)];
  });
  return pairs.length > 0 ? Object.fromEntries(pairs) : undefined;
}
