import type { Flags, FlagSpecs } from './flags.ts';
import type { KubectlIo } from './kubectl-io.ts';
import type { Session } from './session.ts';

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
