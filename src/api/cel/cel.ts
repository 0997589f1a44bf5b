import { Environment } from '@marcbachmann/cel-js';
import { CelError } from './cel-error.ts';
import { registerKubernetesLibrary } from './cel-library.ts';
import { toCel } from './cel-value.ts';

export { CelError };

export interface CelProgram {
  readonly source: string;
  /** JSON values and values of registered types by the names of variables. Throws CelError. The result is a CEL value: see `fromCel`. */
  evaluate(variables: Readonly<Record<string, unknown>>): unknown;
  /** The same for variables that are CEL's values already. */
  evaluateCel(variables: Readonly<Record<string, unknown>>): unknown;
}

export interface CelOptions {
  /** Names that the expression may use. */
  readonly variables: readonly string[];
  /** Registers further types and functions. */
  extend?(environment: Environment): void;
}

/**
 * Makes a compiler for expressions over these variables, all dynamically typed. Making it takes about a millisecond: keep it.
 * Upstream: apiserver pkg/cel/environment.
 */
export function celCompiler({ variables, extend }: CelOptions): (source: string) => CelProgram {
  const environment = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false });
  for (const name of variables) environment.registerVariable(name, 'dyn');
  registerKubernetesLibrary(environment);
  extend?.(environment);
  const programs = new Map<string, CelProgram>();
  return (source) => {
    let program = programs.get(source);
    if (!program) {
      program = compile(environment, source);
      if (programs.size > 2000) programs.clear();
      programs.set(source, program);
    }
    return program;
  };
}

function compile(environment: Environment, source: string): CelProgram {
  let run: (context: Record<string, unknown>) => unknown;
  try {
    const parsed = environment.parse(withOwnFunctions(source));
    const checked = parsed.check();
    if (!checked.valid) throw checked.error ?? new Error('type check failed');
    run = parsed as unknown as typeof run;
  } catch (error) {
    throw new CelError(`compilation failed: ERROR: <input>: ${firstLine(error)}`, { cause: error });
  }
  const evaluateCel = (variables: Readonly<Record<string, unknown>>): unknown => {
    try {
      return run({ ...variables });
    } catch (error) {
      throw new CelError(firstLine(error).replace(/^No such key: /, 'no such key: '), { cause: error });
    }
  };
  return {
    source,
    evaluateCel,
    evaluate: (variables) => evaluateCel(Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, toCel(value)]))),
  };
}

const firstLine = (error: unknown): string => (error as Error).message.split('\n')[0]!;

/**
 * Calls of `matches` go to our function of linear time, those of `has` to our macro, which takes more than the engine's. String literals stay as they are.
 */
export function withOwnFunctions(source: string): string {
  return source.replace(CALLS, (all, literal: string | undefined) => (literal !== undefined ? all : all.startsWith('.') ? '.re2Matches(' : 'hasMember('));
}

const CALLS = /r?("""[\s\S]*?"""|'''[\s\S]*?'''|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|\.\s*matches\s*\(|(?<![\w.])has\s*\(/g;
