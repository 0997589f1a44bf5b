import type { Session } from '../command/session.ts';

/** A watch frame as it comes over the wire, in the form that was asked for. */
export interface WatchFrame<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: T;
}

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';

/** Follows a watch, frame by frame, until the server ends it or the signal aborts. */
export async function* watchLines<T>(session: Session, path: string, query: Readonly<Record<string, string | undefined>>, asTable: boolean, signal: AbortSignal): AsyncIterable<WatchFrame<T>> {
  const answer = await session.open('GET', path, { query: { ...query, watch: 'true' }, accept: asTable ? `${TABLE},application/json` : 'application/json' });
  // A quiet watch must end as well: the signal may be another than the session's.
  const onAbort = (): void => void answer.body.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  let rest = '';
  answer.body.setEncoding('utf8');
  try {
    for await (const chunk of answer.body) {
      rest += chunk as string;
      const lines = rest.split('\n');
      rest = lines.pop()!;
      for (const line of lines) if (line) yield JSON.parse(line) as WatchFrame<T>;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    answer.body.destroy();
  }
}
