import type { Deployment, ReplicaSet } from '../../api/generated/apps-v1.ts';
import type { PodTemplateSpec } from '../../api/generated/core-v1.ts';
import type { ObjectList } from '../../api/object.ts';
import { formatLabelSelector, selectorOf } from '../../api/selector.ts';
import { sortKeys } from '../printers/sort-keys.ts';
import type { DescribeContext } from './describe-context.ts';
import { describePodTemplate } from './pod-template.ts';
import { rfc1123 } from './times.ts';
import { describeWorkloadConditions } from './workload-conditions.ts';

/** Upstream: describe.go, describeDeployment. */
export async function describeDeployment(deployment: Deployment, { session, out }: DescribeContext): Promise<void> {
  const { metadata, spec, status = {} } = deployment;
  const labelSelector = selectorOf(spec.selector).toString();
  const { items } = await session.json<ObjectList<ReplicaSet>>(`/apis/apps/v1/namespaces/${metadata.namespace}/replicasets`, { query: { labelSelector } });
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace!);
  out.field(0, 'CreationTimestamp', rfc1123(metadata.creationTimestamp));
  out.map(0, 'Labels', metadata.labels);
  out.annotations(0, 'Annotations', metadata.annotations);
  out.field(0, 'Selector', formatLabelSelector(spec.selector));
  const { updatedReplicas = 0, replicas = 0, availableReplicas = 0, unavailableReplicas = 0 } = status;
  out.field(0, 'Replicas', `${spec.replicas ?? 1} desired | ${updatedReplicas} updated | ${replicas} total | ${availableReplicas} available | ${unavailableReplicas} unavailable`);
  out.field(0, 'StrategyType', spec.strategy?.type ?? '');
  out.field(0, 'MinReadySeconds', spec.minReadySeconds ?? 0);
  const rolling = spec.strategy?.rollingUpdate;
  if (rolling) out.field(0, 'RollingUpdateStrategy', `${rolling.maxUnavailable} max unavailable, ${rolling.maxSurge} max surge`);
  describePodTemplate(out, spec.template);
  describeWorkloadConditions(out, status.conditions);
  const owned = items.filter((set) => set.metadata.ownerReferences?.some(({ controller, uid }) => controller && uid === metadata.uid))
    .toSorted((a, b) => (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1));
  if (owned.length === 0) return;
  const current = owned.find((set) => sameTemplate(set.spec.template, spec.template));
  const shown = (sets: readonly ReplicaSet[]): string => sets.map((set) => `${set.metadata.name} (${set.status?.replicas ?? 0}/${set.spec.replicas ?? 1} replicas created)`).join(', ') || '<none>';
  out.field(0, 'OldReplicaSets', shown(owned.filter((set) => set !== current)));
  out.field(0, 'NewReplicaSet', shown(current ? [current] : []));
}

/** The hash label that the controller adds does not count. */
function sameTemplate(a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean {
  const plain = (template: PodTemplateSpec | undefined): string => {
    const { 'pod-template-hash': _hash, ...labels } = template?.metadata?.labels ?? {};
    const { creationTimestamp: _time, ...metadata } = { ...template?.metadata, labels } as Record<string, unknown>;
    return JSON.stringify(sortKeys({ ...template, metadata }));
  };
  return plain(a) === plain(b);
}
