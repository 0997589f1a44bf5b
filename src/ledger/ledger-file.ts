import { appendFile, readFile, rename, writeFile } from 'node:fs/promises';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { LedgerEntry } from './entry.ts';
import { Ledger } from './ledger.ts';

export interface LedgerFileOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Entries are written so long after the first of them came. */
const BATCH_MS = 250;

/** A ledger with what an earlier run left in the file, kept in that file until it is disposed. */
export async function openLedgerFile(options: LedgerFileOptions & { readonly capacity?: number }): Promise<{ readonly ledger: Ledger } & AsyncDisposable> {
  const { path, clock, log, capacity } = options;
  const text = await readOrEmpty(path);
  const ledger = new Ledger({ clock, ...(capacity !== undefined && { capacity }), entries: parseEntries(text, log) });
  // The last line of a process that was killed as it wrote may be half a line: nothing is appended to that.
  if (text !== '' && !text.endsWith('\n')) await writeFile(path, linesOf(ledger.entries), { mode: 0o600 });
  const file = new LedgerFile(ledger, options);
  return { ledger, [Symbol.asyncDispose]: () => file[Symbol.asyncDispose]() };
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

function parseEntries(text: string, log: Log): LedgerEntry[] {
  const entries: LedgerEntry[] = [];
  let lastId = 0;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    try {
      const entry = JSON.parse(line) as LedgerEntry;
      // Those that came as the file was written anew stand in it twice.
      if (entry.id > lastId) entries.push(entry);
      lastId = Math.max(lastId, entry.id);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      log.warn('a line of the ledger cannot be read and is left out', { error });
    }
  }
  return entries;
}

/**
 * Keeps a ledger in a file, one JSON line an entry: appended in batches, off the way of the writes, so that the last quarter of a second may be missing after a
 * kill. It is written anew when it holds twice what the ledger does. Disposing writes what is left.
 */
class LedgerFile implements AsyncDisposable {
  readonly #options: LedgerFileOptions;
  readonly #ledger: Ledger;
  readonly #subscription: Disposable;
  #waiting: LedgerEntry[] = [];
  #timer: Disposable | undefined;
  #writing: Promise<void> = Promise.resolve();
  /** Lines in the file. */
  #lines: number;

  constructor(ledger: Ledger, options: LedgerFileOptions) {
    this.#options = options;
    this.#ledger = ledger;
    this.#lines = ledger.size;
    this.#subscription = ledger.subscribe((entry) => {
      this.#waiting.push(entry);
      this.#timer ??= options.clock.timer(BATCH_MS, () => this.#flush());
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#subscription[Symbol.dispose]();
    this.#flush();
    await this.#writing;
  }

  #flush(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    const batch = this.#waiting;
    this.#waiting = [];
    if (batch.length > 0) this.#writing = this.#writing.then(() => this.#append(batch));
  }

  async #append(batch: readonly LedgerEntry[]): Promise<void> {
    const { path, log } = this.#options;
    try {
      this.#lines += batch.length;
      if (this.#lines <= 2 * this.#ledger.capacity) return await appendFile(path, linesOf(batch), { mode: 0o600 });
      const kept = this.#ledger.entries;
      await writeFile(`${path}.new`, linesOf(kept), { mode: 0o600 });
      await rename(`${path}.new`, path);
      this.#lines = kept.length;
    } catch (error) {
      // The ledger tells of the cluster's work; it must not keep the cluster from working.
      log.warn('the ledger cannot be written', { path, error });
    }
  }
}

function linesOf(entries: readonly LedgerEntry[]): string {
  let text = '';
  for (const entry of entries) text += `${JSON.stringify(entry)}\n`;
  return text;
}
