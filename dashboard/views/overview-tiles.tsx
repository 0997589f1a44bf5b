import type { JSX } from 'preact';
import type { Tone } from '../../src/dashboard/rows/row.ts';
import { bytes, cores } from '../format.ts';
import { t } from '../language.ts';
import { hrefOf } from '../route.ts';
import { Spark } from '../spark.tsx';
import { healthOf, history, tables, usage, workloads } from '../store.ts';
import { State } from '../ui.tsx';
import { here } from '../here.ts';

export function Tiles(): JSX.Element {
  const nodes = tables.nodes.all();
  const pods = tables.pods.all().filter(here);
  const parts = workloads.value.filter(here);
  const measured = usage.value && Object.values(usage.value.nodes);
  const used = (what: 0 | 1): number => (measured ?? []).reduce((total, use) => total + use[what], 0);
  const room = nodes.reduce((total, node) => ({ cpu: total.cpu + node.cpu, memory: total.memory + node.memory }), { cpu: 0, memory: 0 });
  const lasting = parts.filter(({ kind }) => kind !== 'Job' && kind !== 'CronJob');
  const tones = (rows: readonly { readonly tone: Tone }[], ...wanted: Tone[]): number =>
    rows.filter(({ tone }) => wanted.includes(tone)).length;
  return (
    <div class="tiles">
      <Tile view="nodes" title="Nodes" value={tones(nodes, 'ok', 'idle')} of={nodes.length} words="ready" bad={tones(nodes, 'bad')} />
      <Tile
        view="workloads"
        title="Workloads"
        value={tones(lasting, 'ok', 'idle')}
        of={lasting.length}
        words="as wanted"
        bad={tones(parts.map(healthOf), 'bad')}
      />
      <Tile
        view="pods"
        title="Pods"
        value={tones(pods, 'ok')}
        of={pods.length - tones(pods, 'done')}
        words="running"
        bad={tones(pods, 'bad')}
      />
      {measured && (
        <Use what={0} label="CPU" used={used(0)} of={room.cpu} text={t('{a} of {b} cores', { a: cores(used(0)), b: cores(room.cpu) })} />
      )}
      {measured && (
        <Use what={1} label="Memory" used={used(1)} of={room.memory} text={t('{a} of {b}', { a: bytes(used(1)), b: bytes(room.memory) })} />
      )}
    </div>
  );
}

/** What the nodes use together, over time. */
function Use({
  what,
  label,
  used,
  of,
  text,
}: {
  readonly what: 0 | 1;
  readonly label: string;
  readonly used: number;
  readonly of: number;
  readonly text: string;
}): JSX.Element {
  const points = history.value.map(({ at, nodes }) => [at, Object.values(nodes).reduce((sum, use) => sum + use[what], 0)] as const);
  return (
    <div class="tile use">
      <span>{t(label)}</span>
      <b>{what === 0 ? cores(used) : bytes(used)}</b>
      <em>{text}</em>
      <Spark points={points} of={of} label={t('{what} over time', { what: t(label) })} />
    </div>
  );
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
  return (
    <a class="tile" href={hrefOf({ view })}>
      <span>{t(title)}</span>
      <b>
        {value}
        <small> / {of}</small>
      </b>
      <em>
        {t(words)}
        {bad > 0 && <State tone="bad">{t('{n} failing', { n: bad })}</State>}
      </em>
    </a>
  );
}
