import type { CronJob, Job } from '../../api/generated/batch-v1.ts';
import { cronJobs, jobs } from '../../api/generated/resources.ts';
import type { KubeObject, ResourceType } from '../../api/object.ts';
import { seededRandom } from '../../base/random.ts';
import { EveryRevision, type Write } from '../every-revision.ts';
import { startHardLife, type Hardship } from './hard-life.ts';

const namespace = 'default';
const SCHEDULED = 'batch.kubernetes.io/cronjob-scheduled-timestamp';
const MINUTE = 60_000;

const cronJobOf = (job: KubeObject): string | undefined => job.metadata.ownerReferences?.find(({ controller }) => controller)?.name;
const isOver = (job: Job): boolean => job.status?.conditions?.some(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True') ?? false;
const isAtWork = (job: Job): boolean => !isOver(job) && job.metadata.deletionTimestamp === undefined;

/** What a cron job has done so far. */
interface Account {
  /** The times of its schedule that it has made a job for. */
  readonly acted: Set<number>;
  lastScheduleTime: number;
}

/**
 * Cron jobs of every policy that fall due every few minutes, for some hours, are suspended, changed and resumed. Throws where one of them acts twice on one time, on a time
 * that is none of its schedule, beside a job of its own that it must not disturb, or goes back in time; and where it has overlooked a time when nothing kept it from acting.
 */
export async function liveThroughCronJobs(seed: number, hardship: Hardship): Promise<void> {
  const random = seededRandom(seed);
  const any = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)]!;
  const fail = (what: string): never => {
    throw new Error(`seed ${seed}, ${hardship}: ${what}`);
  };
  await using world = await startHardLife(seed, hardship, {
    only: ['cronjob-controller', 'job-controller', 'garbage-collector-controller'],
    pods: { runMs: 100_000, startMs: 1000, fate: () => any(['succeeds', 'succeeds', 'fails']) },
  });
  const { admin, clock } = world;
  using history = await EveryRevision.follow(world, [cronJobs, jobs] as unknown as ResourceType<KubeObject>[], namespace);
  const periods: Record<string, number> = {};
  const broken: string[] = [];
  const accounts = new Map<string, Account>();
  const see = ({ resource, object, type, revision, before }: Write): void => {
    const fault = (what: string): void => void broken.push(`revision ${revision}, ${type} ${object.kind} ${object.metadata.name}: ${what}`);
    if (resource === (cronJobs as ResourceType<unknown>)) {
      const { name } = object.metadata;
      const account = accounts.get(name) ?? { acted: new Set(), lastScheduleTime: 0 };
      accounts.set(name, account);
      const last = Date.parse((object as unknown as CronJob).status?.lastScheduleTime ?? '') || 0;
      if (last < account.lastScheduleTime) fault('goes back in time');
      if (last > 0 && !account.acted.has(last)) fault(`says that it acted on ${new Date(last).toISOString()}, and did not`);
      account.lastScheduleTime = last;
      return;
    }
    const owner = cronJobOf(object);
    if (type !== 'ADDED' || before || owner === undefined) return;
    const account = accounts.get(owner)!;
    const due = Date.parse(object.metadata.annotations![SCHEDULED]!);
    if (account.acted.has(due)) fault('acts twice on one time');
    account.acted.add(due);
    if ((due / MINUTE) % periods[owner]! !== 0) fault(`acts at ${new Date(due).toISOString()}, which is none of every ${periods[owner]} minutes`);
    const policy = history.all(cronJobs).find(({ metadata }) => metadata.name === owner)?.spec?.concurrencyPolicy;
    const beside = history.all(jobs).filter((job) => cronJobOf(job) === owner && job.metadata.uid !== object.metadata.uid && isAtWork(job));
    if (policy !== 'Allow' && beside.length > 0) fault(`is made beside ${beside.map(({ metadata }) => metadata.name).join(', ')}, though the policy is ${policy}`);
  };
  const pass = async (minutes: number): Promise<void> => {
    for (let left = minutes * 60; left > 0; left -= 5) {
      await clock.advance(5000);
      history.replay(see);
      if (broken.length > 0) fail(broken.slice(0, 5).join('\n'));
    }
  };

  const policies = { allow: 'Allow', forbid: 'Forbid', replace: 'Replace' };
  for (const [name, concurrencyPolicy] of Object.entries(policies)) {
    periods[name] = any([1, 2, 3, 5]);
    await admin.create(cronJobs, {
      metadata: { namespace, name },
      spec: {
        schedule: `*/${periods[name]} * * * *`, concurrencyPolicy, suspend: false, successfulJobsHistoryLimit: Math.floor(random.next() * 3), failedJobsHistoryLimit: Math.floor(random.next() * 3), ...(random.next() < 0.3 && { startingDeadlineSeconds: 30 }),
        jobTemplate: { spec: { backoffLimit: 1, template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'it' }] } } } },
      },
    });
  }
  for (let step = 0; step < 10; step++) {
    const name = any(Object.keys(policies));
    switch (any(['suspend', 'resume', 'resume', 'delete-job', 'wait', ...(hardship === 'calm' ? [] : ['restart', 'kill', 'kill'])])) {
      case 'suspend':
      case 'resume':
        await admin.patch(cronJobs, { namespace, name }, { type: 'application/merge-patch+json', body: { spec: { suspend: random.next() < 0.4 } } });
        break;
      case 'delete-job': {
        const job = any((await admin.list(jobs, { namespace })).items);
        if (job) await admin.delete(jobs, { namespace, name: job.metadata.name }, { propagationPolicy: 'Background' });
        break;
      }
      case 'restart':
        await world.restart();
        break;
      case 'kill':
        await world.kill(Math.floor(random.next() * 4));
    }
    await pass(1 + Math.floor(random.next() * 6));
  }
  for (const name of Object.keys(policies)) await admin.patch(cronJobs, { namespace, name }, { type: 'application/merge-patch+json', body: { spec: { suspend: false } } });
  world.calm();
  await pass(10);
  const from = clock.now();
  await pass(15);
  for (const { metadata: { name }, spec } of (await admin.list(cronJobs, { namespace })).items) {
    const { acted } = accounts.get(name)!;
    const period = periods[name]! * MINUTE;
    for (let due = Math.ceil((from + 1) / period) * period; due < clock.now() - 5000; due += period) {
      if (name !== 'forbid' && !acted.has(due)) fail(`${name} has overlooked ${new Date(due).toISOString()}`);
    }
    const ended = (await admin.list(jobs, { namespace })).items.filter((job) => cronJobOf(job) === name && isOver(job));
    for (const [type, limit] of [['Complete', spec!.successfulJobsHistoryLimit!], ['Failed', spec!.failedJobsHistoryLimit!]] as const) {
      const kept = ended.filter((job) => job.status!.conditions!.some((one) => one.type === type && one.status === 'True')).length;
      if (kept > limit) fail(`${name} keeps ${kept} jobs that are ${type}, of ${limit}`);
    }
  }
  if (accounts.get('forbid')!.acted.size < 3) fail('the one that forbids two at once has hardly acted');
  for (const name of Object.keys(policies)) await admin.delete(cronJobs, { namespace, name }, { propagationPolicy: 'Background' });
  await pass(5);
  const left = (await admin.list(jobs, { namespace })).items.map(({ metadata }) => metadata.name);
  if (left.length > 0) fail(`left behind: ${left.join(', ')}`);
}
