import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Obj } from '../api.ts';
import { Choice } from '../controls.tsx';
import { many, t } from '../language.ts';
import { podsByWorkload, tables } from '../store.ts';
import { Logs, MOST_SOURCES } from './merged-log.tsx';

/** What a pod's containers write, as they write it. */
export function PodLogs({ pod }: { readonly pod: Obj }): JSX.Element {
  const containers: readonly string[] = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].map(
    ({ name }: { name: string }) => name,
  );
  const container = useSignal(containers[0]!);
  const { name, namespace = '' } = pod.metadata;
  const chosen = container.value === '' ? containers : [container.value];
  const sources = chosen.map((each) => ({ ns: namespace, pod: name, container: each, run: runOf(pod, each) }));
  return (
    <Logs sources={sources} names={chosen.length > 1 ? 'container' : 'none'}>
      {containers.length > 1 && <Choice label={t('Container')} chosen={container} options={[...containers, ['', t('all of them')]]} />}
    </Logs>
  );
}

/** What all pods of a workload write, merged in the order of time. */
export function WorkloadLogs({ object }: { readonly object: Obj }): JSX.Element {
  const {
    kind,
    metadata: { namespace = '', name },
  } = object;
  const pods = (
    kind === 'ReplicaSet'
      ? tables.pods.all().filter(({ ns, owner }) => ns === namespace && owner?.kind === kind && owner.name === name)
      : (podsByWorkload.value.get(`${kind}/${namespace}/${name}`) ?? [])
  )
    .filter(({ node }) => node)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const containers = [...new Set(pods.flatMap((pod) => pod.containers))];
  const container = useSignal('');
  const all = pods.flatMap((pod) =>
    pod.containers
      .filter((each) => !container.value || each === container.value)
      .map((each) => ({ ns: namespace, pod: pod.name, container: each, run: `${pod.uid} ${pod.restarts}` })),
  );
  const sources = all.slice(0, MOST_SOURCES);
  return (
    <Logs sources={sources} names={containers.length > 1 ? 'both' : 'pod'}>
      {containers.length > 1 && <Choice label={t('Container')} chosen={container} options={[['', t('all of them')], ...containers]} />}
      <span class="quiet">
        {many(pods.length, 'one pod', '{n} pods')}
        {all.length > sources.length && `, ${t('the first {n} are read', { n: sources.length })}`}
      </span>
    </Logs>
  );
}

function runOf({ status }: Obj, container: string): string {
  const of = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].find(
    ({ name }: { name: string }) => name === container,
  ) as { containerID?: string; state?: { waiting?: unknown } } | undefined;
  return `${of?.containerID ?? ''}${of?.state?.waiting ? ' waiting' : ''}`;
}
