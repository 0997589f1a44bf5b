import type { ReplicaSet } from '../../api/generated/apps-v1.ts';
import { formatLabelSelector, selectorOf } from '../../api/selector.ts';
import { controllerOf } from './controller-of.ts';
import type { DescribeContext } from './describe-context.ts';
import { podCounts } from './pod-counts.ts';
import { describePodTemplate } from './pod-template.ts';
import { describeWorkloadConditions } from './workload-conditions.ts';

/** Upstream: describe.go, describeReplicaSet. */
export async function describeReplicaSet(set: ReplicaSet, { session, out }: DescribeContext): Promise<void> {
  const { metadata, spec, status } = set;
  const counts = await podCounts(session, set, selectorOf(spec.selector).toString());
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace!);
  out.field(0, 'Selector', formatLabelSelector(spec.selector));
  out.map(0, 'Labels', metadata.labels);
  out.annotations(0, 'Annotations', metadata.annotations);
  out.present(0, 'Controlled By', controllerOf(set));
  out.field(0, 'Replicas', `${status?.replicas ?? 0} current / ${spec.replicas ?? 1} desired`);
  out.field(0, 'Pods Status', counts);
  describePodTemplate(out, spec.template);
  describeWorkloadConditions(out, status?.conditions);
}
