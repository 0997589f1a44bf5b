import type { JSX } from 'preact';
import { pathOf, type Obj } from '../api.ts';
import { bytes, cores } from '../format.ts';
import { t } from '../language.ts';
import { podsInWords, Squares } from '../squares.tsx';
import { podsByNode, tables, usage } from '../store.ts';
import { Age, Meter, ObjectLink, State } from '../ui.tsx';
import { Conditions, Fact, Facts } from './facts.tsx';

export function NodeSummary({ object }: { readonly object: Obj }): JSX.Element | null {
  const {
    metadata: { name },
    status = {},
  } = object;
  const row = tables.nodes.get(name);
  const pods = podsByNode.value.get(name) ?? [];
  const used = usage.value?.nodes[name];
  if (!row) return null;
  return (
    <>
      <section class="lead">
        <p class="big">
          <State tone={row.tone}>{row.status}</State>
        </p>
        {row.why && <p>{row.why}</p>}
        <Squares pods={pods} label={podsInWords(pods)} />
        {used && (
          <div class="uses">
            <Meter label="CPU" value={used[0]} of={row.cpu} text={t('{a} of {b}', { a: cores(used[0]), b: cores(row.cpu) })} />
            <Meter label="Memory" value={used[1]} of={row.memory} text={t('{a} of {b}', { a: bytes(used[1]), b: bytes(row.memory) })} />
          </div>
        )}
      </section>
      <Facts title="Machine">
        <Fact name="Room">{t('{cpu} cores, {memory}, {n} pods', { cpu: cores(row.cpu), memory: bytes(row.memory), n: row.podLimit })}</Fact>
        {row.ip && (
          <Fact name="Address">
            <code>{row.ip}</code>
          </Fact>
        )}
        {row.podCidr && (
          <Fact name="Pods' addresses">
            <code>{row.podCidr}</code>
          </Fact>
        )}
        <Fact name="System">
          {row.os}, {status.nodeInfo?.kernelVersion}, {status.nodeInfo?.architecture}
        </Fact>
        <Fact name="Runtime">{row.runtime}</Fact>
        <Fact name="Kubelet">{row.version}</Fact>
        {row.taints.length > 0 && (
          <Fact name="Keeps away">
            <span class="labels">
              {row.taints.map((taint) => (
                <code key={taint}>{taint}</code>
              ))}
            </span>
          </Fact>
        )}
        <Conditions of={status.conditions} />
      </Facts>
      <section>
        <h3>{t('Pods')}</h3>
        <ul class="plain-list">
          {[...pods]
            .sort((a, b) => (a.id < b.id ? -1 : 1))
            .slice(0, 200)
            .map((pod) => (
              <li key={pod.uid}>
                <ObjectLink path={pathOf('pods', pod)}>{pod.name}</ObjectLink>
                <State tone={pod.tone}>{pod.status}</State>
                <span class="quiet">{pod.ns}</span>
                <span class="quiet">
                  <Age since={pod.born} />
                </span>
              </li>
            ))}
        </ul>
      </section>
    </>
  );
}
