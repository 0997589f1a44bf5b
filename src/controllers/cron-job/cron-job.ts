import type { CronJob, CronJobStatus, Job } from '../../api/generated/batch-v1.ts';
import { cronJobs as cronJobResource, jobs as jobResource } from '../../api/generated/resources.ts';
import { isReason } from '../../api/errors.ts';
import { keyOf, type New } from '../../api/object.ts';
import { rfc3339 } from '../../base/clock.ts';
import { exponentialBuckets } from '../../base/histogram-buckets.ts';
import { referenceTo } from '../../client/event-recorder.ts';
import type { ReconcileResult } from '../../client/reconciler.ts';
import { itself, startLoop } from '../control-loop.ts';
import type { Controller } from '../controller.ts';
import { controllerOf, controllerReference, indexByController, isControlledBy, ownedBy } from '../ownership.ts';
import { isNamespaceTerminating } from '../pod-control.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { isTimeZone, newestDue, parseSchedule, type Schedule } from './schedule.ts';
import { WallClock } from './wall-clock.ts';

/** So that a job is looked for a moment after its time, not a moment before. */
const AFTER_MS = 100;

const SCHEDULED = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

/** Makes jobs at the times of a schedule. Upstream: pkg/controller/cronjob. */
export const cronJobController: Controller = {
  name: 'cronjob-controller',
  start(context) {
    const { client, clock, informers, recorder } = context;
    const cronJobs = informers.informer(cronJobResource);
    const jobs = informers.informer(jobResource);
    indexByController(jobs);
    const skew = context.metrics.histogram('cronjob_controller_job_creation_skew_duration_seconds', 'Time from when a job was due until it was made, in seconds.', exponentialBuckets(1, 2, 10)).of();

    async function reconcile(key: string): Promise<ReconcileResult> {
      const cronJob = cronJobs.get(key);
      if (!cronJob) return;
      const children = ownedBy(jobs, cronJob);
      await forgetOld(cronJob, children);
      const state = await takeStock(cronJob, children);
      const { wait, status } = await schedule(cronJob, state);
      if (!sameStatus(status, cronJob.status)) await client.updateStatus(cronJobResource, { ...cronJob, status });
      if (wait !== undefined) return { requeueAfterMs: wait };
    }

    /** The status as the jobs have it: the finished and the vanished are not active any more. */
    async function takeStock(cronJob: CronJob, children: readonly Job[]): Promise<CronJobStatus> {
      const byUid = new Map(children.map((job) => [job.metadata.uid, job]));
      const active = [];
      for (const reference of cronJob.status?.active ?? []) {
        const job = byUid.get(reference.uid!);
        const end = job && finishedCondition(job);
        if (end) recorder.event(cronJob, 'Normal', 'SawCompletedJob', `Saw completed job: ${reference.name}, condition: ${end}`);
        else if (job || (await stillThere(cronJob, reference.name!))) active.push(reference);
        else recorder.event(cronJob, 'Normal', 'MissingJob', `Active job went missing: ${reference.name}`);
      }
      for (const job of children) {
        if (finishedCondition(job) || active.some(({ uid }) => uid === job.metadata.uid)) continue;
        // The status may only not have caught up with what we made ourselves. What people made from the template (`kubectl create job --from`) goes its own way.
        if (scheduledTime(job) !== undefined) active.push(referenceTo(job));
        else recorder.event(cronJob, 'Warning', 'UnexpectedJob', `Saw a job that the controller did not create or forgot: ${job.metadata.name}`);
      }
      const successes = children.filter((job) => finishedCondition(job) === 'Complete').map((job) => job.status?.completionTime).filter((time) => time !== undefined);
      const lastSuccessfulTime = [...successes, ...(cronJob.status?.lastSuccessfulTime ? [cronJob.status.lastSuccessfulTime] : [])].sort().at(-1);
      // A job may be there whose making was not written down, and must not be made again when it is gone.
      const lastScheduleTime = [...children.map(scheduledTime), cronJob.status?.lastScheduleTime].filter((time) => time !== undefined).sort().at(-1);
      return { ...cronJob.status, active, ...(lastSuccessfulTime && { lastSuccessfulTime }), ...(lastScheduleTime && { lastScheduleTime }) };
    }

    async function stillThere(cronJob: CronJob, name: string): Promise<boolean> {
      try {
        return isControlledBy(await client.get(jobResource, { namespace: cronJob.metadata.namespace, name }), cronJob);
      } catch (error) {
        if (isReason(error, 'NotFound')) return false;
        throw error;
      }
    }

    async function schedule(cronJob: CronJob, status: CronJobStatus): Promise<{ wait?: number; status: CronJobStatus }> {
      const { spec, metadata } = cronJob;
      if (metadata.deletionTimestamp || spec?.suspend) return { status };
      const times = readSchedule(cronJob);
      if (!times) return { status };
      const nowMs = clock.now();
      const next = times.next(nowMs);
      const idle = { status, ...(next !== undefined && { wait: next - nowMs + AFTER_MS }) };

      const { dueMs, tooMany } = newestDue(times, earliest({ ...cronJob, status }, nowMs), nowMs);
      if (tooMany) recorder.event(cronJob, 'Warning', 'TooManyMissedTimes', 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew');
      if (dueMs === undefined) return idle;
      if (spec?.startingDeadlineSeconds !== undefined && dueMs + spec.startingDeadlineSeconds * 1000 < nowMs) {
        recorder.event(cronJob, 'Warning', 'MissSchedule', `Missed scheduled time to start a job: ${new Date(dueMs).toUTCString().replace('GMT', '+0000')}`);
        return idle;
      }
      const job = jobAt(cronJob, dueMs);
      const active = status.active ?? [];
      if (active.some(({ name }) => name === job.metadata.name) || status.lastScheduleTime === rfc3339(dueMs)) return idle;
      if (spec?.concurrencyPolicy === 'Forbid' && active.length > 0) {
        recorder.event(cronJob, 'Normal', 'JobAlreadyActive', 'Not starting job because prior execution is running and concurrency policy is Forbid');
        return idle;
      }
      const kept = spec?.concurrencyPolicy === 'Replace' ? [] : active;
      if (kept.length === 0) for (const { name } of active) await remove(cronJob, name!);

      const created = await create(cronJob, job);
      // The namespace is going, or somebody else has a job of that name: the next time may be better.
      if (!created) return { ...idle, status: { ...status, active: kept } };
      return { ...idle, status: { ...status, active: [...kept.filter(({ uid }) => uid !== created.metadata.uid), referenceTo(created)], lastScheduleTime: rfc3339(dueMs) } };
    }

    function readSchedule(cronJob: CronJob): Schedule | undefined {
      const { schedule: text, timeZone } = cronJob.spec!;
      if (timeZone !== undefined && !isTimeZone(timeZone)) {
        recorder.event(cronJob, 'Warning', 'UnknownTimeZone', `invalid timeZone: ${JSON.stringify(timeZone)}: unknown time zone ${timeZone}`);
        return undefined;
      }
      try {
        return parseSchedule(text, timeZone);
      } catch (error) {
        recorder.event(cronJob, 'Warning', 'UnparseableSchedule', `unparseable schedule: ${JSON.stringify(text)} : ${(error as Error).message}`);
        return undefined;
      }
    }

    async function create(cronJob: CronJob, wanted: New<Job>): Promise<Job | undefined> {
      const { name, namespace } = wanted.metadata;
      try {
        const job = await client.create(jobResource, wanted);
        skew.observe(Math.max(0, (clock.now() - Date.parse(wanted.metadata.annotations![SCHEDULED]!)) / 1000));
        recorder.event(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${name}`);
        return job;
      } catch (error) {
        if (isNamespaceTerminating(error)) return undefined;
        if (!isReason(error, 'AlreadyExists')) {
          recorder.event(cronJob, 'Warning', 'FailedCreate', `Error creating job: ${(error as Error).message}`);
          throw error;
        }
        const existing = await client.get(jobResource, { namespace, name: name! });
        return isControlledBy(existing, cronJob) ? existing : undefined;
      }
    }

    /** Only so many finished jobs are kept, the youngest; and those that the status does not know of yet. */
    async function forgetOld(cronJob: CronJob, all: readonly Job[]): Promise<void> {
      const { successfulJobsHistoryLimit = 3, failedJobsHistoryLimit = 1 } = cronJob.spec ?? {};
      const children = all.filter((job) => (scheduledTime(job) ?? '') <= (cronJob.status?.lastScheduleTime ?? ''));
      for (const [end, limit] of [['Complete', successfulJobsHistoryLimit], ['Failed', failedJobsHistoryLimit]] as const) {
        const ended = children.filter((job) => finishedCondition(job) === end && !job.metadata.deletionTimestamp).sort((a, b) => startedAt(a) - startedAt(b) || (a.metadata.name < b.metadata.name ? -1 : 1));
        for (const job of ended.slice(0, Math.max(0, ended.length - limit))) await remove(cronJob, job.metadata.name);
      }
    }

    async function remove(cronJob: CronJob, name: string): Promise<void> {
      try {
        await client.delete(jobResource, { namespace: cronJob.metadata.namespace, name }, { propagationPolicy: 'Background' });
        recorder.event(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${name}`);
      } catch (error) {
        if (isReason(error, 'NotFound')) return;
        recorder.event(cronJob, 'Warning', 'FailedDelete', `Deleted job: ${(error as Error).message}`);
        throw error;
      }
    }

    const loop = startLoop(context, { name: 'cronjob-controller', queue: 'cronjob', needs: [cronJobs, jobs], workers: 5, reconcile });
    loop.follow(cronJobs, itself);
    loop.follow(jobs, (job) => {
      const owner = controllerOf(job);
      return owner?.kind === 'CronJob' ? [keyOf({ metadata: { namespace: job.metadata.namespace, name: owner.name } })] : [];
    });
    return loop;
  },
};

function finishedCondition(job: Job): string | undefined {
  return job.status?.conditions?.find(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True')?.type;
}

/** No active jobs and a list of none are the same, and so is no status at all. */
function sameStatus(a: CronJobStatus, b: CronJobStatus = {}): boolean {
  return semanticEqual(a.active, b.active) && a.lastScheduleTime === b.lastScheduleTime && a.lastSuccessfulTime === b.lastSuccessfulTime;
}

/** The time of the schedule that a job was made for; RFC 3339 in UTC, so that the later is the greater. Undefined for one that was made by hand. */
function scheduledTime(job: Job): string | undefined {
  const text = job.metadata.annotations?.[SCHEDULED];
  return text !== undefined && !Number.isNaN(Date.parse(text)) ? rfc3339(Date.parse(text)) : undefined;
}

const startedAt = (job: Job): number => Date.parse(job.status?.startTime ?? job.metadata.creationTimestamp);

/** From when on a time of the schedule may still be acted on. */
function earliest({ spec, status, metadata }: CronJob, nowMs: number): number {
  const since = Date.parse(status?.lastScheduleTime ?? metadata.creationTimestamp);
  return spec?.startingDeadlineSeconds === undefined ? since : Math.max(since, nowMs - spec.startingDeadlineSeconds * 1000);
}

/** The job of one time of the schedule. Its name holds the minute, so that it cannot be made twice. */
function jobAt(cronJob: CronJob, dueMs: number): New<Job> {
  const { name, namespace } = cronJob.metadata;
  const { jobTemplate: { metadata, spec }, timeZone } = cronJob.spec!;
  const annotations = { ...metadata?.annotations, [SCHEDULED]: timeZone === undefined ? rfc3339(dueMs) : new WallClock(timeZone).rfc3339(dueMs) };
  return {
    metadata: { name: `${name}-${Math.floor(dueMs / 60_000)}`, namespace, ...(metadata?.labels && { labels: metadata.labels }), annotations, ownerReferences: [controllerReference(cronJob)] },
    spec: spec!,
  };
}
