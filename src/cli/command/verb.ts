import type { Flags, FlagSpecs } from './flags.ts';
import type { Session } from './session.ts';

/** What a verb may do to the outside world; tests pass their own. */
export interface KubectlIo {
  out(text: string): void;
  err(text: string): void;
  /** All of standard input. */
  readInput(): Promise<string>;
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: NodeJS.WritableStream;
  readonly terminal: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

export interface Call {
  readonly flags: Flags;
  readonly args: readonly string[];
  /** How many of `args` stood before `--`; -1 without one. */
  readonly dashAt: number;
  readonly io: KubectlIo;
  /** The cluster of the kubeconfig and flags; opened when first asked for. */
  readonly session: Session;
  /** `kubectl create deployment`, for messages. */
  readonly path: string;
}

/** One verb, one file in verbs/, one line in verbs.ts. Names, flags, texts and exit codes are kubectl's. */
export interface Verb {
  /** After the verb's name, `(TYPE [NAME] | TYPE/NAME)`. */
  readonly usage: string;
  readonly summary: string;
  readonly flags: FlagSpecs;
  /** Verbs below this one: `create deployment`. Taken when the first argument names one. */
  readonly verbs?: Readonly<Record<string, Verb>>;
  run?(call: Call): Promise<number | void>;
  /** Where help goes and which code a call ends with that names no verb below this one; standard error and 1 unless said. */
  readonly withoutVerb?: { readonly helpTo: 'out' | 'err'; readonly code: number };
}

/** A fault that ends the call: printed as `error: MESSAGE` with exit code 1. */
export class KubectlError extends Error {
  readonly code: number;
  /** Printed as it is, without `error: `. */
  readonly bare: boolean;
  /** What goes to standard output before it. */
  readonly printed: string;
  /** Whether the verb's help goes to standard output before it. */
  readonly helped: boolean;

  constructor(message: string, options: { readonly code?: number; readonly bare?: boolean; readonly printed?: string; readonly helped?: boolean } = {}) {
    super(message);
    this.code = options.code ?? 1;
    this.bare = options.bare ?? false;
    this.printed = options.printed ?? '';
    this.helped = options.helped ?? false;
  }
}
