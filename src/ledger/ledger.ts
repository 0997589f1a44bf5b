import { currentCause } from '../base/cause.ts';
import type { Clock } from '../base/clock.ts';
import type { LedgerEntry, WorkNote, WriteEntry } from './entry.ts';
import { relatedEntries, type Related } from './related-entries.ts';

export interface LedgerOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** Entries kept; default 20,000. */
  readonly capacity?: number;
  /** Entries of an earlier run, the oldest first. */
  readonly entries?: readonly LedgerEntry[];
}

export type NewWrite = Omit<WriteEntry, 'id' | 'kind' | 'at'>;
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export const DEFAULT_CAPACITY = 20_000;

/**
 * The newest of what was done in a cluster, and because of what. Keeping an entry costs next to nothing: there is no index, for who asks is a person, and looking
 * through all entries takes some milliseconds.
 */
export class Ledger {
  readonly capacity: number;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #listeners = new Set<(entry: LedgerEntry) => void>();
  /** The oldest first; those before `#first` are no longer of it. */
  #entries: LedgerEntry[];
  #first = 0;
  #nextId: number;

  constructor({ clock, capacity = DEFAULT_CAPACITY, entries = [] }: LedgerOptions) {
    this.#clock = clock;
    this.capacity = capacity;
    this.#entries = entries.slice(-capacity);
    this.#nextId = (this.#entries.at(-1)?.id ?? 0) + 1;
  }

  get entries(): readonly LedgerEntry[] {
    return this.#first === 0 ? this.#entries : this.#entries.slice(this.#first);
  }

  get size(): number {
    return this.#entries.length - this.#first;
  }

  /** Takes the object over: a copy of each would cost more than all the rest. */
  write(write: NewWrite): void {
    const entry = write as Mutable<WriteEntry>;
    entry.id = this.#nextId++;
    entry.kind = 'write';
    entry.at = this.#clock.now();
    this.#add(entry);
  }

  /** `user` did some work; where the note names no causes, the present one (base/cause.ts) holds. */
  work(user: string, note: WorkNote): void {
    this.#add({ at: this.#clock.now(), causes: currentCause().writes, ...note, id: this.#nextId++, kind: 'work', user });
  }

  /** All that is known of the objects with these uids or names, the oldest first: what led to them, what was done with them, and what came of it. */
  related(wanted: Related): readonly LedgerEntry[] {
    return relatedEntries(this.entries, wanted).entries;
  }

  /** Called with each new entry, before the writer hears of its success. */
  subscribe(listener: (entry: LedgerEntry) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  #add(entry: LedgerEntry): void {
    this.#entries.push(entry);
    if (this.#entries.length - this.#first > this.capacity) {
      this.#entries[this.#first] = undefined as unknown as LedgerEntry;
      this.#first++;
      // Moved now and then only, so that an entry costs the same whatever the capacity.
      if (this.#first >= this.capacity) {
        this.#entries = this.#entries.slice(this.#first);
        this.#first = 0;
      }
    }
    for (const listener of this.#listeners) listener(entry);
  }
}
