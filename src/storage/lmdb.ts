import { mkdirSync, statfsSync } from 'node:fs';
import { open, type RootDatabase } from 'lmdb';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { lockDirectory } from './directory-lock.ts';
import type { Entry, StorageEngine, ValueCodec } from './engine.ts';
import { RevisionStore, type HistoryOptions } from './revision-store.ts';
import { createEngine, type Medium, type Write } from './write-queue.ts';

export interface LmdbEngineOptions<V> extends HistoryOptions {
  /** Made when absent. */
  readonly directory: string;
  readonly codec: ValueCodec<V>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly log: Log;
}

/** The data directory was written by a newer release. */
export class NewerFormatError extends Error {
  override readonly name = 'NewerFormatError';

  constructor(directory: string, found: number) {
    super(`the data in ${directory} has format ${found}, this release reads up to ${FORMAT}: use the release that wrote it, or a newer one`);
  }
}

/** Raised when what is on disk changes its meaning. */
const FORMAT = 1;

/** Address space only: the file is sparse and grows with what is stored. */
const MAP_SIZE = 64 * 2 ** 30;

/** A stored value: createRevision and modRevision as float64, then what the codec made. */
const HEADER = 16;

/** A number alone. */
const NUMBER = 8;

/** Keys of the engine's own records; those of entries start with a slash or a letter. */
const FORMAT_KEY = '\x01format';
const REVISION_KEY = '\x01revision';

/**
 * Opens the embedded durable engine, an LMDB environment with one record a key, and loads all of it. History from before counts as
 * compacted. Throws DirectoryLockedError and NewerFormatError.
 */
export function openLmdbEngine<V>(options: LmdbEngineOptions<V>): StorageEngine<V> {
  const { directory, codec } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  using onFailure = new DisposableStack();
  const lock = onFailure.use(lockDirectory(directory));
  // Without overlappingSync a commit resolves after its sync, and a failed one leaves the state before it. Groups are ours, not the
  // library's (eventTurnBatching): its own have a promise of their own, whose rejection nobody could hear.
  const env = open<Uint8Array, string>({ path: directory, encoding: 'binary', overlappingSync: false, eventTurnBatching: false, mapSize: MAP_SIZE, maxReaders: 8 });
  onFailure.defer(() => void env.close());
  const format = readNumber(env, FORMAT_KEY);
  if (format !== undefined && format > FORMAT) throw new NewerFormatError(directory, format);
  if (format === undefined) env.putSync(FORMAT_KEY, numberBytes(FORMAT));
  const { entries, revision } = load(env, codec);
  const store = new RevisionStore<V>({ ...options, entries, revision });
  const memory = new RecordMemory();
  const medium: Medium<V> = {
    encode: (value, key) => codec.encode(value, key),
    commit: (writes) => commit(env, memory, writes).catch((error: unknown) => { throw explained(error, directory); }),
    async close() {
      await env.close();
      lock[Symbol.dispose]();
    },
  };
  onFailure.move();
  return createEngine(store, medium, () => options.clock.monotonic());
}

function load<V>(env: RootDatabase<Uint8Array, string>, codec: ValueCodec<V>): { entries: Entry<V>[]; revision: number } {
  const entries: Entry<V>[] = [];
  const stale: Entry<V>[] = [];
  let revision = readNumber(env, REVISION_KEY) ?? 0;
  for (const { key, value } of env.getRange()) {
    if (key === FORMAT_KEY || key === REVISION_KEY) continue;
    const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
    const entry = { key, value: codec.decode(value.subarray(HEADER), key), createRevision: view.getFloat64(0), modRevision: view.getFloat64(8) };
    revision = Math.max(revision, entry.modRevision);
    entries.push(entry);
    if (codec.isStale?.(value.subarray(HEADER), key)) stale.push(entry);
  }
  if (stale.length > 0) env.transactionSync(() => stale.forEach((entry) => {
    const bytes = codec.encode(entry.value, entry.key);
    env.putSync(entry.key, fill(Buffer.allocUnsafeSlow(HEADER + bytes.length), entry, bytes));
  }));
  return { entries, revision };
}

async function commit<V>(env: RootDatabase<Uint8Array, string>, memory: RecordMemory, writes: readonly Write<V>[]): Promise<void> {
  const { records, revision } = memory.lay(writes);
  try {
    // A batch is one transaction, which lmdb's own thread works off from first to last: one write that fails undoes it as a whole.
    await env.batch(() => {
      writes.forEach(({ event }, i) => void (event.type === 'put' ? env.put(event.entry.key, records[i]!) : env.remove(event.key)));
      void env.put(REVISION_KEY, revision);
    });
  } catch (error) {
    // lmdb tells the cause by a promise of its own, which rejects; unheard, it would end the process.
    const { commitError } = error as { commitError?: Promise<unknown> };
    if (commitError) await commitError;
    throw error;
  }
}

/** Under so many bytes free, a group of writes may not fit. */
const FULL = 1024 * 1024;

/** LMDB tells a write that went in only half as an input/output error, which is what a full disk does. */
function explained(error: unknown, directory: string): unknown {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize < FULL ? new Error(`no space left on device for ${directory}: ${(error as Error).message}`, { cause: error }) : error;
}

/** Groups of more bytes get memory of their own. */
const USUAL_GROUP = 512 * 1024;

/** Where one engine puts together the records of a group: lmdb reads them until the group is committed, and asks for the address of each new memory, which takes longer than the copy. */
class RecordMemory {
  readonly #usual = Buffer.allocUnsafeSlow(USUAL_GROUP);

  /** The record of each put, and that of the newest revision. Good until the next call. */
  lay(writes: readonly Write<unknown>[]): { readonly records: readonly (Uint8Array | undefined)[]; readonly revision: Uint8Array } {
    let size = NUMBER;
    for (const { bytes } of writes) if (bytes) size += HEADER + bytes.length;
    const memory = size <= this.#usual.length ? this.#usual : Buffer.allocUnsafeSlow(size);
    const last = writes.at(-1)!.event;
    memory.writeDoubleBE(last.type === 'put' ? last.entry.modRevision : last.revision);
    let end = NUMBER;
    const records = writes.map(({ event, bytes }) => {
      if (event.type !== 'put') return undefined;
      const start = end;
      end += HEADER + bytes!.length;
      return fill(memory.subarray(start, end), event.entry, bytes!);
    });
    return { records, revision: memory.subarray(0, NUMBER) };
  }
}

function fill(record: Buffer, entry: Entry<unknown>, bytes: Uint8Array): Buffer {
  record.writeDoubleBE(entry.createRevision, 0);
  record.writeDoubleBE(entry.modRevision, 8);
  record.set(bytes, HEADER);
  return record;
}

function numberBytes(value: number): Uint8Array {
  const out = Buffer.alloc(NUMBER);
  out.writeDoubleBE(value);
  return out;
}

function readNumber(env: RootDatabase<Uint8Array, string>, key: string): number | undefined {
  const bytes = env.get(key);
  return bytes && Buffer.from(bytes).readDoubleBE();
}
