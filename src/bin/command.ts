import { parseArgs, type ParseArgsConfig } from 'node:util';
import { UserError } from '../base/user-error.ts';
import { examples } from './examples.ts';

export interface Option {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly multiple?: boolean;
  readonly default?: string | boolean;
  /** How the value is named in the help, `N`. */
  readonly value?: string;
  readonly description: string;
}

export type Values = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** What a verb may do to the outside; tests pass their own. */
export interface Io {
  out(text: string): void;
  err(text: string): void;
  /** Whether `out` is a terminal. */
  readonly terminal: boolean;
  /** Aborts on SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

/** One verb of `wherry`, one file in src/bin/verbs. */
export interface Command {
  /** After `wherry`: `start [--nodes N]`. */
  readonly usage: string;
  /** Where it is more than the first word of the usage: `node join`. */
  readonly name?: string;
  readonly summary: string;
  readonly options: Readonly<Record<string, Option>>;
  /** Names of the positional arguments, for the count check; `…` at the end takes any number. */
  readonly positionals?: readonly string[];
  /** Resolves to the exit code, 0 when nothing is said. */
  run(values: Values, positionals: readonly string[], io: Io): Promise<number | void>;
}

/** Where a cluster is: common to all verbs. */
export const clusterOptions = {
  profile: { type: 'string', value: 'NAME', default: 'wherry', description: 'the cluster' },
  'data-dir': { type: 'string', value: 'DIR', description: 'its folder, when not ~/.wherry/NAME' },
} as const satisfies Record<string, Option>;

export function helpOf(command: Command): string {
  const rows = Object.entries(command.options).map(([name, option]) => {
    const flag = `${option.short ? `-${option.short}, ` : '    '}--${name}${option.type === 'string' ? ` ${option.value ?? 'VALUE'}` : ''}`;
    const fallback = option.default !== undefined && option.default !== false ? ` (default ${String(option.default)})` : '';
    return [flag, option.description + fallback] as const;
  });
  const width = Math.max(...rows.map(([flag]) => flag.length), 0);
  const shown = (examples[nameOf(command)] ?? []).map(([purpose, line]) => `  # ${purpose}\n  ${line}\n`);
  return `${command.summary}\n\nUsage: wherry ${command.usage}\n${rows.length ? '\n' : ''}${rows.map(([flag, text]) => `  ${flag.padEnd(width)}  ${text}\n`).join('')}${shown.length ? `\nExamples:\n${shown.join('\n')}` : ''}`;
}

function nameOf({ name, usage }: Command): string {
  return name ?? usage.split(' ')[0]!;
}

/** Parses `argv` by the command's options and runs it. Throws UserError where they do not fit. */
export async function runCommand(command: Command, argv: readonly string[], io: Io): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    io.out(helpOf(command));
    return 0;
  }
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const [name, { type, short, multiple, default: fallback }] of Object.entries(command.options)) {
    options[name] = { type, ...(short && { short }), ...(multiple && { multiple }), ...(fallback !== undefined && { default: fallback }) };
  }
  let parsed;
  try {
    parsed = parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UserError((error as Error).message, `wherry ${nameOf(command)} --help`);
  }
  const names = command.positionals ?? [];
  const open = names.at(-1)?.endsWith('…');
  const required = names.filter((name) => !name.startsWith('[') && !name.endsWith('…')).length;
  if (parsed.positionals.length < required) throw new UserError(`missing argument ${names[parsed.positionals.length]}`, `usage: wherry ${command.usage}`);
  if (!open && parsed.positionals.length > names.length) throw new UserError(`unexpected argument "${parsed.positionals[names.length]}"`, `usage: wherry ${command.usage}`);
  return (await command.run(parsed.values as Values, parsed.positionals, io)) ?? 0;
}
