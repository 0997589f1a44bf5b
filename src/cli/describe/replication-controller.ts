import type { ReplicationController } from '../../api/generated/core-v1.ts';
import { formatLabels, selectorOfMap } from '../../api/selector.ts';
import type { DescribeContext } from './describe-context.ts';
import { podCounts } from './pod-counts.ts';
import { describePodTemplate } from './pod-template.ts';
import { describeWorkloadConditions } from './workload-conditions.ts';

/** Upstream: describe.go, describeReplicationController. */
export async function describeReplicationController(controller: ReplicationController, { session, out }: DescribeContext): Promise<void> {
  const { metadata, spec, status } = controller;
  const counts = await podCounts(session, controller, selectorOfMap(spec?.selector).toString());
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace!);
  out.field(0, 'Selector', formatLabels(spec?.selector));
  out.map(0, 'Labels', metadata.labels);
  out.annotations(0, 'Annotations', metadata.annotations);
  out.field(0, 'Replicas', `${status?.replicas ?? 0} current / ${spec?.replicas ?? 1} desired`);
  out.field(0, 'Pods Status', counts);
  describePodTemplate(out, spec?.template);
  describeWorkloadConditions(out, status?.conditions);
}
