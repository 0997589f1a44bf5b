import { StatusError } from '../api/errors.ts';
import { currentCause } from '../base/cause.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { HttpClient } from '../client/http-client.ts';
import type { WorkNote, WorkSink } from './entry.ts';
import { LEDGER_PATH } from './ledger-query.ts';

/** Notes are sent so long after the first of them came. */
const BATCH_MS = 200;
/** While the server is away the newest so many are kept. */
const MOST_WAITING = 1_000;
const RETRY_MS = 5_000;

/** Tells the server's ledger of work, in batches. A server that has no ledger (404) or does not want to know (403) is not told again. Disposing sends what is left, once. */
export function createWorkSender({ client, clock, log }: { readonly client: Pick<HttpClient, 'raw'>; readonly clock: Clock; readonly log: Log }): WorkSink & AsyncDisposable {
  let waiting: WorkNote[] = [];
  let timer: Disposable | undefined;
  let sending: Promise<void> | undefined;
  let unwanted = false;
  let ended = false;

  const arm = (milliseconds: number): void => {
    if (!timer && !ended) timer = clock.timer(milliseconds, () => void flush());
  };

  const send = async (batch: readonly WorkNote[]): Promise<void> => {
    try {
      await client.raw('POST', LEDGER_PATH, { body: batch });
    } catch (error) {
      if (error instanceof StatusError && error.code >= 400 && error.code < 500 && error.code !== 429) {
        unwanted = true;
        return log.debug('the server takes no notes of work', { error });
      }
      log.debug('notes of work could not be sent', { error });
      waiting = [...batch, ...waiting].slice(-MOST_WAITING);
      arm(RETRY_MS);
    }
  };

  const flush = async (): Promise<void> => {
    timer?.[Symbol.dispose]();
    timer = undefined;
    await sending;
    const batch = waiting;
    waiting = [];
    if (batch.length === 0 || unwanted) return;
    sending = send(batch);
    await sending;
  };

  return {
    note(note) {
      if (unwanted || ended) return;
      waiting.push({ causes: currentCause().writes, at: clock.now(), ...note });
      if (waiting.length > MOST_WAITING) waiting.shift();
      arm(BATCH_MS);
    },
    async [Symbol.asyncDispose]() {
      ended = true;
      await flush();
    },
  };
}
