/**
 * Command-line flags as kubectl's parser (spf13/pflag) reads them: `--name=value`, `--name value`, `-n value`, `-nvalue`, `-it`,
 * flags and arguments mixed, `--` ends flags. Errors in its words.
 */

export interface FlagSpec {
  readonly short?: string;
  /** `strings` may be given several times or with commas; `array` several times, commas kept. */
  readonly type: 'string' | 'bool' | 'int' | 'duration' | 'strings' | 'array';
  readonly default?: string | boolean | number | readonly string[];
  /** What `--flag` without a value means; bools mean true. */
  readonly bare?: string;
  readonly usage: string;
  /** What values of former days mean today: who uses one is told so. */
  readonly formerly?: Readonly<Record<string, string>>;
}

export type FlagSpecs = Readonly<Record<string, FlagSpec>>;

export class UsageError extends Error {}

/** Milliseconds of a Go duration (`1m30s`, `500ms`, `0`); a bare number counts as seconds. Undefined where it is none. */
export function parseDuration(text: string): number | undefined {
  if (/^-?\d+$/.test(text)) return Number(text) * 1000;
  const units: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  if (!/^[-+]?((\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/g)) total += Number(amount) * units[unit!]!;
  return text.startsWith('-') ? -total : total;
}

/** As Go prints a duration: `1m30s`, `500ms`, `1h0m0s`. */
export function formatDuration(ms: number): string {
  if (ms !== 0 && Math.abs(ms) < 1000) return `${ms}ms`;
  const seconds = Math.abs(ms) / 1000;
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return `${ms < 0 ? '-' : ''}${hours > 0 ? `${hours}h` : ''}${seconds >= 60 ? `${minutes}m` : ''}${Number((seconds % 60).toFixed(3))}s`;
}

/** The flags of one call. Reading a flag that its verb does not declare is a programming fault and throws. */
export class Flags {
  readonly #specs: FlagSpecs;
  readonly #values = new Map<string, string[]>();
  /** What is to be told of how flags were given. */
  readonly warnings: string[] = [];

  constructor(specs: FlagSpecs) {
    this.#specs = specs;
  }

  add(name: string, value: string, spelled: string): void {
    const spec = this.#specs[name]!;
    if (spec.type === 'bool' && !['true', 'false', '1', '0', 't', 'f', 'TRUE', 'FALSE', 'True', 'False', 'T', 'F'].includes(value)) {
      throw new UsageError(`invalid argument "${value}" for "${spelled}" flag: strconv.ParseBool: parsing "${value}": invalid syntax`);
    }
    if (spec.type === 'int' && !/^[-+]?\d+$/.test(value)) {
      throw new UsageError(`invalid argument "${value}" for "${spelled}" flag: strconv.ParseInt: parsing "${value}": invalid syntax`);
    }
    if (spec.type === 'duration' && parseDuration(value) === undefined) throw new UsageError(`invalid argument "${value}" for "${spelled}" flag: time: invalid duration "${value}"`);
    const values = this.#values.get(name) ?? [];
    const today = spec.formerly && Object.hasOwn(spec.formerly, value) ? spec.formerly[value] : undefined;
    if (today !== undefined) {
      this.warnings.push(`--${name}${value === spec.bare ? '' : `=${value}`} is deprecated${value === spec.bare ? '' : ' (boolean value)'} and can be replaced with --${name}=${today}.`);
      return this.add(name, today, spelled);
    }
    if (spec.type === 'strings') values.push(...(value === '' ? [] : value.split(',')));
    else if (spec.type === 'array') values.push(value);
    else values.splice(0, values.length, value);
    this.#values.set(name, values);
  }

  #read(name: string, ...types: FlagSpec['type'][]): { spec: FlagSpec; values: readonly string[] | undefined } {
    const spec = this.#specs[name];
    if (!spec || !types.includes(spec.type)) throw new TypeError(`flag ${name} is not declared as ${types.join(' or ')}`);
    return { spec, values: this.#values.get(name) };
  }

  /** Whether the flag was given. */
  changed(name: string): boolean {
    return this.#values.has(name);
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#specs, name);
  }

  declares(name: string, type: FlagSpec['type']): boolean {
    return this.#specs[name]?.type === type;
  }

  string(name: string): string {
    const { spec, values } = this.#read(name, 'string');
    return values?.[0] ?? (spec.default as string | undefined) ?? '';
  }

  bool(name: string): boolean {
    const { spec, values } = this.#read(name, 'bool');
    return values ? /^(true|1|t)$/i.test(values[0]!) : spec.default === true;
  }

  int(name: string): number {
    const { spec, values } = this.#read(name, 'int');
    return values ? Number(values[0]) : ((spec.default as number | undefined) ?? 0);
  }

  /** Milliseconds. */
  duration(name: string): number {
    const { spec, values } = this.#read(name, 'duration');
    return parseDuration(values?.[0] ?? String(spec.default ?? '0'))!;
  }

  strings(name: string): readonly string[] {
    const { spec, values } = this.#read(name, 'strings', 'array');
    return values ?? (spec.default as readonly string[] | undefined) ?? [];
  }
}

export interface Parsed {
  readonly flags: Flags;
  readonly args: readonly string[];
  /** How many of `args` stood before `--`; -1 when there was none. */
  readonly dashAt: number;
}

/** Reads `argv` by `specs`. Throws UsageError. */
export function parseFlags(specs: FlagSpecs, argv: readonly string[]): Parsed {
  const flags = new Flags(specs);
  const args: string[] = [];
  const shorts = new Map(Object.entries(specs).flatMap(([name, { short }]) => (short ? [[short, name] as const] : [])));
  let dashAt = -1;
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    const following = (spelled: string): string => {
      if (i + 1 >= argv.length) throw new UsageError(`flag needs an argument: ${spelled}`);
      return argv[++i]!;
    };
    if (word === '--') {
      dashAt = args.length;
      args.push(...argv.slice(i + 1));
      break;
    }
    if (word.startsWith('--')) {
      const equals = word.indexOf('=');
      const name = word.slice(2, equals < 0 ? undefined : equals);
      const spec = Object.hasOwn(specs, name) ? specs[name] : undefined;
      if (!spec) throw new UsageError(`unknown flag: --${name}`);
      const spelled = `${spec.short ? `-${spec.short}, ` : ''}--${name}`;
      if (equals >= 0) flags.add(name, word.slice(equals + 1), spelled);
      else if (spec.type === 'bool') flags.add(name, 'true', spelled);
      else if (spec.bare !== undefined) flags.add(name, spec.bare, spelled);
      else flags.add(name, following(word), spelled);
    } else if (word.startsWith('-') && word.length > 1) {
      for (let at = 1; at < word.length; at++) {
        const letter = word[at]!;
        const name = shorts.get(letter);
        if (!name) throw new UsageError(`unknown shorthand flag: '${letter}' in ${word}`);
        const spec = specs[name]!;
        const spelled = `-${letter}, --${name}`;
        const rest = word.slice(at + 1);
        if (rest.startsWith('=')) {
          flags.add(name, rest.slice(1), spelled);
          break;
        }
        if (spec.type === 'bool') {
          flags.add(name, 'true', spelled);
        } else if (spec.bare !== undefined) {
          flags.add(name, spec.bare, spelled);
        } else {
          flags.add(name, rest === '' ? following(`'${letter}' in -${word.slice(at)}`) : rest, spelled);
          break;
        }
      }
    } else {
      args.push(word);
    }
  }
  return { flags, args, dashAt };
}
