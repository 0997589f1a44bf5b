/** Upstream: pkg/registry/batch/cronjob/strategy.go. */
import type { KindDefinition } from '../kind.ts';
import type { CronJob, CronJobSpec } from '../generated/batch-v1.ts';
import { cronJobs } from '../generated/resources.ts';
import { fieldError } from '../errors.ts';
import { ageOf } from '../human-duration.ts';
import { formatLabelSelector } from '../selector.ts';
import { cronScheduleFault } from '../validation/cron-schedule.ts';
import { nonNegative, oneOf, type FieldErrors } from '../validation/fields.ts';
import { jobSpecErrors } from '../validation/job.ts';
import { fill, mapMember } from './fill.ts';
import { defaultJobSpec } from './job.ts';
import { ageColumn, boolean, containerColumns, integer, nameColumn, text, wide } from './table-columns.ts';
import { templateWarnings } from './workload-warnings.ts';

export const cronJob: KindDefinition<CronJob> = {
  resource: cronJobs,
  defaults: (object) => mapMember(object, 'spec', (spec) => mapMember(
    fill(spec, { concurrencyPolicy: 'Allow', suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 }),
    'jobTemplate', (template) => mapMember(template, 'spec', defaultJobSpec),
  )),
  validate: (object) => [...specErrors('spec', object.spec)],
  validateCreate: ({ metadata }) => (metadata.name.length > 52 ? [fieldError.invalid('metadata.name', metadata.name, 'must be no more than 52 characters')] : []),
  warnings: (object, previous) => templateWarnings(object, object.spec.jobTemplate?.spec?.template, previous, 'spec.jobTemplate.spec.template'),
  columns: [
    nameColumn,
    text('Schedule', 'When it runs, in the form of cron.', (object) => object.spec.schedule),
    text('Timezone', 'The time zone of the schedule.', (object) => object.spec.timeZone ?? '<none>'),
    boolean('Suspend', 'Whether it makes no new jobs.', ({ spec }) => (spec.suspend === undefined ? '<unset>' : spec.suspend ? 'True' : 'False')),
    integer('Active', 'How many of its jobs are running.', (object) => object.status?.active?.length ?? 0),
    text('Last Schedule', 'When it made a job last.', (object, nowMs) => (object.status?.lastScheduleTime ? ageOf(object.status.lastScheduleTime, nowMs) : '<none>')),
    ageColumn,
    ...containerColumns<CronJob>((object) => object.spec.jobTemplate?.spec?.template),
    wide(text('Selector', 'The labels of its pods.', (object) => formatLabelSelector(object.spec.jobTemplate?.spec?.selector))),
  ],
};

function* specErrors(path: string, spec: CronJobSpec): FieldErrors {
  if (!spec.schedule) {
    yield fieldError.required(`${path}.schedule`);
  } else {
    const fault = cronScheduleFault(spec.schedule);
    if (fault) yield fieldError.invalid(`${path}.schedule`, spec.schedule, fault);
    if (spec.schedule.includes('TZ')) yield fieldError.invalid(`${path}.schedule`, spec.schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead');
  }
  yield* nonNegative(`${path}.startingDeadlineSeconds`, spec.startingDeadlineSeconds);
  yield* timeZoneErrors(`${path}.timeZone`, spec.timeZone);
  yield* oneOf(`${path}.concurrencyPolicy`, spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace']);
  const template = spec.jobTemplate?.spec;
  yield* jobSpecErrors(`${path}.jobTemplate.spec`, template ?? { template: {} });
  if (template?.selector) yield fieldError.invalid(`${path}.jobTemplate.spec.selector`, template.selector, '`selector` will be auto-generated');
  if (template?.manualSelector) yield fieldError.notSupported(`${path}.jobTemplate.spec.manualSelector`, template.manualSelector, ['nil', 'false']);
  yield* nonNegative(`${path}.successfulJobsHistoryLimit`, spec.successfulJobsHistoryLimit);
  yield* nonNegative(`${path}.failedJobsHistoryLimit`, spec.failedJobsHistoryLimit);
}

function* timeZoneErrors(path: string, zone: string | undefined): FieldErrors {
  if (zone === undefined) return;
  if (zone === '') yield fieldError.invalid(path, zone, 'timeZone must be nil or non-empty string');
  else if (zone.toLowerCase() === 'local') yield fieldError.invalid(path, zone, 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones');
  else if (!isTimeZone(zone)) yield fieldError.invalid(path, zone, `unknown time zone ${zone}`);
}

function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
