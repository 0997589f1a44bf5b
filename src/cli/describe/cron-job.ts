import type { CronJob } from '../../api/generated/batch-v1.ts';
import { selectorOf } from '../../api/selector.ts';
import type { DescribeContext } from './describe-context.ts';
import { describePodTemplate } from './pod-template.ts';
import { rfc1123 } from './times.ts';

/** Upstream: describe.go, describeCronJob. */
export function describeCronJob({ metadata, spec, status }: CronJob, { out }: DescribeContext): void {
  const unset = '<unset>';
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace!);
  out.map(0, 'Labels', metadata.labels);
  out.annotations(0, 'Annotations', metadata.annotations);
  out.field(0, 'Schedule', spec?.schedule ?? '');
  out.field(0, 'Concurrency Policy', spec?.concurrencyPolicy ?? '');
  out.field(0, 'Suspend', spec?.suspend === undefined ? unset : spec.suspend ? 'True' : 'False');
  out.optional(0, 'Time Zone', spec?.timeZone, unset);
  out.optional(0, 'Successful Job History Limit', spec?.successfulJobsHistoryLimit, unset);
  out.optional(0, 'Failed Job History Limit', spec?.failedJobsHistoryLimit, unset);
  out.field(0, 'Starting Deadline Seconds', spec?.startingDeadlineSeconds === undefined ? unset : `${spec.startingDeadlineSeconds}s`);
  const job = spec?.jobTemplate.spec;
  out.field(0, 'Selector', job?.selector ? selectorOf(job.selector).toString() : unset);
  out.optional(0, 'Parallelism', job?.parallelism, unset);
  out.optional(0, 'Completions', job?.completions, unset);
  if (job?.activeDeadlineSeconds !== undefined) out.field(0, 'Active Deadline Seconds', `${job.activeDeadlineSeconds}s`);
  describePodTemplate(out, job?.template);
  out.field(0, 'Last Schedule Time', status?.lastScheduleTime ? rfc1123(status.lastScheduleTime) : unset);
  out.field(0, 'Active Jobs', status?.active?.map(({ name }) => name ?? '').join(', ') || '<none>');
}
