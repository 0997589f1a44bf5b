import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import type { Obj } from '../api.ts';
import { many, t } from '../language.ts';
import { podsByWorkload, tables } from '../store.ts';
import { useWindow } from '../window-of.ts';
import { addLines, readLines, type LogLine } from './log-lines.ts';

const LINE_HEIGHT = 18;
/** Of each, from the end; one alone tells more. */
const TAIL = 5_000;
const TAIL_OF_MANY = 500;
const MOST_SOURCES = 100;

interface Source {
  readonly ns: string;
  readonly pod: string;
  readonly container: string;
  /** Another run of the container is another source: it is read anew. */
  readonly run: string;
}

/** What a pod's containers write, as they write it. */
export function PodLogs({ pod }: { readonly pod: Obj }): JSX.Element {
  const containers: readonly string[] = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].map(({ name }: { name: string }) => name);
  const container = useSignal(containers[0]!);
  const { name, namespace = '' } = pod.metadata;
  const chosen = container.value === '' ? containers : [container.value];
  const sources = chosen.map((each) => ({ ns: namespace, pod: name, container: each, run: runOf(pod, each) }));
  return <Logs sources={sources} names={chosen.length > 1 ? 'container' : 'none'}>
    {containers.length > 1 && <label>{t('Container')} <select value={container.value} onChange={(event) => { container.value = event.currentTarget.value; }}>
      {containers.map((each) => <option key={each} value={each}>{each}</option>)}<option value="">{t('all of them')}</option>
    </select></label>}
  </Logs>;
}

/** What all pods of a workload write, merged in the order of time. */
export function WorkloadLogs({ object }: { readonly object: Obj }): JSX.Element {
  const { kind, metadata: { namespace = '', name } } = object;
  const pods = (kind === 'ReplicaSet'
    ? tables.pods.all().filter(({ ns, owner }) => ns === namespace && owner?.kind === kind && owner.name === name)
    : podsByWorkload.value.get(`${kind}/${namespace}/${name}`) ?? []).filter(({ node }) => node).sort((a, b) => (a.name < b.name ? -1 : 1));
  const containers = [...new Set(pods.flatMap((pod) => pod.containers))];
  const container = useSignal('');
  const all = pods.flatMap((pod) => pod.containers.filter((each) => !container.value || each === container.value).map((each) => ({ ns: namespace, pod: pod.name, container: each, run: `${pod.uid} ${pod.restarts}` })));
  const sources = all.slice(0, MOST_SOURCES);
  return <Logs sources={sources} names={containers.length > 1 ? 'both' : 'pod'}>
    {containers.length > 1 && <label>{t('Container')} <select value={container.value} onChange={(event) => { container.value = event.currentTarget.value; }}>
      <option value="">{t('all of them')}</option>{containers.map((each) => <option key={each}>{each}</option>)}
    </select></label>}
    <span class="quiet">{many(pods.length, 'one pod', '{n} pods')}{all.length > sources.length && `, ${t('the first {n} are read', { n: sources.length })}`}</span>
  </Logs>;
}

function runOf({ status }: Obj, container: string): string {
  const of = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].find(({ name }: { name: string }) => name === container) as { containerID?: string; state?: { waiting?: unknown } } | undefined;
  return `${of?.containerID ?? ''}${of?.state?.waiting ? ' waiting' : ''}`;
}

interface LogsProps {
  readonly sources: readonly Source[];
  /** What of its source stands before each line. */
  readonly names: 'none' | 'pod' | 'container' | 'both';
  readonly children?: JSX.Element | readonly (JSX.Element | false)[] | false;
}

