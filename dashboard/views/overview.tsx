import { useComputed, useSignal, useSignalEffect } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Actions } from '../../src/dashboard/background/step.ts';
import type { NodeRow, PodRow, Tone } from '../../src/dashboard/rows/row.ts';
import { call, pathOf, pathOfKind } from '../api.ts';
import { beatsOf } from '../background/beats.ts';
import { wordsOf } from '../background/words.ts';
import { bytes, cores } from '../format.ts';
import { many, t } from '../language.ts';
import { filter, hrefOf, namespace } from '../route.ts';
import { matches } from '../list-view.tsx';
import { Spark } from '../spark.tsx';
import { podsInWords, Squares } from '../squares.tsx';
import { healthOf, history, podsByNode, tables, usage, workloads } from '../store.ts';
import { troubles } from '../troubles.ts';
import { Age, Command, Dot, Empty, Meter, ObjectLink, State } from '../ui.tsx';

const here = ({ ns }: { readonly ns?: string }): boolean => !namespace.value || !ns || ns === namespace.value;

export function OverviewView(): JSX.Element {
  return <div class="overview">
    <Tiles />
    <Troubles />
    <section aria-labelledby="rooms-title">
      <h2 id="rooms-title">{t('Nodes and their pods')}<Legend /></h2>
      <Rooms />
    </section>
    <div class="halves">
      <Lately />
      <LatestEvents />
    </div>
  </div>;
}

function Tiles(): JSX.Element {
  const nodes = tables.nodes.all();
  const pods = tables.pods.all().filter(here);
  const parts = workloads.value.filter(here);
  const measured = usage.value && Object.values(usage.value.nodes);
  const used = (what: 0 | 1): number => (measured ?? []).reduce((total, use) => total + use[what], 0);
  const room = nodes.reduce((total, node) => ({ cpu: total.cpu + node.cpu, memory: total.memory + node.memory }), { cpu: 0, memory: 0 });
  const lasting = parts.filter(({ kind }) => kind !== 'Job' && kind !== 'CronJob');
  const tones = (rows: readonly { readonly tone: Tone }[], ...wanted: Tone[]): number => rows.filter(({ tone }) => wanted.includes(tone)).length;
  return <div class="tiles">
    <Tile view="nodes" title="Nodes" value={tones(nodes, 'ok', 'idle')} of={nodes.length} words="ready" bad={tones(nodes, 'bad')} />
    <Tile view="workloads" title="Workloads" value={tones(lasting, 'ok', 'idle')} of={lasting.length} words="as wanted" bad={tones(parts.map(healthOf), 'bad')} />
    <Tile view="pods" title="Pods" value={tones(pods, 'ok')} of={pods.length - tones(pods, 'done')} words="running" bad={tones(pods, 'bad')} />
    {measured && <Use what={0} label="CPU" used={used(0)} of={room.cpu} text={t('{a} of {b} cores', { a: cores(used(0)), b: cores(room.cpu) })} />}
    {measured && <Use what={1} label="Memory" used={used(1)} of={room.memory} text={t('{a} of {b}', { a: bytes(used(1)), b: bytes(room.memory) })} />}
  </div>;
}

/** What the nodes use together, over time. */
function Use({ what, label, used, of, text }: { readonly what: 0 | 1; readonly label: string; readonly used: number; readonly of: number; readonly text: string }): JSX.Element {
  const points = history.value.map(({ at, nodes }) => [at, Object.values(nodes).reduce((sum, use) => sum + use[what], 0)] as const);
  return <div class="tile use"><span>{t(label)}</span><b>{what === 0 ? cores(used) : bytes(used)}</b><em>{text}</em><Spark points={points} of={of} label={t('{what} over time', { what: t(label) })} /></div>;
}

interface TileProps {
  readonly view: string;
  readonly title: string;
  readonly value: number;
  readonly of: number;
  readonly words: string;
  readonly bad: number;
}

function Tile({ view, title, value, of, words, bad }: TileProps): JSX.Element {
  return <a class="tile" href={hrefOf({ view })}>
    <span>{t(title)}</span><b>{value}<small> / {of}</small></b><em>{t(words)}{bad > 0 && <State tone="bad">{t('{n} failing', { n: bad })}</State>}</em>
  </a>;
}

function Legend(): JSX.Element {
  const meanings: readonly [Tone, string][] = [['ok', 'running'], ['busy', 'on the way'], ['bad', 'failing'], ['done', 'done']];
  return <span class="legend" aria-hidden="true">{meanings.map(([tone, word]) => <span key={tone}><i class={`square ${tone}`} />{t(word)}</span>)}</span>;
}

function Rooms(): JSX.Element {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (pod: PodRow): boolean => here(pod) && (words.length === 0 || matches(`${pod.ns}/${pod.name} ${pod.status}`.toLowerCase(), words));
  const rooms = useComputed(() => {
    const nodes = tables.nodes.all().sort((a, b) => (a.name < b.name ? -1 : 1));
    return nodes.map((node) => [node, podsByNode.value.get(node.name) ?? []] as const);
  });
  const homeless = (podsByNode.value.get('') ?? []).filter(fits);
  if (rooms.value.length === 0) return <Empty>{tables.nodes.synced.value ? <><p>{t('There are no nodes yet.')}</p><Command text="wherry node add" /></> : t('Looking…')}</Empty>;
  return <div class="rooms">
    {homeless.length > 0 && <article class="room waiting">
      <h3><Dot tone={homeless.some(({ tone }) => tone === 'bad') ? 'bad' : 'busy'} />{t('No node yet')}</h3>
      <p class="quiet">{podsInWords(homeless)}</p>
      <Squares pods={homeless} label={podsInWords(homeless)} />
    </article>}
    {rooms.value.map(([node, all]) => <Room key={node.id} node={node} pods={all.filter(fits)} />)}
  </div>;
}

