import { Environment } from '@marcbachmann/cel-js';
import { CelError } from './cel-error.ts';
import { estimate, type CelNode, type Estimate, type TypeFault } from './cel-estimate.ts';
import { meterNodes } from './cel-meter.ts';
import type { CelType } from './cel-type.ts';
import { registerKubernetesLibrary } from './cel-library.ts';
import { toCel } from './cel-value.ts';

export { CelError };

export interface CelProgram {
  readonly source: string;
  /** JSON values and values of registered types by the names of variables. Throws CelError. The result is a CEL value: see `fromCel`. */
  evaluate(variables: Readonly<Record<string, unknown>>): unknown;
  /** The same for variables that are CEL's values already. */
  evaluateCel(variables: Readonly<Record<string, unknown>>): unknown;
  /** What the expression answers and may cost where its variables are of these types; `self` is the one whose bounds are known. Throws a CelError for fields that there are none of. */
  estimate(variables: Readonly<Record<string, CelType>>, self: CelType): Pick<Estimate, 'cost' | 'type'>;
}

export interface CelOptions {
  /** Names that the expression may use. */
  readonly variables: readonly string[];
  /** Registers further types and functions. */
  extend?(environment: Environment): void;
  /** Whether a CelMeter may count what evaluations cost. */
  readonly metered?: boolean;
}

/**
 * Makes a compiler for expressions over these variables, all dynamically typed. Making it takes about a millisecond: keep it.
 * Upstream: apiserver pkg/cel/environment.
 */
export function celCompiler({ variables, extend, metered = false }: CelOptions): (source: string) => CelProgram {
  const environment = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false });
  for (const name of variables) environment.registerVariable(name, 'dyn');
  registerKubernetesLibrary(environment);
  extend?.(environment);
  const programs = new Map<string, CelProgram>();
  return (source) => {
    let program = programs.get(source);
    if (!program) {
      program = compile(environment, source, metered);
      if (programs.size > 2000) programs.clear();
      programs.set(source, program);
    }
    return program;
  };
}

function compile(environment: Environment, source: string, metered: boolean): CelProgram {
  let run: (context: Record<string, unknown>) => unknown;
  let ast: CelNode;
  try {
    const parsed = environment.parse(withOwnFunctions(source));
    const checked = parsed.check();
    if (!checked.valid) throw checked.error ?? new Error('type check failed');
    run = parsed as unknown as typeof run;
    ast = parsed.ast as unknown as CelNode;
    if (metered) meterNodes(ast);
  } catch (error) {
    throw new CelError(`compilation failed: ${shownFault(source, compileFault(error as Error))}`, { cause: error });
  }
  const evaluateCel = (variables: Readonly<Record<string, unknown>>): unknown => {
    try {
      return run({ ...variables });
    } catch (error) {
      throw new CelError(runtimeFault(firstLine(error)), { cause: error });
    }
  };
  return {
    source,
    estimate(variables, self) {
      const { faults, ...found } = estimate(ast, variables, self);
      if (faults.length > 0) throw new CelError(`compilation failed: ${faults.map((fault) => shownFault(source, fault)).join('\n')}`);
      return found;
    },
    evaluateCel,
    evaluate: (variables) => evaluateCel(Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, toCel(value)]))),
  };
}

/** What went wrong at run time, in upstream's words where they differ. */
function runtimeFault(message: string): string {
  if (/^(int|uint|double)\(\) type error: cannot convert to/.test(message)) return `type conversion error from 'string' to '${message.slice(0, message.indexOf('('))}'`;
  if (message.startsWith('Invalid duration string')) return "type conversion error from 'string' to 'google.protobuf.Duration'";
  return message.replace(/^No such key: /, 'no such key: ');
}

/** What the engine found, in the words of upstream's parser and checker where people know them. */
function compileFault(error: Error & { readonly name: string; readonly summary?: string; readonly range?: { readonly start: number } }): TypeFault {
  const summary = error.summary ?? firstLine(error);
  const unknown = /^Unknown variable: (.*)$/.exec(summary);
  const message = error.name === 'ParseError' ? `Syntax error: ${summary}` : unknown ? `undeclared reference to '${unknown[1]}' (in container '')` : summary;
  return { pos: error.range?.start ?? 0, message };
}

/**
 * `ERROR: <input>:1:5: undefined field 'z'`, then the line of the source and where in it. `pos` is a place in the source with our own functions.
 * Upstream: cel-go common/error.go.
 */
function shownFault(source: string, { pos, message }: TypeFault): string {
  const at = Math.min(originalPosition(source, pos), source.length);
  const before = source.slice(0, at).split('\n');
  const column = before.at(-1)!.length;
  return `ERROR: <input>:${before.length}:${column + 1}: ${message}\n | ${source.split('\n')[before.length - 1]!.replaceAll('\t', ' ')}\n | ${'.'.repeat(column)}^`;
}

function originalPosition(source: string, pos: number): number {
  let shift = 0;
  for (const match of source.matchAll(CALLS)) {
    if (match[1] !== undefined) continue;
    if (match.index + shift >= pos) break;
    shift += withOwnFunctions(match[0]).length - match[0].length;
  }
  return Math.max(0, pos - shift);
}

const firstLine = (error: unknown): string => (error as Error).message.split('\n')[0]!;

/**
 * Calls of `matches` go to our function of linear time, those of `has` to our macro, which takes more than the engine's. String literals stay as they are.
 */
export function withOwnFunctions(source: string): string {
  return source.replace(CALLS, (all, literal: string | undefined) => (literal !== undefined ? all : all.startsWith('.') ? '.re2Matches(' : 'hasMember('));
}

const CALLS = /r?("""[\s\S]*?"""|'''[\s\S]*?'''|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|\.\s*matches\s*\(|(?<![\w.])has\s*\(/g;
