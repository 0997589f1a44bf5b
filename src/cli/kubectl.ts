import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { StatusError } from '../api/errors.ts';
import { ConnectionError } from '../client/connection-error.ts';
import { KubeconfigError } from '../client/kubeconfig-faults.ts';
import { parseFlags, UsageError, type FlagSpecs } from './command/flags.ts';
import { JsonPathError } from './printers/jsonpath.ts';
import { statusText } from './command/status-text.ts';
import type { Alias, Preference } from './config/kuberc.ts';
import { globalFlags, Session } from './command/session.ts';
import type { Call, Verb } from './command/verb.ts';
import type { KubectlIo } from './command/kubectl-io.ts';
import { KubectlError } from './command/kubectl-error.ts';
import { verbs } from './verbs.ts';

/**
 * A whole call of kubectl, `argv` without the program's name. Resolves to the exit code; everything is told through `io`.
 * Upstream: kubectl pkg/cmd, pkg/cmd/util/helpers.go (texts of faults).
 */
export async function runKubectl(argv: readonly string[], io: KubectlIo): Promise<number> {
  let path = 'kubectl';
  try {
    let { name, rest } = splitVerb(argv);
    const preference = name === undefined || name === 'kuberc' || name === '__complete' ? undefined : await preferenceOf(argv, io);
    let alias: Alias | undefined;
    if (preference && name !== undefined && !Object.hasOwn(verbs, name)) {
      const { expandAlias } = await import('./config/kuberc.ts');
      const expanded = expandAlias(preference, name, rest);
      if (expanded) {
        ({ alias } = expanded);
        ({ name, rest } = splitVerb(expanded.words));
        if (name === undefined || !Object.hasOwn(verbs, name)) throw new KubectlError(`error occurred while applying preferences command "${alias.command}" not found to set alias "${alias.name}": [${alias.command}]`, { bare: true });
      }
    }
    if (name === 'help' && rest.length > 0) return await runKubectl([...rest, '--help'], io);
    if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
      const { overview } = await import('./help/help.ts');
      io.out(overview());
      return 0;
    }
    if (name === '__complete') {
      const { complete } = await import('./complete.ts');
      io.out((await complete(rest, io)).map((candidate) => `${candidate}\n`).join(''));
      return 0;
    }
    if (!Object.hasOwn(verbs, name)) throw new KubectlError(`unknown command "${name}" for "kubectl"\n\nDid you mean this?\n${nearest(name)}`.replace(/\n\nDid you mean this\?\n$/, ''));
    path = `kubectl ${name}`;
    let verb: Verb = (await verbs[name]!.load()).verb;
    let words = rest;
    while (verb.verbs) {
      const at = firstArgument(words, { ...globalFlags, ...verb.flags });
      if (at < 0 || !Object.hasOwn(verb.verbs, words[at]!)) break;
      const below: Verb = verb.verbs[words[at]!]!;
      // Messages call it by its first name: `create cm` is `create configmap`.
      path += ` ${Object.keys(verb.verbs).find((one) => verb.verbs![one] === below)}`;
      verb = below;
      words = words.toSpliced(at, 1);
    }
    const specs: FlagSpecs = { ...globalFlags, ...verb.flags, help: { short: 'h', type: 'bool', usage: 'help' } };
    const preferred = preference ? optionsOf(preference, alias, path, specs, words, await import('./config/kuberc.ts')) : [];
    const { flags, args, dashAt } = parseFlags(specs, [...preferred, ...words]);
    if (!verb.run && args.length > 0 && !flags.bool('help')) throw new KubectlError(`unknown command "${args[0]}"\nSee '${path} -h' for help and examples`);
    if (flags.bool('help') || !verb.run) {
      const asked = flags.bool('help');
      const { helpTo, code } = asked ? { helpTo: 'out' as const, code: 0 } : verb.withoutVerb ?? { helpTo: 'err', code: 1 };
      io[helpTo](await helpOf(path, verb));
      return code;
    }
    for (const warning of flags.warnings) io.err(`${warning}\n`);
    const session = new Session(flags, io, preference);
    const code = await runAndTellFaults(verb, { flags, args, dashAt, io, session, path }).catch(async (error: unknown) => {
      if (error instanceof KubectlError && error.helped) io.out(await helpOf(path, verb));
      throw error;
    });
    if (code === 0 && flags.bool('warnings-as-errors') && session.warnings > 0) throw new KubectlError(`${session.warnings} warning${session.warnings > 1 ? 's' : ''} received`);
    return code;
  } catch (error) {
    const code = report(error, path, io);
    // Of `diff`, 1 means that there are differences.
    return path === 'kubectl diff' && code === 1 && !(error instanceof UsageError) ? 2 : code;
  }
}