function Room({ node, pods }: { readonly node: NodeRow; readonly pods: readonly PodRow[] }): JSX.Element {
  const used = usage.value?.nodes[node.name];
  const points = (what: 0 | 1): (readonly [number, number])[] => history.value.flatMap(({ at, nodes }) => (nodes[node.name] ? [[at, nodes[node.name]![what]] as const] : []));
  return <article class={`room ${node.tone}`}>
    <h3><Dot tone={node.tone} /><ObjectLink path={pathOf('nodes', node)}>{node.name}</ObjectLink><small>{node.tone === 'ok' ? node.roles : node.status}</small></h3>
    <Squares pods={pods} label={`${node.name}, ${podsInWords(pods)}`} />
    {used ? <div class="uses">
      <div><Meter label={t('CPU')} value={used[0]} of={node.cpu} text={t('{a} of {b} cores', { a: cores(used[0]), b: cores(node.cpu) })} short={`${Math.round(used[0] / node.cpu * 100)} %`} />
        <Spark points={points(0)} of={node.cpu} label={t('{what} over time', { what: t('CPU') })} /></div>
      <div><Meter label={t('Memory')} value={used[1]} of={node.memory} text={t('{a} of {b}', { a: bytes(used[1]), b: bytes(node.memory) })} short={bytes(used[1])} />
        <Spark points={points(1)} of={node.memory} label={t('{what} over time', { what: t('Memory') })} /></div>
    </div> : <p class="quiet">{many(pods.length, '1 pod', '{n} pods')} · {t('{a} cores, {b}', { a: cores(node.cpu), b: bytes(node.memory) })}</p>}
  </article>;
}

function Troubles(): JSX.Element | null {
  const list = troubles.value.filter(here);
  if (!tables.pods.synced.value) return null;
  if (list.length === 0) return <p class="calm"><Dot tone="ok" />{t('All is well: everything that should run does.')}</p>;
  return <section aria-labelledby="troubles-title">
    <h2 id="troubles-title">{t('Needs a look')} <small>{list.length}</small></h2>
    <ul class="troubles">{list.slice(0, 12).map(({ id, tone, what, why, ns, path }) => <li key={id}>
      <Dot tone={tone} /><div><ObjectLink path={path}>{what}</ObjectLink>{ns && <small>{ns}</small>}<p>{why}</p></div>
    </li>)}</ul>
    {list.length > 12 && <p class="quiet">{t('and {n} more', { n: list.length - 12 })}</p>}
  </section>;
}

/** What was begun lately, each with its story. */
function Lately(): JSX.Element | null {
  const found = useSignal<Actions | undefined>(undefined);
  const pending = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useSignalEffect(() => {
    for (const name of ['deployments', 'statefulsets', 'daemonsets', 'jobs', 'services', 'replicasets'] as const) void tables[name].version.value;
    pending.current ??= setTimeout(() => {
      pending.current = undefined;
      call<Actions>('GET', '/background').then((actions) => { found.value = actions; }, () => { /* The banner says that the connection is lost. */ });
    }, found.peek() ? 1500 : 0);
  });
  useEffect(() => () => clearTimeout(pending.current), []);
  if (!found.value || found.value.gap) return null;
  const list = found.value.actions.filter(({ first }) => here(first)).slice(0, 7);
  return <section aria-labelledby="lately-title">
    <h2 id="lately-title">{t('Begun lately')} <a class="more" href={hrefOf({ view: 'background', params: { of: '' } })}>{t('what they set off')}</a></h2>
    {list.length === 0 ? <Empty><p>{t('Nothing was begun yet.')}</p><Command text="kubectl create deployment hello --image=nginx" /></Empty> : <ul class="warnings">{list.map(({ revision, first, steps, failed }) => {
      const { who, did } = wordsOf(beatsOf([first])[0]!);
      return <li key={revision}><Age since={first.at} /><div><a href={hrefOf({ view: 'background', params: { of: String(revision) } })}><Dot tone={failed ? 'bad' : 'ok'} /> {who}</a> <small>{many(steps, 'one step', '{n} steps')}</small><p>{did}</p></div></li>;
    })}</ul>}
  </section>;
}

function LatestEvents(): JSX.Element {
  const latest = tables.events.all().filter(here).sort((a, b) => b.last - a.last || (a.id < b.id ? -1 : 1)).slice(0, 8);
  return <section aria-labelledby="events-title">
    <h2 id="events-title">{t('Latest events')} <a class="more" href={hrefOf({ view: 'events' })}>{t('all events')}</a></h2>
    {latest.length === 0 ? <Empty>{t('Nothing has happened lately. Events are kept for an hour.')}</Empty> : <ul class="warnings">{latest.map((event) => <li key={event.uid} class={event.warning ? 'warning' : ''}>
      <Age since={event.last} />
      <div><ObjectLink path={pathOfKind(event.about.kind, event.about)}>{event.about.kind} {event.about.name}</ObjectLink> <b>{event.reason}</b>{event.count > 1 && <small>{t('{n} times', { n: event.count })}</small>}<p>{event.message}</p></div>
    </li>)}</ul>}
  </section>;
}
