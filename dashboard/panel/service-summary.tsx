import type { JSX } from 'preact';
import { pathOf, type Obj } from '../api.ts';
import { slicesByService, tables } from '../store.ts';
import { ObjectLink, State } from '../ui.tsx';
import { pendingReason } from '../views/services.tsx';
import { Fact, Facts, Labels } from './facts.tsx';

interface Port { readonly name?: string; readonly port: number; readonly targetPort?: number | string; readonly nodePort?: number; readonly protocol?: string }

export function ServiceSummary({ object: { spec }, at }: { readonly object: Obj; readonly at: { readonly ns?: string; readonly name: string } }): JSX.Element | null {
  const row = tables.services.get(`${at.ns}/${at.name}`);
  const slices = slicesByService.value.get(`${at.ns}/${at.name}`) ?? [];
  if (!row) return null;
  const points = slices.flatMap(({ ready, notReady }) => [...ready.map((point) => ({ ...point, ok: true })), ...notReady.map((point) => ({ ...point, ok: false }))]);
  return <>
    {row.pending && <section class="lead"><p class="big"><State tone="busy">External address: pending</State></p><p>{pendingReason(row)}</p></section>}
    <Facts title="Addresses">
      <Fact name="Type">{row.type}</Fact>
      <Fact name="Inside">{row.clusterIp === 'None' ? 'none of its own: names lead to the pods' : <code>{row.clusterIp}</code>}</Fact>
      <Fact name="Name"><code>{row.name}.{row.ns}.svc</code></Fact>
      {row.external.length > 0 && <Fact name="Outside">{row.external.map((address) => <code key={address}>{address}</code>)}</Fact>}
      {((spec.ports ?? []) as Port[]).map(({ name, port, targetPort, nodePort, protocol }) => <Fact key={port} name={name || 'Port'}>
        {port}/{protocol ?? 'TCP'} <span class="quiet">→ {targetPort} in the pods{nodePort ? `, ${nodePort} on every node` : ''}</span>
      </Fact>)}
      <Labels name="Picks pods with" of={row.selector} />
    </Facts>
    <section><h3>Who answers</h3>
      {points.length === 0 ? <p class="quiet">Nobody: no pod fits.</p> : <ul class="plain-list">{points.slice(0, 100).map(({ ip, pod, ok }) => <li key={ip}>
        <code>{ip}</code><State tone={ok ? 'ok' : 'busy'}>{ok ? 'ready' : 'not ready'}</State>{pod && <ObjectLink path={pathOf('pods', { ...(at.ns && { ns: at.ns }), name: pod })}>{pod}</ObjectLink>}
      </li>)}</ul>}
    </section>
  </>;
}
