import { badRequest, methodNotAllowed } from '../../api/errors.ts';
import type { User } from '../../api/kind.ts';
import type { Clock } from '../../base/clock.ts';
import { MOST_CAUSES } from '../../base/cause.ts';
import type { LedgerEntry, WorkNote } from '../../ledger/entry.ts';
import { actionsOf, courseOf } from '../../ledger/actions.ts';
import { LEDGER_PATH, readLedgerQuery } from '../../ledger/ledger-query.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { relatedEntries } from '../../ledger/related-entries.ts';
import { readBody } from '../http/read-body.ts';
import { sendObject, type Exchange } from '../http/send.ts';

const LONGEST_ERROR = 4_096;
/** Bytes that wait for a follower. */
const MOST_UNREAD = 16 * 1024 * 1024;
/** Of an account that is longer the newest entries are answered. */
const MOST_ENTRIES = 5_000;
const MOST_ACTIONS = 200;

/**
 * Serves the ledger under a path that is no resource, so that RBAC rules on `nonResourceURLs` govern it: GET reads (`readLedgerQuery` says how to ask), with `follow=true` as
 * JSON lines for as long as the client stays; `actions=N` answers the newest N actions instead, `course=REVISION` all that came of one (ledger/actions.ts). POST takes a list of
 * `WorkNote`s from components outside of this process.
 */
export class LedgerRequests {
  readonly #ledger: Ledger;
  readonly #clock: Clock;

  constructor(ledger: Ledger, clock: Clock) {
    this.#ledger = ledger;
    this.#clock = clock;
  }

  serves(path: string): boolean {
    return path === LEDGER_PATH;
  }

  async answer(exchange: Exchange & { readonly query: URLSearchParams }, user: User, signal: AbortSignal): Promise<void> {
    const { request, query } = exchange;
    if (request.method === 'POST') return await this.#take(exchange, user);
    if (request.method !== 'GET') throw methodNotAllowed({ group: '', resource: LEDGER_PATH }, request.method ?? '');
    if (query.get('follow') === 'true') return this.#follow(exchange, signal);
    const oldest = this.#ledger.entries[0];
    const actions = Number(query.get('actions'));
    if (actions > 0) {
      const answer = { actions: actionsOf(this.#ledger.entries, Math.min(actions, MOST_ACTIONS)), ...(oldest && { since: oldest.at }) };
      return await sendObject(exchange, 200, answer, { media: 'application/json', pretty: false });
    }
    const course = query.get('course');
    const entries = course === null ? this.#ledger.related(readLedgerQuery(query)) : courseOf(this.#ledger.entries, Number(course));
    await sendObject(exchange, 200, { entries: entries.slice(-MOST_ENTRIES), ...(entries.length > MOST_ENTRIES && { truncated: true }), ...(oldest && { since: oldest.at }) }, { media: 'application/json', pretty: false });
  }

  async #take(exchange: Exchange, user: User): Promise<void> {
    const notes = parse((await readBody(exchange.request, this.#clock)).toString());
    if (!Array.isArray(notes) || !notes.every(isNote)) throw badRequest('the ledger takes a list of notes of work');
    for (const { work, about: { group, resource, kind, namespace, name, uid }, by, tookMs, at, causes, facts, error, choice } of notes) {
      this.#ledger.work(user.name, {
        work, about: { group, resource, kind, name, uid, ...(namespace !== undefined && { namespace }) }, by, tookMs, facts,
        ...(at !== undefined && { at }), ...(causes && { causes: causes.slice(-MOST_CAUSES) }), ...(error !== undefined && { error: error.slice(0, LONGEST_ERROR) }), ...(choice && { choice }),
      });
    }
    await sendObject(exchange, 200, { taken: notes.length }, { media: 'application/json', pretty: false });
  }

  #follow({ response, query }: Exchange & { readonly query: URLSearchParams }, signal: AbortSignal): void {
    const related = relatedEntries(this.#ledger.entries, readLedgerQuery(query));
    response.writeHead(200, { 'Cache-Control': 'no-cache, private', 'Content-Type': 'application/x-ndjson' });
    const send = (entry: LedgerEntry): void => {
      response.write(`${JSON.stringify(entry)}\n`);
      // Who does not read is let go of; the next call tells all anew.
      if (response.writableLength > MOST_UNREAD) response.destroy();
    };
    for (const entry of related.entries.slice(-MOST_ENTRIES)) send(entry);
    response.flushHeaders();
    const subscription = this.#ledger.subscribe((entry) => {
      if (related.accept(entry)) send(entry);
    });
    signal.addEventListener('abort', () => {
      subscription[Symbol.dispose]();
      response.end();
    }, { once: true });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw badRequest(`the body is no JSON: ${error.message}`);
  }
}

const WORK = new Set(['schedule', 'pull', 'sandbox', 'create', 'start', 'exit']);

function isNote(value: unknown): value is WorkNote {
  const { work, about, by, tookMs, facts, causes = [], at = 0, error = '' } = (value ?? {}) as Partial<WorkNote>;
  return WORK.has(work as string) && typeof by === 'string' && typeof tookMs === 'number' && typeof at === 'number' && typeof error === 'string' && typeof facts === 'object'
    && typeof about?.uid === 'string' && typeof about.name === 'string' && Array.isArray(causes) && causes.every((cause) => typeof cause === 'number');
}
