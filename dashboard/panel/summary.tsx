import type { ComponentChildren, JSX } from 'preact';
import { parsePath, pathOfKind, type Obj } from '../api.ts';
import { opened } from '../route.ts';
import { eventsOf } from '../troubles.ts';
import { Age, ObjectLink } from '../ui.tsx';
import { EventList } from './event-list.tsx';
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
    {object['data' as keyof Obj] !== undefined && kind === 'ConfigMap' && <Facts title="Data">{Object.entries(object['data' as keyof Obj] as unknown as Record<string, string>).map(([key, value]) => <Fact key={key} name={key}><pre>{value}</pre></Fact>)}</Facts>}
    <Facts title="About it">
      {owner && <Fact name="Belongs to"><ObjectLink path={pathOfKind(owner.kind, { ...at, name: owner.name })}>{owner.kind} {owner.name}</ObjectLink></Fact>}
      <Fact name="Made"><Age since={Date.parse(metadata.creationTimestamp)} /> ago</Fact>
      <Labels name="Labels" of={metadata.labels} />
      <Labels name="Annotations" of={metadata.annotations} />
    </Facts>
    {events.length > 0 && <section><h3>Latest events</h3><EventList events={events} /></section>}
  </>;
}

export function Facts({ title, children }: { readonly title: string; readonly children: ComponentChildren }): JSX.Element {
  return <section><h3>{title}</h3><dl class="facts">{children}</dl></section>;
}

export function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }): JSX.Element {
  return <><dt>{name}</dt><dd>{children}</dd></>;
}

export function Labels({ name, of }: { readonly name: string; readonly of: Readonly<Record<string, string>> | undefined }): JSX.Element | null {
  const entries = Object.entries(of ?? {}).filter(([key]) => key !== 'kubectl.kubernetes.io/last-applied-configuration');
  return entries.length === 0 ? null : <Fact name={name}><span class="labels">{entries.map(([key, value]) => <code key={key} title={`${key}=${value}`}>{key}{value && `=${value}`}</code>)}</span></Fact>;
}
