import { useComputed } from '@preact/signals';
import type { JSX } from 'preact';
import type { NodeRow, PodRow, Tone } from '../../src/dashboard/rows/row.ts';
import { pathOf } from '../api.ts';
import { bytes, cores } from '../format.ts';
import { many, t } from '../language.ts';
import { filter } from '../route.ts';
import { matches } from '../list-view.tsx';
import { Spark } from '../spark.tsx';
import { podsInWords, Squares } from '../squares.tsx';
import { history, podsByNode, tables, usage } from '../store.ts';
import { Command, Dot, Empty, Meter, ObjectLink } from '../ui.tsx';
import { here } from '../here.ts';

export function Legend(): JSX.Element {
  const meanings: readonly [Tone, string][] = [
    ['ok', 'running'],
    ['busy', 'on the way'],
    ['bad', 'failing'],
    ['done', 'done'],
  ];
  return (
    <span class="legend" aria-hidden="true">
      {meanings.map(([tone, word]) => (
        <span key={tone}>
          <i class={`square ${tone}`} />
          {t(word)}
        </span>
      ))}
    </span>
  );
}

export function Rooms(): JSX.Element {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (pod: PodRow): boolean =>
    here(pod) && (words.length === 0 || matches(`${pod.ns}/${pod.name} ${pod.status}`.toLowerCase(), words));
  const rooms = useComputed(() => {
    const nodes = tables.nodes.all().sort((a, b) => (a.name < b.name ? -1 : 1));
    return nodes.map((node) => [node, podsByNode.value.get(node.name) ?? []] as const);
  });
  const homeless = (podsByNode.value.get('') ?? []).filter(fits);
  if (rooms.value.length === 0)
    return (
      <Empty>
        {tables.nodes.synced.value ? (
          <>
            <p>{t('There are no nodes yet.')}</p>
            <Command text="wherry node add" />
          </>
        ) : (
          t('Looking…')
        )}
      </Empty>
    );
  return (
    <div class="rooms">
      {homeless.length > 0 && (
        <article class="room waiting">
          <h3>
            <Dot tone={homeless.some(({ tone }) => tone === 'bad') ? 'bad' : 'busy'} />
            {t('No node yet')}
          </h3>
          <p class="quiet">{podsInWords(homeless)}</p>
          <Squares pods={homeless} label={podsInWords(homeless)} />
        </article>
      )}
      {rooms.value.map(([node, all]) => (
        <Room key={node.id} node={node} pods={all.filter(fits)} />
      ))}
    </div>
  );
}

function Room({ node, pods }: { readonly node: NodeRow; readonly pods: readonly PodRow[] }): JSX.Element {
  const used = usage.value?.nodes[node.name];
  const points = (what: 0 | 1): (readonly [number, number])[] =>
    history.value.flatMap(({ at, nodes }) => (nodes[node.name] ? [[at, nodes[node.name]![what]] as const] : []));
  return (
    <article class={`room ${node.tone}`}>
      <h3>
        <Dot tone={node.tone} />
        <ObjectLink path={pathOf('nodes', node)}>{node.name}</ObjectLink>
        <small>{node.tone === 'ok' ? node.roles : node.status}</small>
      </h3>
      <Squares pods={pods} label={`${node.name}, ${podsInWords(pods)}`} />
      {used ? (
        <div class="uses">
          <div>
            <Meter
              label={t('CPU')}
              value={used[0]}
              of={node.cpu}
              text={t('{a} of {b} cores', { a: cores(used[0]), b: cores(node.cpu) })}
              short={`${Math.round((used[0] / node.cpu) * 100)} %`}
            />
            <Spark points={points(0)} of={node.cpu} label={t('{what} over time', { what: t('CPU') })} />
          </div>
          <div>
            <Meter
              label={t('Memory')}
              value={used[1]}
              of={node.memory}
              text={t('{a} of {b}', { a: bytes(used[1]), b: bytes(node.memory) })}
              short={bytes(used[1])}
            />
            <Spark points={points(1)} of={node.memory} label={t('{what} over time', { what: t('Memory') })} />
          </div>
        </div>
      ) : (
        <p class="quiet">
          {many(pods.length, '1 pod', '{n} pods')} · {t('{a} cores, {b}', { a: cores(node.cpu), b: bytes(node.memory) })}
        </p>
      )}
    </article>
  );
}
