import type { FlagSpecs } from '../command/flags.ts';
import type { Call } from '../command/verb.ts';

export interface Generated {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: unknown; readonly annotations?: Readonly<Record<string, string>>; readonly ownerReferences?: readonly unknown[] };
  readonly [field: string]: unknown;
}

/** `kubectl create NOUN`: makes the objects out of flags and arguments. Upstream: kubectl pkg/cmd/create. */
export interface Generator {
  readonly usage: string;
  readonly summary: string;
  readonly flags: FlagSpecs;
  readonly verbs?: Readonly<Record<string, Generator>>;
  generate?(call: Call): Generated[] | Promise<Generated[]>;
}
