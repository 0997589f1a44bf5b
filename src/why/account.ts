import { isReason, StatusError } from '../api/errors.ts';
import type { KubeObject } from '../api/object.ts';
import type { HttpClient } from '../client/http-client.ts';
import type { LedgerEntry } from '../ledger/entry.ts';
import { ledgerQuery } from '../ledger/ledger-query.ts';
import type { Related } from '../ledger/related-entries.ts';
import { diagnose } from './diagnose.ts';
import type { Finding, Situation } from './finding.ts';
import { gather } from './gather.ts';
import { isForeign } from './is-foreign.ts';
import { reconstruct } from './reconstruct.ts';
import { stateOf } from './state.ts';
import { kindWords } from './words.ts';

/** What is asked about. */
export interface Subject {
  readonly group: string;
  readonly resource: string;
  readonly kind: string;
  readonly namespace?: string | undefined;
  readonly name: string;
  /** As it is now; absent: it is gone, or never was. */
  readonly object?: KubeObject | undefined;
}

export interface Account {
  readonly state: string;
  readonly entries: readonly LedgerEntry[];
  readonly findings: readonly Finding[];
  /** What the account cannot know, and why. */
  readonly gaps: readonly string[];
  /** Whose entries these are, for following on. */
  readonly related: Related;
  readonly ledger: boolean;
  /** The uid of what it is about, where it is still there. */
  readonly focus: string | undefined;
}

interface LedgerAnswer {
  readonly entries: readonly LedgerEntry[];
  readonly truncated?: boolean;
  readonly since?: number;
}

/** Tells how something came to be as it is, and what it waits for. Undefined where nothing is known of it. */
export async function accountOf(client: HttpClient, subject: Subject, nowMs: number): Promise<Account | undefined> {
  const { object, group, resource, namespace, name } = subject;
  // By name only where there is none now: a name may have belonged to others before.
  const named = object ? [] : [{ group, resource, name, ...(namespace !== undefined && { namespace }) }];
  const situation = object && await gather({ client, focus: object, nowMs });
  const related = { uids: situation ? uidsOf(situation) : [], named };
  const { answer, gap } = await askLedger(client, related);
  const foreign = answer === undefined;
  if (!situation) {
    if (!answer || answer.entries.length === 0) return undefined;
    return { state: `The ${kindWords(subject.kind)} ${name} is not there any more.`, entries: answer.entries, findings: [], gaps: [], related, ledger: true, focus: undefined };
  }
  const full = { ...situation, wherry: !foreign || !(await isForeign(client)) };
  const findings = diagnose(full);
  const known = answer?.entries.some(({ about }) => about.uid === situation.focus.metadata.uid) ?? false;
  const entries = known ? answer!.entries : reconstruct(full);
  const gaps = [
    ...(gap ? [gap] : []),
    ...(!foreign && !known ? [`Its beginning is older than what the server's ledger still has${answer.since ? ` (since ${new Date(answer.since).toISOString()})` : ''}, so that this is put together from the objects and events that there are: in whole seconds, and without what led to it.`] : []),
    ...(answer?.truncated ? ['Only the newest part is told: there is more than can be shown.'] : []),
  ];
  return { state: stateOf(full), entries, findings, gaps, related, ledger: !foreign, focus: situation.focus.metadata.uid };
}

function uidsOf({ focus, replicaSets }: Pick<Situation, 'focus' | 'replicaSets'>): readonly string[] {
  return [focus, ...replicaSets].map(({ metadata }) => metadata.uid);
}

async function askLedger(client: Pick<HttpClient, 'raw'>, related: Related): Promise<{ readonly answer?: LedgerAnswer; readonly gap?: string }> {
  try {
    return { answer: JSON.parse((await client.raw('GET', ledgerQuery(related))).body.toString()) as LedgerAnswer };
  } catch (error) {
    if (isReason(error, 'Forbidden')) return { gap: 'You may not read the ledger of this server (it takes the right to get /wherry/v1/ledger), so that this is put together from objects and events: in whole seconds, and without causes.' };
    if (!(error instanceof StatusError) || error.code !== 404) throw error;
    return { gap: 'This server keeps no ledger of causes, so that this is put together from objects and events: in whole seconds, and as far as objects own each other.' };
  }
}
