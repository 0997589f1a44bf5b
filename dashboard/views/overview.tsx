import { useComputed } from '@preact/signals';
import type { JSX } from 'preact';
import type { NodeRow, PodRow, Tone } from '../../src/dashboard/rows/row.ts';
import { pathOf, pathOfKind } from '../api.ts';
import { bytes, cores, count } from '../format.ts';
import { filter, hrefOf, namespace } from '../route.ts';
import { matches } from '../list-view.tsx';
import { podsInWords, Squares } from '../squares.tsx';
import { healthOf, podsByNode, tables, usage, workloads } from '../store.ts';
import { troubles } from '../troubles.ts';
import { Age, Dot, Empty, Meter, ObjectLink, State } from '../ui.tsx';

const here = ({ ns }: { readonly ns?: string }): boolean => !namespace.value || !ns || ns === namespace.value;

export function OverviewView(): JSX.Element {
  return <div class="overview">
    <Tiles />
    <Troubles />
    <section aria-labelledby="rooms-title">
      <h2 id="rooms-title">Nodes and their pods<Legend /></h2>
      <Rooms />
    </section>
    <Warnings />
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
    {measured && <div class="tile use">
      <Meter label="CPU" value={used(0)} of={room.cpu} text={`${cores(used(0))} of ${cores(room.cpu)} cores`} />
      <Meter label="Memory" value={used(1)} of={room.memory} text={`${bytes(used(1))} of ${bytes(room.memory)}`} />
    </div>}
  </div>;
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
    <span>{title}</span><b>{value}<small> / {of}</small></b><em>{words}{bad > 0 && <State tone="bad">{bad} failing</State>}</em>
  </a>;
}

function Legend(): JSX.Element {
  const meanings: readonly [Tone, string][] = [['ok', 'running'], ['busy', 'on the way'], ['bad', 'failing'], ['done', 'done']];
  return <span class="legend" aria-hidden="true">{meanings.map(([tone, word]) => <span key={tone}><i class={`square ${tone}`} />{word}</span>)}</span>;
}

function Rooms(): JSX.Element {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (pod: PodRow): boolean => here(pod) && (words.length === 0 || matches(`${pod.ns}/${pod.name} ${pod.status}`.toLowerCase(), words));
  const rooms = useComputed(() => {
    const nodes = tables.nodes.all().sort((a, b) => (a.name < b.name ? -1 : 1));
    return nodes.map((node) => [node, podsByNode.value.get(node.name) ?? []] as const);
  });
  const homeless = (podsByNode.value.get('') ?? []).filter(fits);
  if (rooms.value.length === 0) return <Empty>{tables.nodes.synced.value ? 'There are no nodes yet.' : 'Looking…'}</Empty>;
  return <div class="rooms">
    {homeless.length > 0 && <article class="room waiting">
      <h3><Dot tone={homeless.some(({ tone }) => tone === 'bad') ? 'bad' : 'busy'} />No node yet</h3>
      <p class="quiet">{podsInWords(homeless)}</p>
      <Squares pods={homeless} label={podsInWords(homeless)} />
    </article>}
    {rooms.value.map(([node, all]) => <Room key={node.id} node={node} pods={all.filter(fits)} />)}
  </div>;
}

function Room({ node, pods }: { readonly node: NodeRow; readonly pods: readonly PodRow[] }): JSX.Element {
  const used = usage.value?.nodes[node.name];
  return <article class={`room ${node.tone}`}>
    <h3><Dot tone={node.tone} /><ObjectLink path={pathOf('nodes', node)}>{node.name}</ObjectLink><small>{node.tone === 'ok' ? node.roles : node.status}</small></h3>
    <Squares pods={pods} label={`${node.name}, ${podsInWords(pods)}`} />
    {used ? <div class="uses">
      <Meter label="CPU" value={used[0]} of={node.cpu} text={`${cores(used[0])} of ${cores(node.cpu)} cores`} short={`${Math.round(used[0] / node.cpu * 100)} %`} />
      <Meter label="Memory" value={used[1]} of={node.memory} text={`${bytes(used[1])} of ${bytes(node.memory)}`} short={bytes(used[1])} />
    </div> : <p class="quiet">{count(pods.length, 'pod')} · {cores(node.cpu)} cores, {bytes(node.memory)}</p>}
  </article>;
}

function Troubles(): JSX.Element | null {
  const list = troubles.value.filter(here);
  if (!tables.pods.synced.value) return null;
  if (list.length === 0) return <p class="calm"><Dot tone="ok" />All is well: everything that should run does.</p>;
  return <section aria-labelledby="troubles-title">
    <h2 id="troubles-title">Needs a look <small>{list.length}</small></h2>
    <ul class="troubles">{list.slice(0, 12).map(({ id, tone, what, why, ns, path }) => <li key={id}>
      <Dot tone={tone} /><div><ObjectLink path={path}>{what}</ObjectLink>{ns && <small>{ns}</small>}<p>{why}</p></div>
    </li>)}</ul>
    {list.length > 12 && <p class="quiet">and {list.length - 12} more</p>}
  </section>;
}

function Warnings(): JSX.Element | null {
  const latest = tables.events.all().filter((event) => event.warning && here(event)).sort((a, b) => b.last - a.last).slice(0, 8);
  if (latest.length === 0) return null;
  return <section aria-labelledby="warnings-title">
    <h2 id="warnings-title">Latest warnings <a class="more" href={hrefOf({ view: 'events' })}>all events</a></h2>
    <ul class="warnings">{latest.map((event) => <li key={event.uid}>
      <Age since={event.last} />
      <div><ObjectLink path={pathOfKind(event.about.kind, event.about)}>{event.about.kind} {event.about.name}</ObjectLink> <b>{event.reason}</b>{event.count > 1 && <small>{event.count} times</small>}<p>{event.message}</p></div>
    </li>)}</ul>
  </section>;
}