/** The preferences that count for a call; most people have none, and those who have not read nothing. */
async function preferenceOf(argv: readonly string[], io: KubectlIo): Promise<Preference | undefined> {
  if (!io.env['KUBERC'] && !argv.some((word) => word.startsWith('--kuberc')) && !existsSync(join(io.env['HOME'] || homedir(), '.kube', 'kuberc'))) return undefined;
  const { loadPreference, PreferenceFault } = await import('./config/kuberc.ts');
  try {
    return loadPreference(argv, io.env, (text) => io.err(text));
  } catch (error) {
    if (!(error instanceof PreferenceFault)) throw error;
    throw new KubectlError(`error occurred while applying preferences ${error.message}`, { bare: true });
  }
}

/** The options that preferences give to a verb and the call itself does not, as words. */
function optionsOf(preference: Preference, alias: Alias | undefined, path: string, specs: FlagSpecs, words: readonly string[], { isGiven }: typeof import('./config/kuberc.ts')): string[] {
  const shorts = new Set(Object.values(specs).flatMap(({ short }) => short ?? []));
  // Defaults of a verb do not count for its aliases.
  const from = alias ? [alias] : (preference.defaults ?? []).filter(({ command }) => `kubectl ${command.trim().split(/\s+/).join(' ')}` === path);
  return from.flatMap(({ command, options }) => (options ?? []).flatMap(({ name, default: value }) => {
    if (!Object.hasOwn(specs, name)) throw new KubectlError(`error occurred while applying preferences ${alias ? `invalid alias flag ${name} in alias ${alias.name}` : `invalid flag ${name} for command ${command}`}`, { bare: true });
    return isGiven(name, specs[name]!.short, shorts, words) ? [] : [`--${name}=${value}`];
  }));
}

async function runAndTellFaults(verb: Verb, call: Call): Promise<number> {
  const faults = call.session.manifestFaults;
  let code = 0;
  try {
    code = (await verb.run!(call)) ?? 0;
  } finally {
    // With nothing else wrong, one of them is told as the fault of the call.
    if (faults.length > 1 || (faults.length === 1 && code !== 0)) {
      call.io.err(faults.map(({ message }) => `${message}\n`).join(''));
      code = 1;
    }
  }
  if (faults.length === 1 && code === 0) throw faults[0]!;
  return code;
}

/** Global flags may stand before the verb. */
function splitVerb(argv: readonly string[]): { name: string | undefined; rest: readonly string[] } {
  const at = firstArgument(argv, globalFlags);
  return at < 0 ? { name: argv[0], rest: argv.slice(1) } : { name: argv[at], rest: argv.toSpliced(at, 1) };
}

/** Where the first word stands that is neither a flag nor a flag's value; -1 without one. */
function firstArgument(argv: readonly string[], specs: FlagSpecs): number {
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === '--') return -1;
    if (!word.startsWith('-')) return i;
    const name = word.startsWith('--') ? word.slice(2) : Object.entries(specs).find(([, { short }]) => short === word[1])?.[0];
    const spec = name === undefined ? undefined : specs[name.split('=')[0]!];
    if (spec && spec.type !== 'bool' && spec.bare === undefined && !word.includes('=') && (word.startsWith('--') || word.length === 2)) i++;
  }
  return -1;
}

/** As Go words them. */
const SYSTEM_FAULTS: Readonly<Record<string, string>> = { ENOENT: 'no such file or directory', EACCES: 'permission denied', EISDIR: 'is a directory', ENOTDIR: 'not a directory' };

function report(error: unknown, path: string, io: KubectlIo): number {
  if (error instanceof UsageError) {
    io.err(`error: ${error.message}\nSee '${path} --help' for usage.\n`);
    return 1;
  }
  if (error instanceof KubectlError) {
    if (error.printed) io.out(error.printed);
    if (error.message) io.err(error.bare ? error.message.replace(/\n?$/, '\n') : `error: ${error.message}\n`);
    return error.code;
  }
  if (error instanceof KubeconfigError) {
    io.err(`${error.bare ? '' : 'error: '}${error.message}\n`);
    return 1;
  }
  if (error instanceof StatusError) {
    io.err(`${statusText(error)}\n`);
    return 1;
  }
  if (error instanceof JsonPathError) {
    io.err(`error: error parsing jsonpath: ${error.message}\n`);
    return 1;
  }
  if (io.signal.aborted) return 130;
  const system = error as NodeJS.ErrnoException;
  if (system.code && Object.hasOwn(SYSTEM_FAULTS, system.code) && system.path) io.err(`error: ${system.syscall} ${system.path}: ${SYSTEM_FAULTS[system.code]}\n`);
  else if (error instanceof ConnectionError) io.err(`${error.message}\n`);
  else io.err(`error: ${(error as Error).message}\n`);
  return 1;
}

/** Manual and texts are loaded for those who ask. */
async function helpOf(path: string, verb: Verb): Promise<string> {
  const [{ verbHelp }, { manual }] = await Promise.all([import('./help/help.ts'), import('./help/manual.ts')]);
  const page = path.slice('kubectl '.length);
  return verbHelp(path, verb, Object.hasOwn(manual, page) ? manual[page] : undefined);
}

function nearest(name: string): string {
  return Object.keys(verbs).filter((verb) => distance(verb, name) <= 2 || verb.startsWith(name)).map((verb) => `\t${verb}`).join('\n');
}

/** Levenshtein's. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length]!;
}