function Logs({ sources, names, children }: LogsProps): JSX.Element {
  const previous = useSignal(false);
  const follow = useSignal(true);
  const times = useSignal(false);
  const search = useSignal('');
  const state = useSignal('');
  const version = useSignal(0);
  const lines = useRef<LogLine[]>([]);
  const asked = sources.map(({ ns, pod, container }) => `${ns}/${pod}/${container}`);
  const runs = sources.map(({ pod, container, run }) => `${pod} ${container} ${run}`).join('\n');
  useEffect(() => {
    const ending = new AbortController();
    lines.current = [];
    version.value++;
    state.value = '';
    if (asked.length === 0) return;
    const query = new URLSearchParams([...asked.map((source) => ['source', source]), ['tail', String(asked.length > 1 ? TAIL_OF_MANY : TAIL)], ['follow', String(follow.value && !previous.value)], ['previous', String(previous.value)]]);
    void readLines(query, ending.signal, (fresh) => {
      addLines(lines.current, fresh);
      version.value++;
    }).then((end) => { if (!ending.signal.aborted) state.value = t(end); });
    return () => ending.abort();
  }, [runs, previous.value, follow.value]);
  const word = search.value.toLowerCase();
  const shown = useMemo(() => (word ? lines.current.filter(({ text }) => text.toLowerCase().includes(word)) : lines.current), [word, version.value]);
  const label = (source: number): string => {
    const { pod = '', container = '' } = sources[source] ?? {};
    return names === 'none' ? '' : names === 'container' ? container : names === 'pod' ? pod : `${pod} ${container}`;
  };
  return <>
    <div class="tools">
      {children}
      <label><input type="checkbox" checked={follow.value} onChange={(event) => { follow.value = event.currentTarget.checked; }} />{t('Follow')}</label>
      <label><input type="checkbox" checked={previous.value} onChange={(event) => { previous.value = event.currentTarget.checked; }} />{t('Previous run')}</label>
      <label><input type="checkbox" checked={times.value} onChange={(event) => { times.value = event.currentTarget.checked; }} />{t('Times')}</label>
      <input type="search" placeholder={t('Find in the log')} aria-label={t('Find in the log')} value={search.value} onInput={(event) => { search.value = event.currentTarget.value; }} />
      {word && <span class="quiet" role="status">{many(shown.length, 'one line', '{n} lines')}</span>}
    </div>
    <Lines lines={shown} version={version.value} stick={follow.value} word={word} times={times.value} label={label} />
    <p class="quiet end" role="status">{state.value || (shown.length === 0 ? (lines.current.length > 0 ? t('No line has that.') : t('Nothing written yet.')) : '')}</p>
  </>;
}

interface LinesProps {
  readonly lines: readonly LogLine[];
  readonly version: number;
  readonly stick: boolean;
  readonly word: string;
  readonly times: boolean;
  label(source: number): string;
}

/** Only what is in sight is drawn; at the end it stays at the end while lines come. */
function Lines({ lines, version, stick, word, times, label }: LinesProps): JSX.Element {
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
  return <div class="log" role="log" aria-live="off" aria-label={t('Log')} tabIndex={0} ref={area.ref} onScroll={onScroll}>
    <div style={{ height: lines.length * LINE_HEIGHT }}><div class="lines" style={{ transform: `translateY(${area.first * LINE_HEIGHT}px)` }}>
      {lines.slice(area.first, area.last).map(({ source, at, text }, i) => {
        const from = label(source);
        return <p key={area.first + i} class={at ? undefined : 'fault'}>{times && at && <time>{at.slice(0, 23).replace('T', ' ')} </time>}
          {from && <b class={`from hue${source % 6}`} title={from}>{from.length > 20 ? `…${from.slice(-19)}` : from} </b>}<Found text={text} word={word} /></p>;
      })}
    </div></div>
  </div>;
}

/** What is searched for, marked. */
function Found({ text, word }: { readonly text: string; readonly word: string }): JSX.Element {
  if (!word) return <>{text}</>;
  const parts: (string | JSX.Element)[] = [];
  const low = text.toLowerCase();
  let from = 0;
  for (let at = low.indexOf(word); at >= 0; at = low.indexOf(word, from)) {
    parts.push(text.slice(from, at), <mark key={at}>{text.slice(at, at + word.length)}</mark>);
    from = at + word.length;
  }
  return <>{parts}{text.slice(from)}</>;
}
