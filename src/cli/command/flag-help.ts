import type { FlagSpec, FlagSpecs } from './flags.ts';
import { wordWrap } from './word-wrap.ts';

/** Columns of a text behind its tab. */
const WIDTH = 100;

/** The options of a verb, one after the other, as kubectl lists them. */
export function flagHelp(specs: FlagSpecs): string {
  return Object.entries(specs).toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, spec]) => `    ${spec.short ? `-${spec.short}, ` : ''}--${name}=${shownDefault(spec)}:\n\t${wordWrap(spec.usage, WIDTH).replaceAll('\n', '\n\t')}\n`).join('\n');
}

function shownDefault({ type, default: value }: FlagSpec): string {
  if (type === 'strings' || type === 'array') return `[${Array.isArray(value) ? value.join(',') : ''}]`;
  if (type === 'bool') return String(value === true);
  if (type === 'int') return String(value ?? 0);
  if (type === 'duration') return String(value ?? '0s');
  return `'${String(value ?? '')}'`;
}
