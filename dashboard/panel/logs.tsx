import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { request, type Obj } from '../api.ts';
import { opened } from '../route.ts';
import { useWindow } from '../window-of.ts';

const LINE_HEIGHT = 18;
/** More lines are kept than anybody reads; the oldest go first. */
const MOST_LINES = 50_000;
const TAIL = 5_000;
/** What tells a terminal to change its colour, or else how it looks. */
const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[[0-9;?]*[A-Za-z]`, 'g');

/** What a container writes, as it writes it. */
export function Logs({ pod }: { readonly pod: Obj }): JSX.Element {
  const containers: readonly string[] = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].map(({ name }: { name: string }) => name);
  const container = useSignal(containers[0]!);
  const previous = useSignal(false);
  const follow = useSignal(true);
  const times = useSignal(false);
  const search = useSignal('');
  const state = useSignal('');
  const version = useSignal(0);
  const lines = useRef<string[]>([]);
  const run = statusOf(pod, container.value);
  const path = opened.value;
  useEffect(() => {
    const ending = new AbortController();
    lines.current = [];
    version.value++;
    const query = new URLSearchParams({
      container: container.value, tailLines: String(TAIL), ...(follow.value && !previous.value && { follow: 'true' }), ...(previous.value && { previous: 'true' }), ...(times.value && { timestamps: 'true' }),
    });
    void readLines(`${path}/log?${query}`, ending.signal, (fresh) => {
      const all = lines.current;
      all.push(...fresh);
      if (all.length > MOST_LINES) all.splice(0, all.length - MOST_LINES);
      version.value++;
    }).then((end) => { if (!ending.signal.aborted) state.value = end; });
    state.value = '';
    return () => ending.abort();
  }, [container.value, previous.value, follow.value, times.value, path, run]);
  const word = search.value.toLowerCase();
  const shown = useMemo(() => (word ? lines.current.filter((line) => line.toLowerCase().includes(word)) : lines.current), [word, version.value]);
  return <>
    <div class="tools">
      {containers.length > 1 && <label>Container <select value={container.value} onChange={(event) => { container.value = event.currentTarget.value; }}>{containers.map((name) => <option key={name}>{name}</option>)}</select></label>}
      <label><input type="checkbox" checked={follow.value} onChange={(event) => { follow.value = event.currentTarget.checked; }} />Follow</label>
      <label><input type="checkbox" checked={previous.value} onChange={(event) => { previous.value = event.currentTarget.checked; }} />Previous run</label>
      <label><input type="checkbox" checked={times.value} onChange={(event) => { times.value = event.currentTarget.checked; }} />Times</label>
      <input type="search" placeholder="Find in the log" aria-label="Find in the log" value={search.value} onInput={(event) => { search.value = event.currentTarget.value; }} />
    </div>
    <Lines lines={shown} version={version.value} stick={follow.value} />
    <p class="quiet end" role="status">{state.value || (shown.length === 0 ? (lines.current.length > 0 ? 'No line has that.' : 'Nothing written yet.') : '')}</p>
  </>;
}

function statusOf({ status }: Obj, container: string): string {
  const of = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].find(({ name }: { name: string }) => name === container) as { containerID?: string; state?: { waiting?: unknown } } | undefined;
  // Read anew when another run of the container begins.
  return `${of?.containerID ?? ''}${of?.state?.waiting ? ' waiting' : ''}`;
}

/** Reads until the end; resolves to why it ended, in words. */
async function readLines(path: string, signal: AbortSignal, take: (lines: string[]) => void): Promise<string> {
  try {
    const response = await request('GET', path, { accept: '*/*', signal });
    const decoder = new TextDecoder();
    let rest = '';
    // Not every browser iterates streams.
    const reader = response.body!.getReader();
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      const text = rest + decoder.decode(chunk.value, { stream: true });
      const lines = text.split('\n');
      rest = lines.pop()!;
      // Colours of terminals are left out; what overwrites a line stands for it.
      if (lines.length > 0) take(lines.map((line) => line.replaceAll(COLOURS, '').replace(/^.*\r(?!$)/, '').replace(/\r$/, '')));
    }
    if (rest) take([rest]);
    return path.includes('follow=true') ? 'The log ends here.' : '';
  } catch (error) {
    return signal.aborted ? '' : (error as Error).message;
  }
}

/** Only what is in sight is drawn; at the end it stays at the end while lines come. */
function Lines({ lines, version, stick }: { readonly lines: readonly string[]; readonly version: number; readonly stick: boolean }): JSX.Element {
  const area = useWindow(lines.length, LINE_HEIGHT);
  const atEnd = useRef(true);
  useLayoutEffect(() => {
    const element = area.ref.current!;
    if (stick && atEnd.current) element.scrollTop = element.scrollHeight;
    area.onScroll();
  }, [version, lines, stick]);
  const onScroll = (): void => {
    const { scrollTop, scrollHeight, clientHeight } = area.ref.current!;
    atEnd.current = scrollHeight - scrollTop - clientHeight < LINE_HEIGHT * 2;
    area.onScroll();
  };
  return <div class="log" role="log" aria-live="off" aria-label="Log" tabIndex={0} ref={area.ref} onScroll={onScroll}>
    <div style={{ height: lines.length * LINE_HEIGHT }}><pre style={{ transform: `translateY(${area.first * LINE_HEIGHT}px)` }}>{lines.slice(area.first, area.last).join('\n')}</pre></div>
  </div>;
}
