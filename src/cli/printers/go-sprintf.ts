import { goQuote } from './go-template-lex.ts';
import { goExponent, goFloat, goInteger, goMap, goSyntax, goType, numberOf, sortedEntries } from './go-value.ts';

interface Directive {
  readonly verb: string;
  readonly flags: string;
  readonly width: number | undefined;
  readonly precision: number | undefined;
}

/** Go's fmt.Sprintf for the values that a template has; what does not fit is said in Go's words: `%!d(string=x)`, `%!s(MISSING)`. Upstream: Go's fmt. */
export function goSprintf(format: string, args: readonly unknown[]): string {
  let next = 0;
  let ordered = true;
  const integer = (): number | undefined => {
    const number = numberOf(args[next++]);
    return number && number.type !== 'float64' && Math.abs(number.value) <= 1e6 ? number.value : undefined;
  };
  const text = format.replaceAll(/%([-+ 0#]*)(\[\d+\])?(\*|\d+)?(?:(\.)(\*|\d*))?(\[\d+\])?(\P{M})?/gsu, (_all, flags: string, first: string | undefined, wide: string | undefined, point: string | undefined, precise: string | undefined, second: string | undefined, verb: string | undefined) => {
    let bad = '';
    for (const index of [first, second]) {
      if (!index) continue;
      ordered = false;
      next = Number(index.slice(1, -1)) - 1;
      if (next < 0 || next >= args.length) bad = 'BADINDEX';
    }
    let width = wide === undefined ? undefined : wide === '*' ? integer() : Number(wide);
    if (wide === '*' && width === undefined) bad = 'BADWIDTH';
    const precision = point === undefined ? undefined : precise === '*' ? integer() : Number(precise);
    let all = flags;
    if (width !== undefined && width < 0) [width, all] = [-width, `${flags}-`];
    if (verb === undefined) return '%!(NOVERB)';
    if (verb === '%') return '%';
    if (bad === 'BADINDEX') return `%!${verb}(BADINDEX)`;
    if (next >= args.length) return `%!${verb}(MISSING)`;
    return (bad ? `%!(${bad})` : '') + shown({ verb, flags: all, width, precision }, args[next++]);
  });
  const extra = ordered ? args.slice(next) : [];
  return extra.length === 0 ? text : `${text}%!(EXTRA ${extra.map((arg) => (arg === null || arg === undefined ? '<nil>' : `${goType(arg)}=${goMap(arg)}`)).join(', ')})`;
}

function shown(directive: Directive, value: unknown): string {
  const { verb, flags } = directive;
  if (verb === 'T') return padded(directive, goType(value));
  if (value === null || value === undefined) return verb === 'v' ? padded(directive, '<nil>') : `%!${verb}(<nil>)`;
  if (verb === 'v' && flags.includes('#')) return goSyntax(value);
  const number = numberOf(value);
  if (number) return (number.type === 'float64' ? float(directive, number.value) : integral(directive, number.value)) ?? bad(verb, value);
  if (typeof value === 'boolean') return verb === 't' || verb === 'v' ? padded(directive, String(value)) : bad(verb, value);
  if (typeof value === 'string') return string(directive, value) ?? bad(verb, value);
  if (Array.isArray(value)) return `[${value.map((item) => shown(directive, item)).join(' ')}]`;
  return `map[${sortedEntries(value as object).map(([key, item]) => `${shown(directive, key)}:${shown(directive, item)}`).join(' ')}]`;
}

const bad = (verb: string, value: unknown): string => `%!${verb}(${goType(value)}=${goMap(value)})`;

function padded({ flags, width = 0 }: Directive, text: string, zeros = false): string {
  const missing = width - [...text].length;
  if (missing <= 0) return text;
  if (flags.includes('-')) return text + ' '.repeat(missing);
  if (!zeros || !flags.includes('0')) return ' '.repeat(missing) + text;
  const sign = /^[-+ ]/.exec(text)?.[0] ?? '';
  return sign + '0'.repeat(missing) + text.slice(sign.length);
}

const signed = (flags: string, negative: boolean, digits: string): string => (negative ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '') + digits;

function integral(directive: Directive, value: number): string | undefined {
  const { verb, flags, precision } = directive;
  const base = { d: 10, v: 10, b: 2, o: 8, O: 8, x: 16, X: 16 }[verb];
  if (base !== undefined) {
    let digits = base === 10 ? goInteger(Math.abs(value)) : BigInt(Math.abs(value)).toString(base);
    if (precision !== undefined) digits = precision === 0 && value === 0 ? '' : digits.padStart(precision, '0');
    if (verb === 'X') digits = digits.toUpperCase();
    const prefix = verb === 'O' ? '0o' : flags.includes('#') ? ({ x: '0x', X: '0X', o: '0', b: '0b' }[verb] ?? '') : '';
    return padded(directive, signed(flags, value < 0, prefix + digits), precision === undefined);
  }
  const code = value >= 0 && value <= 0x10ffff ? value : 0xfffd;
  const letter = String.fromCodePoint(code);
  if (verb === 'c') return padded(directive, letter);
  if (verb === 'q') return padded(directive, letter === "'" ? "'\\''" : letter === '"' ? `'"'` : `'${goQuote(letter).slice(1, -1)}'`);
  if (verb === 'U') return padded(directive, `U+${value.toString(16).toUpperCase().padStart(4, '0')}${flags.includes('#') ? ` '${letter}'` : ''}`);
  return undefined;
}

function float(directive: Directive, value: number): string | undefined {
  const { verb, flags, precision } = directive;
  const size = Math.abs(value);
  const exponential = (digits: number | undefined): string => size.toExponential(digits).replace(/e([-+]\d+)$/, (_all, power: string) => `e${goExponent(Number(power))}`);
  let digits: string;
  switch (verb.toLowerCase()) {
    case 'f': digits = size.toFixed(precision ?? 6); break;
    case 'e': digits = exponential(precision ?? 6); break;
    case 'v': case 'g': {
      if (precision === undefined) digits = goFloat(size);
      else {
        const power = size === 0 ? 0 : Number(size.toExponential(Math.max(precision, 1) - 1).split('e')[1]);
        const short = power < -4 || power >= Math.max(precision, 1) ? exponential(Math.max(precision, 1) - 1) : size.toFixed(Math.max(precision, 1) - 1 - power);
        digits = short.replace(/(\.\d*?)0+(?=e|$)/, '$1').replace(/\.(?=e|$)/, '');
      }
      break;
    }
    default: return undefined;
  }
  if (verb === 'V') return undefined;
  return padded(directive, signed(flags, value < 0 || Object.is(value, -0), /[EG]/.test(verb) ? digits.toUpperCase() : digits), true);
}

function string(directive: Directive, value: string): string | undefined {
  const { verb, flags, precision } = directive;
  const cut = precision === undefined ? value : [...value].slice(0, precision).join('');
  switch (verb) {
    case 's': case 'v': return padded(directive, cut, true);
    case 'q': return padded(directive, flags.includes('#') && !cut.includes('`') && !/[^\P{Cc}\t]/u.test(cut) ? `\`${cut}\`` : goQuote(cut), true);
    case 'x': case 'X': {
      const bytes = Buffer.from(value);
      const hex = [...(precision === undefined ? bytes : bytes.subarray(0, precision))].map((byte) => byte.toString(16).padStart(2, '0')).join(flags.includes(' ') ? ' ' : '');
      return padded(directive, verb === 'X' ? hex.toUpperCase() : hex, true);
    }
    default: return undefined;
  }
}
