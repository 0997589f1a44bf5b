import { isBrokenOff, request } from '../api.ts';

export interface LogLine {
  /** Which of the sources; -1: it is of us. */
  readonly source: number;
  /** RFC 3339; empty: it is no line of a log but a fault. */
  readonly at: string;
  readonly text: string;
}

/** More lines are kept than anybody reads; the oldest go first. */
const MOST_LINES = 50_000;
/** What tells a terminal to change its colour, or else how it looks. */
const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[[0-9;?]*[A-Za-z]`, 'g');

/** Colours of terminals are left out; what overwrites a line stands for it. */
export function plain(text: string): string {
  return text.replaceAll(COLOURS, '').replace(/^.*\r(?!$)/, '').replace(/\r$/, '');
}

/** Adds lines to others, in the order of their times: the streams of several containers come side by side. */
export function addLines(all: LogLine[], fresh: readonly LogLine[]): void {
  let last = all.at(-1)?.at ?? '';
  let inOrder = true;
  for (const line of fresh) {
    if (line.at && line.at < last) inOrder = false;
    if (line.at) last = line.at;
    all.push(line);
  }
  if (!inOrder) all.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  if (all.length > MOST_LINES) all.splice(0, all.length - MOST_LINES);
}

/** What a log that broke off ends with: it is to be read anew. */
export const BROKEN_OFF = 'broken off';

/** Reads until the end; resolves to why it ended, in words. */
export async function readLines(query: URLSearchParams, signal: AbortSignal, take: (lines: readonly LogLine[]) => void): Promise<string> {
  try {
    const response = await request('GET', `/logs?${query}`, { accept: '*/*', signal });
    const decoder = new TextDecoder();
    let rest = '';
    // Not every browser iterates streams.
    const reader = response.body!.getReader();
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      const texts = (rest + decoder.decode(chunk.value, { stream: true })).split('\n');
      rest = texts.pop()!;
      if (texts.length > 0) {
        take(texts.map((text) => {
          const [source, at, line] = JSON.parse(text) as [number, string, string];
          return { source, at, text: plain(line) };
        }));
      }
    }
    return query.get('follow') === 'true' ? 'The log ends here.' : '';
  } catch (error) {
    return signal.aborted ? '' : isBrokenOff(error) ? BROKEN_OFF : (error as Error).message;
  }
}
