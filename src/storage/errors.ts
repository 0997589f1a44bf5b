import type { Entry } from './engine.ts';

/** The expected modRevision was not the present one. The write left no trace. */
export class RevisionMismatchError<V = unknown> extends Error {
  override readonly name = 'RevisionMismatchError';
  readonly key: string;
  /** What is there, writes not yet synced included; undefined when nothing is. */
  readonly present: Entry<V> | undefined;

  constructor(key: string, expected: number, present: Entry<V> | undefined) {
    super(`${key}: expected revision ${expected}, found ${present ? present.modRevision : 'nothing'}`);
    this.key = key;
    this.present = present;
  }
}

/** The revision asked for is older than the history that is kept. */
export class CompactedError extends Error {
  override readonly name = 'CompactedError';
  readonly compactedRevision: number;

  constructor(revision: number, compactedRevision: number) {
    super(`revision ${revision} has been compacted: history starts at ${compactedRevision}`);
    this.compactedRevision = compactedRevision;
  }
}

/** The revision asked for has not been published yet. */
export class FutureRevisionError extends Error {
  override readonly name = 'FutureRevisionError';
  readonly revision: number;

  constructor(asked: number, revision: number) {
    super(`revision ${asked} is in the future: the newest is ${revision}`);
    this.revision = revision;
  }
}

/** The engine was disposed, or its medium refused a write. `cause` is the medium's fault. */
export class StorageUnavailableError extends Error {
  override readonly name = 'StorageUnavailableError';
}
