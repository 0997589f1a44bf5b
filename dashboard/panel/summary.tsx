import type { JSX } from 'preact';
import { parsePath, pathOfKind, type Obj } from '../api.ts';
import { opened } from '../route.ts';
import { eventsOf } from '../troubles.ts';
import { Age, ObjectLink } from '../ui.tsx';
import { EventList } from './event-list.tsx';
import { Fact, Facts, Labels } from './facts.tsx';
import { NodeSummary } from './node-summary.tsx';
import { PodSummary } from './pod-summary.tsx';
import { ServiceSummary } from './service-summary.tsx';
import { WorkloadSummary } from './workload-summary.tsx';

const WORKLOADS = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Job', 'CronJob']);

export function Summary({ object }: { readonly object: Obj }): JSX.Element {
  const { kind, metadata } = object;
  const owner = metadata.ownerReferences?.find(({ controller }) => controller);
  const { ns, name } = parsePath(opened.value);
  const at = { ...(ns && { ns }), name };
  const events = eventsOf(metadata.uid).slice(0, 4);
  return <>
    {kind === 'Pod' && <PodSummary pod={object} />}
    {WORKLOADS.has(kind) && <WorkloadSummary object={object} />}
    {kind === 'Service' && <ServiceSummary object={object} at={at} />}
    {kind === 'Node' && <NodeSummary object={object} />}
    {kind === 'ConfigMap' && <Facts title="Data">{Object.entries(object.data ?? {}).map(([key, value]) => <Fact key={key} name={key}><pre>{value}</pre></Fact>)}</Facts>}
    <Facts title="About it">
      {owner && <Fact name="Belongs to"><ObjectLink path={pathOfKind(owner.kind, { ...at, name: owner.name })}>{owner.kind} {owner.name}</ObjectLink></Fact>}
      <Fact name="Made"><Age since={Date.parse(metadata.creationTimestamp)} /> ago</Fact>
      <Labels name="Labels" of={metadata.labels} />
      <Labels name="Annotations" of={metadata.annotations} />
    </Facts>
    {events.length > 0 && <section><h3>Latest events</h3><EventList events={events} /></section>}
  </>;
}
