import type { ServerResponse } from 'node:http';
import { once } from 'node:events';
import { StatusError } from '../api/errors.ts';
import type { HttpClient } from '../client/http-client.ts';
import { lines } from '../client/lines.ts';

/** Logs that are followed at once; a browser would not open so many connections to one server. */
export const MOST_SOURCES = 100;

export interface LogSource {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

export interface LogWish {
  readonly sources: readonly LogSource[];
  readonly follow: boolean;
  readonly previous: boolean;
  /** Lines of each from the end. */
  readonly tail: number;
}

/** `source=default/kubia-x/maestro`, as often as wanted. */
export function readLogWish(query: URLSearchParams): LogWish {
  const sources = query
    .getAll('source')
    .slice(0, MOST_SOURCES)
    .flatMap((text): LogSource[] => {
      const [namespace, pod, container] = text.split('/');
      return namespace && pod && container ? [{ namespace, pod, container }] : [];
    });
  return {
    sources,
    follow: query.get('follow') === 'true',
    previous: query.get('previous') === 'true',
    tail: Math.min(Number(query.get('tail')) || 1000, 10_000),
  };
}

/**
 * Writes the logs of many containers as one stream of JSON lines, `[source, time, text]` as they come, where `source` counts those asked for; `[source, "", fault]` where one cannot
 * be read. Ends when all have ended, or the page goes.
 */
export async function sendLogs(http: Pick<HttpClient, 'stream'>, wish: LogWish, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  response.flushHeaders();
  const send = async (line: readonly [number, string, string]): Promise<void> => {
    if (!response.write(`${JSON.stringify(line)}\n`) && !gone.signal.aborted) await once(response, 'drain', { signal: gone.signal });
  };
  await Promise.all(
    wish.sources.map(async ({ namespace, pod, container }, i) => {
      const query = new URLSearchParams({
        container,
        timestamps: 'true',
        tailLines: String(wish.tail),
        ...(wish.follow && !wish.previous && { follow: 'true' }),
        ...(wish.previous && { previous: 'true' }),
      });
      try {
        const { body } = await http.stream(
          'GET',
          `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/log?${query}`,
          { signal: gone.signal },
        );
        for await (const line of lines(body)) {
          const space = line.indexOf(' ');
          await send([i, line.slice(0, space), line.slice(space + 1)]);
        }
      } catch (error) {
        if (gone.signal.aborted) return;
        // The others go on: what is wrong with this one is told in its place.
        await send([i, '', error instanceof StatusError ? error.message : `the log broke off: ${(error as Error).message}`]);
      }
    }),
  );
  response.end();
}
