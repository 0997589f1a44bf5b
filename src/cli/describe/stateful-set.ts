import type { StatefulSet } from '../../api/generated/apps-v1.ts';
import type { PersistentVolumeClaim } from '../../api/generated/core-v1.ts';
import { formatLabelSelector, selectorOf } from '../../api/selector.ts';
import type { DescribeContext } from './describe-context.ts';
import { podCounts } from './pod-counts.ts';
import { describePodTemplate } from './pod-template.ts';
import { claimClass } from './persistent-volume-claim.ts';
import { rfc1123 } from './times.ts';
import type { DescribeWriter } from './writer.ts';

/** Upstream: describe.go, describeStatefulSet. */
export async function describeStatefulSet(set: StatefulSet, { session, out }: DescribeContext): Promise<void> {
  const { metadata, spec, status } = set;
  const counts = await podCounts(session, set, selectorOf(spec.selector).toString());
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace!);
  out.field(0, 'CreationTimestamp', rfc1123(metadata.creationTimestamp));
  out.field(0, 'Selector', formatLabelSelector(spec.selector));
  out.map(0, 'Labels', metadata.labels);
  out.annotations(0, 'Annotations', metadata.annotations);
  out.field(0, 'Replicas', `${spec.replicas ?? 1} desired | ${status?.replicas ?? 0} total`);
  out.field(0, 'Update Strategy', spec.updateStrategy?.type ?? '');
  out.present(1, 'Partition', spec.updateStrategy?.rollingUpdate?.partition);
  out.present(1, 'MaxUnavailable', spec.updateStrategy?.rollingUpdate?.maxUnavailable);
  out.field(0, 'Pods Status', counts);
  describePodTemplate(out, spec.template);
  describeClaimTemplates(out, spec.volumeClaimTemplates ?? []);
}

function describeClaimTemplates(out: DescribeWriter, templates: readonly PersistentVolumeClaim[]): void {
  if (templates.length === 0) return out.field(0, 'Volume Claims', '<none>');
  out.line(0, 'Volume Claims:');
  for (const claim of templates) {
    out.field(1, 'Name', claim.metadata.name);
    out.field(1, 'StorageClass', claimClass(claim));
    out.map(1, 'Labels', claim.metadata.labels);
    out.map(1, 'Annotations', claim.metadata.annotations);
    out.field(1, 'Capacity', claim.spec?.resources?.requests?.storage ?? '<default>');
    out.field(1, 'Access Modes', `[${claim.spec?.accessModes?.join(' ') ?? ''}]`);
  }
}
