import type { Job } from '../../api/generated/batch-v1.ts';
import { humanDuration } from '../../api/human-duration.ts';
import { selectorOf } from '../../api/selector.ts';
import { controllerOf } from './controller-of.ts';
import type { DescribeContext } from './describe-context.ts';
import { describePodTemplate } from './pod-template.ts';
import { rfc1123 } from './times.ts';

/** Upstream: describe.go, describeJob. */
export function describeJob(job: Job, { out }: DescribeContext): void {
  const { metadata, spec, status = {} } = job;
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace!);
  out.field(0, 'Selector', selectorOf(spec?.selector).toString());
  out.map(0, 'Labels', metadata.labels);
  out.annotations(0, 'Annotations', metadata.annotations);
  out.present(0, 'Controlled By', controllerOf(job));
  out.present(0, 'Parallelism', spec?.parallelism);
  out.optional(0, 'Completions', spec?.completions, '<unset>');
  out.present(0, 'Completion Mode', spec?.completionMode);
  out.present(0, 'Suspend', spec?.suspend);
  out.present(0, 'Backoff Limit', spec?.backoffLimit);
  out.present(0, 'TTL Seconds After Finished', spec?.ttlSecondsAfterFinished);
  if (status.startTime) out.field(0, 'Start Time', rfc1123(status.startTime));
  if (status.completionTime) out.field(0, 'Completed At', rfc1123(status.completionTime));
  if (status.startTime && status.completionTime) out.field(0, 'Duration', humanDuration(Date.parse(status.completionTime) - Date.parse(status.startTime)));
  if (spec?.activeDeadlineSeconds !== undefined) out.field(0, 'Active Deadline Seconds', `${spec.activeDeadlineSeconds}s`);
  const ready = status.ready === undefined ? '' : ` (${status.ready} Ready)`;
  out.field(0, 'Pods Statuses', `${status.active ?? 0} Active${ready} / ${status.succeeded ?? 0} Succeeded / ${status.failed ?? 0} Failed`);
  if (spec?.completionMode === 'Indexed') out.field(0, 'Completed Indexes', cutIndexes(status.completedIndexes ?? ''));
  describePodTemplate(out, spec?.template);
}

/** Cut at the first comma after 50 characters. */
function cutIndexes(indexes: string): string {
  if (indexes === '') return '<none>';
  const comma = indexes.indexOf(',', 50);
  return comma < 0 ? indexes : `${indexes.slice(0, comma + 1)}...`;
}
