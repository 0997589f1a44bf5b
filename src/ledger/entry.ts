/** Names an object in the ledger, also when it is gone. */
export interface About {
  readonly group: string;
  readonly resource: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly uid: string;
}

export type Fact = string | number | boolean;
/** What is worth telling of an object, as short names and values: `{ replicas: 3, ready: 1 }`. */
export type Facts = Readonly<Record<string, Fact>>;
/** What a write changed of them: from, to; null where there was or is none. */
export type Changes = Readonly<Record<string, readonly [Fact | null, Fact | null]>>;

interface Common {
  /** Counts the entries of a ledger, from 1. */
  readonly id: number;
  /** Wall time of the end, milliseconds since 1970. */
  readonly at: number;
  /** How long it took, milliseconds with fractions; NaN where that is not known (never in a ledger of ours). */
  readonly tookMs: number;
  readonly about: About;
  /** Who did it, as authenticated. */
  readonly user: string;
  /** Which of the user's loops: `deployment-controller`; the fieldManager or user agent of clients that are not ours. */
  readonly by: string;
  /** Revisions of the writes because of which it was done, the newest last. Empty: of the writer's own accord. */
  readonly causes: readonly number[];
}

/** A write that the API acknowledged. */
export interface WriteEntry extends Common {
  readonly kind: 'write';
  /** `mark`: deleted, but kept until what it still has to do is done. */
  readonly verb: 'create' | 'update' | 'mark' | 'delete';
  readonly subresource?: string;
  /** What the write made the object's resourceVersion; also the write's own number. */
  readonly revision: number;
  readonly previous?: number;
  /** The uid of the controlling owner. */
  readonly owner?: string;
  /** The write changed what is wanted (its generation), or made or ended the object. */
  readonly wanted: boolean;
  readonly changes: Changes;
}

/** What a component did that is no write: a decision, a call to the container runtime. */
export interface WorkEntry extends Common {
  readonly kind: 'work';
  readonly work: Work;
  /** Why it failed; absent: it did not. */
  readonly error?: string;
  readonly facts: Facts;
  /** The scheduler's: why nodes were ruled out, and the points of those that were left. */
  readonly choice?: Choice;
}

/** `exit`: a container ended. */
export type Work = 'schedule' | 'pull' | 'sandbox' | 'create' | 'start' | 'exit';

export interface Choice {
  readonly nodes: number;
  readonly feasible: number;
  readonly filtered: readonly { readonly plugin: string; readonly reasons: readonly string[]; readonly count: number; readonly nodes: readonly string[] }[];
  readonly scores: readonly { readonly node: string; readonly total: number }[];
}

export type LedgerEntry = WriteEntry | WorkEntry;

/** What a component tells of its work; the ledger adds number and user. */
export type WorkNote = Omit<WorkEntry, 'id' | 'kind' | 'user' | 'causes' | 'at'> & { readonly causes?: readonly number[]; readonly at?: number };

/** Where components tell of their work. Cheap; never blocks and never fails its caller. */
export interface WorkSink {
  note(note: WorkNote): void;
}

export const noSink: WorkSink = { note() {} };
