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
  const medium: Medium<V> = {
    encode: (value, key) => codec.encode(value, key),
    commit: (writes) => commit(env, writes).catch((error: unknown) => { throw explained(error, directory); }),
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
  if (stale.length > 0) env.transactionSync(() => void stale.forEach((entry) => env.putSync(entry.key, record(entry, codec.encode(entry.value, entry.key)))));
  return { entries, revision };
}

async function commit<V>(env: RootDatabase<Uint8Array, string>, writes: readonly Write<V>[]): Promise<void> {
  const last = writes.at(-1)!.event;
  try {
    // A child transaction, because only such a one is undone when the callback throws.
    await env.childTransaction(() => {
      for (const { event, bytes } of writes) {
        if (event.type === 'put') env.putSync(event.entry.key, record(event.entry, bytes!));
        else env.removeSync(event.key);
      }
      env.putSync(REVISION_KEY, numberBytes(last.type === 'put' ? last.entry.modRevision : last.revision));
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

/** Records are put together in one place, since lmdb has read them when `putSync` returns inside a transaction: it asks for the address of each new buffer, which takes longer than the copy. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024);

/** What is stored of an entry. Good until the next call. */
function record(entry: Entry<unknown>, bytes: Uint8Array): Uint8Array {
  const length = HEADER + bytes.length;
  const out = length <= scratch.length ? scratch.subarray(0, length) : Buffer.allocUnsafeSlow(length);
  out.writeDoubleBE(entry.createRevision, 0);
  out.writeDoubleBE(entry.modRevision, 8);
  out.set(bytes, HEADER);
  return out;
}

function numberBytes(value: number): Uint8Array {
  const out = Buffer.alloc(8);
  out.writeDoubleBE(value);
  return out;
}

function readNumber(env: RootDatabase<Uint8Array, string>, key: string): number | undefined {
  const bytes = env.get(key);
  return bytes && Buffer.from(bytes).readDoubleBE();
}
