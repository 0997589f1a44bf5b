import { isReason } from '../../api/errors.ts';
import type { HttpClient } from '../../client/http-client.ts';
import type { Action } from '../../ledger/actions.ts';
import type { LedgerEntry } from '../../ledger/entry.ts';
import { LEDGER_PATH } from '../../ledger/ledger-query.ts';
import type { Reader } from '../../why/words.ts';
import { accountOfPath } from '../account-of-path.ts';
import type { Actions, Course } from './step.ts';
import { stepOf, stepsOf } from './steps-of.ts';

/** So many actions can be chosen from. */
const MOST_ACTIONS = 60;

type Reading = Pick<HttpClient, 'raw'>;

/** What was done in the cluster lately; a gap in place of it where nobody keeps a ledger or the reader may not read it. */
export async function actions(http: Reading, reader: Reader): Promise<Actions> {
  try {
    const { body } = await http.raw('GET', `${LEDGER_PATH}?actions=${MOST_ACTIONS}`);
    const { actions: found = [] } = JSON.parse(body.toString()) as { readonly actions?: readonly Action[] };
    return {
      actions: found.map(({ entry, last, steps, failed }) => ({
        revision: entry.revision,
        first: stepOf(entry, reader),
        last,
        steps,
        failed,
      })),
    };
  } catch (error) {
    if (isReason(error, 'NotFound')) return { actions: [], gap: 'none' };
    if (isReason(error, 'Forbidden')) return { actions: [], gap: 'forbidden' };
    throw error;
  }
}

/** All that came of one write. */
export async function courseOfWrite(http: Reading, revision: number, reader: Reader): Promise<Course> {
  const { body } = await http.raw('GET', `${LEDGER_PATH}?course=${revision}`);
  const { entries, truncated } = JSON.parse(body.toString()) as { readonly entries: readonly LedgerEntry[]; readonly truncated?: boolean };
  return { steps: stepsOf(entries, reader), gaps: truncated ? ['Only the newest part is told: there is more than can be shown.'] : [] };
}

/** What led to an object, and what came of it; without a ledger put together from objects and events. Undefined where nothing is known of it. */
export async function courseOfObject(
  http: HttpClient,
  path: string,
  { nowMs, reader }: { readonly nowMs: number; readonly reader: Reader },
): Promise<Course | undefined> {
  const account = await accountOfPath(http, path, nowMs);
  return account && { steps: stepsOf(account.entries, reader), gaps: account.gaps };
}
