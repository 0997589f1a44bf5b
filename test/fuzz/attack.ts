import type { Random } from '../../src/base/random.ts';
import type { Listening } from './server-process.ts';

/** An answer takes at most this long, in milliseconds, also while the machine is busy. */
export const PATIENCE_MS = 30_000;

export interface Sent {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
  /** Default: the administrator. */
  readonly as?: 'admin' | 'user' | 'nobody';
}

export interface Received {
  /** 0: the connection was closed without an answer. */
  readonly status: number;
  readonly body: string;
}

/** What an attack may use. */
export interface Arena {
  readonly random: Random;
  readonly server: Listening;
  /** How many connections a crowd is: some tens in a short run, thousands in a long one. */
  readonly crowd: number;
  /** Sends a request as HTTP has it. Rejects where no answer comes in time. */
  send(request: Sent): Promise<Received>;
  /** Notes an answer that should not be. */
  wrong(what: string): void;
  /** A whole number in [0, below). */
  pick(below: number): number;
  one<T>(list: readonly T[]): T;
}

/** One way to do harm. Answers are judged by what it expects: no attack may bring the server to a 5xx, but for 501 and the like. */
export interface Attack {
  readonly name: string;
  run(arena: Arena): Promise<void>;
}
