import { goMap } from './go-value.ts';

/** Go's fmt.Sprintf for the values that JSON knows: %s %v %d %q %t %f %x %c %U %%, with width, precision, `-`, `0` and `+`. */
export function goSprintf(format: string, args: readonly unknown[]): string {
  let next = 0;
  const text = format.replaceAll(/%([-+ 0#]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])/g, (_all, flags: string, width: string | undefined, precision: string | undefined, verb: string) => {
    if (verb === '%') return '%';
    if (next >= args.length) return `%!${verb}(MISSING)`;
    const shown = one(verb, args[next++], precision === undefined ? undefined : Number(precision), flags);
    const size = Number(width ?? 0);
    if (flags.includes('-')) return shown.padEnd(size);
    return flags.includes('0') && /^[-+]?[\d.]+$/.test(shown) ? shown.replace(/^([-+]?)(.*)$/, (_match, sign: string, digits: string) => sign + digits.padStart(size - sign.length, '0')) : shown.padStart(size);
  });
  const extra = args.slice(next);
  return extra.length === 0 ? text : `${text}%!(EXTRA ${extra.map((arg) => `${typeName(arg)}=${goMap(arg)}`).join(', ')})`;
}

function one(verb: string, value: unknown, precision: number | undefined, flags: string): string {
  const sign = (text: string): string => (flags.includes('+') && !text.startsWith('-') ? `+${text}` : text);
  const cut = (text: string): string => (precision === undefined ? text : [...text].slice(0, precision).join(''));
  const isNumber = typeof value === 'number';
  switch (verb) {
    case 'v': return isNumber ? sign(goMap(value)) : goMap(value);
    case 's': return isNumber || typeof value === 'boolean' ? `%!s(${typeName(value)}=${goMap(value)})` : cut(value === null || value === undefined ? '%!s(<nil>)' : goMap(value));
    case 'q': return typeof value === 'string' ? JSON.stringify(cut(value)) : isNumber ? `'${String.fromCodePoint(value)}'` : `%!q(${typeName(value)}=${goMap(value)})`;
    case 'd': return isNumber && Number.isInteger(value) ? sign(String(value)) : `%!d(${typeName(value)}=${goMap(value)})`;
    case 't': return typeof value === 'boolean' ? String(value) : `%!t(${typeName(value)}=${goMap(value)})`;
    case 'f': return isNumber ? sign(value.toFixed(precision ?? 6)) : `%!f(${typeName(value)}=${goMap(value)})`;
    case 'x': return isNumber ? value.toString(16) : Buffer.from(goMap(value)).toString('hex');
    case 'c': return isNumber ? String.fromCodePoint(value) : `%!c(${typeName(value)}=${goMap(value)})`;
    case 'T': return typeName(value);
    default: return `%!${verb}(${typeName(value)}=${goMap(value)})`;
  }
}

function typeName(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'string' ? 'string' : Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}';
}
