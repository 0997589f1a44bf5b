import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { parsePath, pathOfKind, type Obj } from '../api.ts';
import { discover } from '../discovery.ts';
import { t } from '../language.ts';
import { opened } from '../route.ts';
import { eventsOf } from '../troubles.ts';
import { Age, ObjectLink } from '../ui.tsx';
import { EventList } from './event-list.tsx';
import { Fact, Facts, Labels } from './facts.tsx';
import { Owned } from './owned.tsx';
import { NodeSummary } from './node-summary.tsx';
import { PlainFacts } from './plain-facts.tsx';
import { PodSummary } from './pod-summary.tsx';
import { ServiceSummary } from './service-summary.tsx';
import { WorkloadSummary } from './workload-summary.tsx';

const WORKLOADS = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Job', 'CronJob']);

const OWN_SUMMARY = new Set(['Pod', 'Service', 'Node', 'ConfigMap']);

export function Summary({ object }: { readonly object: Obj }): JSX.Element {
  const { kind, metadata } = object;
  const owners = metadata.ownerReferences ?? [];
  const { ns, name } = parsePath(opened.value);
  const at = { ...(ns && { ns }), name };
  const events = eventsOf(metadata.uid).slice(0, 4);
  return (
    <>
      {kind === 'Pod' && <PodSummary pod={object} />}
      {WORKLOADS.has(kind) && <WorkloadSummary object={object} />}
      {kind === 'Service' && <ServiceSummary object={object} at={at} />}
      {kind === 'Node' && <NodeSummary object={object} />}
      {kind === 'ConfigMap' && (
        <Facts title="Data">
          {Object.entries(object.data ?? {}).map(([key, value]) => (
            <Fact key={key} name={key}>
              <pre>{value}</pre>
            </Fact>
          ))}
        </Facts>
      )}
      {!OWN_SUMMARY.has(kind) && !WORKLOADS.has(kind) && <PlainFacts object={object} />}
      <Facts title="About it">
        {owners.map((owner) => (
          <Fact key={owner.uid} name="Belongs to">
            <OwnerLink owner={owner} at={at} />
          </Fact>
        ))}
        <Fact name="Made">{agoWords(<Age since={Date.parse(metadata.creationTimestamp)} />)}</Fact>
        <Labels name="Labels" of={metadata.labels} />
        <Labels name="Annotations" of={metadata.annotations} />
      </Facts>
      <Owned object={object} />
      {events.length > 0 && (
        <section>
          <h3>{t('Latest events')}</h3>
          <EventList events={events} />
        </section>
      )}
    </>
  );
}

/** `3m ago`, in the order of the language's words. */
function agoWords(age: JSX.Element): JSX.Element {
  const [before = '', after = ''] = t('{age} ago').split('{age}');
  return (
    <>
      {before}
      {age}
      {after}
    </>
  );
}

function OwnerLink({
  owner: { apiVersion, kind, name },
  at,
}: {
  readonly owner: NonNullable<Obj['metadata']['ownerReferences']>[number];
  readonly at: { readonly ns?: string };
}): JSX.Element {
  const path = useSignal(pathOfKind(kind, { ...at, name }));
  useEffect(() => {
    if (path.value !== undefined) return;
    // A kind that we do not know by heart: discovery does.
    void discover().then(
      (all) => {
        const of = all.find(
          (served) => served.kind === kind && served.base === (apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`),
        );
        if (of) path.value = `${of.base}/${of.namespaced && at.ns ? `namespaces/${at.ns}/` : ''}${of.resource}/${name}`;
      },
      () => {
        /* Then it is a name without a link. */
      },
    );
  }, []);
  return (
    <ObjectLink path={path.value}>
      {kind} {name}
    </ObjectLink>
  );
}
