import type { DaemonSet } from '../../api/generated/apps-v1.ts';
import { formatLabels, formatLabelSelector, selectorOf } from '../../api/selector.ts';
import type { DescribeContext } from './describe-context.ts';
import { podCounts } from './pod-counts.ts';
import { describePodTemplate } from './pod-template.ts';

/** Upstream: describe.go, describeDaemonSet. */
export async function describeDaemonSet(set: DaemonSet, { session, out }: DescribeContext): Promise<void> {
  const { metadata, spec, status } = set;
  const counts = await podCounts(session, set, selectorOf(spec.selector).toString());
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace!);
  out.field(0, 'Selector', formatLabelSelector(spec.selector));
  out.field(0, 'Node-Selector', formatLabels(spec.template.spec?.nodeSelector));
  out.map(0, 'Labels', metadata.labels);
  out.annotations(0, 'Annotations', metadata.annotations);
  out.line(0, `Desired Number of Nodes Scheduled: ${status?.desiredNumberScheduled ?? 0}`);
  out.line(0, `Current Number of Nodes Scheduled: ${status?.currentNumberScheduled ?? 0}`);
  out.line(0, `Number of Nodes Scheduled with Up-to-date Pods: ${status?.updatedNumberScheduled ?? 0}`);
  out.line(0, `Number of Nodes Scheduled with Available Pods: ${status?.numberAvailable ?? 0}`);
  out.line(0, `Number of Nodes Misscheduled: ${status?.numberMisscheduled ?? 0}`);
  out.field(0, 'Pods Status', counts);
  describePodTemplate(out, spec.template);
}
