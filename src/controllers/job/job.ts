import type { Job, JobCondition, JobStatus, UncountedTerminatedPods } from '../../api/generated/batch-v1.ts';
import type { Pod, PodTemplateSpec } from '../../api/generated/core-v1.ts';
import { jobs as jobResource, pods as podResource } from '../../api/generated/resources.ts';
import { isReason } from '../../api/errors.ts';
import { keyOf } from '../../api/object.ts';
import { isPodReady, isPodTerminal } from '../../api/pod/conditions.ts';
import { selectorOf } from '../../api/selector.ts';
import { rfc3339 } from '../../base/clock.ts';
import type { ReconcileResult } from '../../client/reconciler.ts';
import { condition, withCondition } from '../conditions.ts';
import { itself, startLoop } from '../control-loop.ts';
import type { Controller } from '../controller.ts';
import { Expectations } from '../expectations.ts';
import { claim, controllerOf, indexByController, orphansIn, ownedBy } from '../ownership.ts';
import { isNamespaceTerminating, PodControl, podFromTemplate } from '../pod-control.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { slowStart } from '../slow-start.ts';
import { formatIndexes } from './index-set.ts';
import { COMPLETION_INDEX, failureAction, hasFailed, INDEX_FAILURES, INDEX_IGNORED_FAILURES, indexOf, isTracked, TRACKING } from './job-pods.ts';
import { JobMetrics, type JobAction } from './job-metrics.ts';
import { deadlineOf, isFinished, isIndexed, isSuspended, jobCondition, planPods, viewJob, type JobPlan, type JobView, type NewPod } from './job-verdict.ts';

/** Who sees to a job that names nobody. */
const OURS = 'kubernetes.io/job-controller';

/**
 * Runs pods until enough of them have succeeded. Each pod carries a finalizer until it is counted in the job's status:
 * first its uid is written down there, then the finalizer goes, then the uid turns into a number; so that none is lost
 * and none counted twice, whatever is deleted or restarted meanwhile. Upstream: pkg/controller/job.
 */
export const jobController: Controller = {
  name: 'job-controller',
  start(context) {
    const { client, clock, informers, recorder } = context;
    const jobs = informers.informer(jobResource);
    const pods = informers.informer(podResource);
    indexByController(pods);
    pods.addIndex('job', (pod) => ownerKey(pod));
    const expectations = new Expectations(pods, clock);
    const podControl = new PodControl(context);
    const metrics = new JobMetrics(context.metrics);
    /** Pods whose finalizer is gone, which the cache may not show yet. */
    const released = new Set<string>();
    /** Jobs that are finished, though the cache may not show it yet. */
    const finished = new Set<string>();

    async function reconcile(key: string): Promise<ReconcileResult> {
      const job = jobs.get(key);
      await releaseOrphans(key, job);
      if (!job) return expectations.forget(key);
      if (isFinished(job)) return void finished.delete(job.metadata.uid);
      if (isLeftToOthers(job) || finished.has(job.metadata.uid)) return;
      const began = clock.monotonic();
      const done = { action: 'reconciling' as JobAction };
      try {
        const result = await sync(key, job, done);
        metrics.synced(job, 'success', done.action, (clock.monotonic() - began) / 1000);
        return result;
      } catch (error) {
        metrics.synced(job, 'error', done.action, (clock.monotonic() - began) / 1000);
        throw error;
      }
    }

    /** `done`: what it came to do, also where it throws. */
    async function sync(key: string, job: Job, done: { action: JobAction }): Promise<ReconcileResult> {
      const { selector } = job.spec!;
      // Asked before the pods are looked at: what comes into the cache between the two would be missing from the pods, but not missed.
      const settled = expectations.settled(key);
      const candidates = [...ownedBy(pods, job), ...orphansIn(pods, job.metadata.namespace)];
      const claimed = await claim({ client, ownerResource: jobResource, owner: job, selector: selector!, resource: podResource, candidates, finalizers: [TRACKING] });
      const own = claimed.map((pod) => (released.has(pod.metadata.uid) ? untracked(pod) : pod));
      const started = withStart(job, clock.now());
      let view = viewJob(started, own, clock.now());

      let plan: JobPlan = { create: [], drop: [] };
      let failure: unknown;
      let { conditions } = started.status ?? {};
      try {
        if (settled) done.action = 'tracking';
        if (view.outcome) {
          if (view.active.length > 0) done.action = 'pods_deleted';
          const results = await Promise.allSettled(view.active.map((pod) => expectations.delete(key, pod, () => podControl.delete(job, pod))));
          const left = view.active.filter((_, i) => results[i]!.status === 'rejected');
          view = { ...view, active: left, ready: left.filter(isPodReady).length, terminating: view.terminating + view.active.length - left.length };
          for (const result of results) if (result.status === 'rejected') throw result.reason;
        } else if (settled && !job.metadata.deletionTimestamp) {
          plan = planPods(started, view, own, clock.now());
          if (plan.drop.length > 0) done.action = 'pods_deleted';
          else if (plan.create.length > 0) done.action = 'pods_created';
          conditions = noteSuspension(started, conditions);
          view = await carryOut(key, started, plan, view);
        }
      } catch (error) {
        if (!isNamespaceTerminating(error)) failure = error;
      }
      // It is not at its end while pods go on that it could not delete: let go now, they would be counted as failed, and might yet succeed.
      const atEnd = settled && (!view.outcome || view.active.length === 0);
      await count(started, conditions, view, own, atEnd);
      if (failure) throw failure;
      const deadline = deadlineOf(started);
      const waits = [settled ? undefined : Expectations.timeoutMs, plan.waitMs, deadline === undefined || view.outcome ? undefined : Math.max(0, deadline - clock.now())].filter((wait) => wait !== undefined);
      if (waits.length > 0) return { requeueAfterMs: Math.min(...waits) };
    }

    async function carryOut(key: string, job: Job, plan: JobPlan, view: JobView): Promise<JobView> {
      for (const pod of plan.drop) {
        await release(pod);
        await expectations.delete(key, pod, () => podControl.delete(job, pod));
      }
      let next = 0;
      await slowStart(plan.create.length, () => {
        const pod = jobPod(job, plan.create[next++]!);
        return expectations.create(key, async () => {
          try {
            const made = await podControl.create(job, pod);
            metrics.podCreated(job, 'succeeded', view);
            return made;
          } catch (error) {
            metrics.podCreated(job, 'failed', view);
            throw error;
          }
        });
      });
      const active = view.active.filter((pod) => !plan.drop.includes(pod));
      // Those just made stand for themselves in the count by any pod: they are neither ready nor ended.
      return { ...view, active: [...active, ...Array<Pod>(plan.create.length).fill({} as Pod)], terminating: view.terminating + plan.drop.length };
    }

    function noteSuspension(job: Job, conditions: readonly JobCondition[] | undefined): readonly JobCondition[] | undefined {
      const current = condition(conditions, 'Suspended');
      const suspended = isSuspended(job);
      if (suspended ? current?.status === 'True' : current?.status !== 'True') return conditions;
      const [reason, message] = suspended ? ['JobSuspended', 'Job suspended'] : ['JobResumed', 'Job resumed'];
      recorder.event(job, 'Normal', suspended ? 'Suspended' : 'Resumed', message!);
      return withCondition(conditions, { ...jobCondition('Suspended', reason!, message!, clock.now()), status: suspended ? 'True' : 'False' });
    }

    /** Writes down what has ended, releases those pods, and says so when the job is at its end. Upstream: trackJobStatusAndRemoveFinalizers. */
    async function count(job: Job, before: readonly JobCondition[] | undefined, view: JobView, own: readonly Pod[], mayEnd: boolean): Promise<void> {
      const tracked = own.filter(isTracked);
      const outcome = mayEnd ? view.outcome : undefined;
      const { status = {} } = job;
      const book = settle(status, new Set(tracked.map((pod) => pod.metadata.uid)));
      const release = tracked.filter((pod) => job.metadata.deletionTimestamp || outcome || pod.status?.phase === 'Succeeded' || (hasFailed(job, pod) && !isAwaited(job, view, pod)));
      const succeeded = [...book.uncounted.succeeded];
      const failed = [...book.uncounted.failed];
      const newlyEnded = { succeeded: 0, failed: 0 };
      for (const pod of release) {
        const { uid } = pod.metadata;
        if (succeeded.includes(uid) || failed.includes(uid)) continue;
        if (pod.status?.phase === 'Succeeded') {
          if (!isIndexed(job)) succeeded.push(uid);
          newlyEnded.succeeded++;
        } else if (hasFailed(job, pod) ? isCounted(job, pod) : outcome?.type === 'FailureTarget') {
          failed.push(uid);
          newlyEnded.failed++;
        }
      }
      metrics.podsFinished(job, 'succeeded', newlyEnded.succeeded);
      metrics.podsFinished(job, 'failed', newlyEnded.failed);
      let conditions = before;
      if (outcome) conditions = withCondition(conditions, outcome);
      const counted: JobStatus = {
        ...status,
        ...(conditions && { conditions }),
        active: view.active.length || undefined,
        ready: view.ready,
        terminating: view.terminating,
        succeeded: (isIndexed(job) ? view.succeeded : book.succeeded) || undefined,
        failed: book.failed || undefined,
        ...(isIndexed(job) && view.succeededIndexes.length > 0 && { completedIndexes: formatIndexes(view.succeededIndexes) }),
        ...(view.failedIndexes && { failedIndexes: formatIndexes(view.failedIndexes) }),
        uncountedTerminatedPods: { ...(succeeded.length > 0 && { succeeded }), ...(failed.length > 0 && { failed }) },
      };
      let current = job;
      if (!semanticEqual(jobs.get(keyOf(job))?.status, counted) || (succeeded.length + failed.length > 0 && release.length > 0)) current = await client.updateStatus(jobResource, { ...job, status: counted });
      for (const pod of release) await releasePod(pod);

      const rest = settle(counted, new Set(tracked.filter((pod) => !release.includes(pod)).map((pod) => pod.metadata.uid)));
      const isOver = outcome !== undefined && rest.uncounted.succeeded.length + rest.uncounted.failed.length === 0 && view.terminating === 0 && (status.terminating ?? 0) === 0;
      const final: JobStatus = {
        ...counted, succeeded: (isIndexed(job) ? view.succeeded : rest.succeeded) || undefined, failed: rest.failed || undefined, uncountedTerminatedPods: rest.uncounted,
        ...(isOver && conclude(job, conditions, outcome)),
      };
      if (!semanticEqual(current.status, final)) await client.updateStatus(jobResource, { ...current, status: final });
      if (!isOver) return;
      // Not before it is written: who is refused must come again.
      finished.add(job.metadata.uid);
      announce(job, outcome, final.succeeded ?? 0);
    }

    function isCounted(job: Job, pod: Pod): boolean {
      const { action, message } = failureAction(job.spec, pod);
      if (message !== undefined) metrics.failureHandled(action);
      return action !== 'Ignore';
    }

    function conclude(job: Job, conditions: readonly JobCondition[] | undefined, outcome: JobCondition): Partial<JobStatus> {
      const type = outcome.type === 'FailureTarget' ? 'Failed' : 'Complete';
      return {
        conditions: withCondition(conditions, jobCondition(type, outcome.reason!, outcome.message!, clock.now())),
        ...(type === 'Complete' && { completionTime: rfc3339(clock.now()) }),
      };
    }

    function announce(job: Job, outcome: JobCondition, succeeded: number): void {
      metrics.finished(job, outcome.type === 'FailureTarget' ? 'failed' : 'succeeded', outcome.reason ?? '');
      if (outcome.type === 'FailureTarget') return recorder.event(job, 'Warning', outcome.reason!, outcome.message!);
      if (job.spec?.completions !== undefined && succeeded > job.spec.completions) {
        recorder.event(job, 'Warning', 'TooManySucceededPods', 'Too many succeeded pods running after completion count reached');
      }
      recorder.event(job, 'Normal', 'Completed', 'Job completed');
    }

    async function release(pod: Pod): Promise<void> {
      if (isTracked(pod)) await releasePod(pod);
    }

    async function releasePod(pod: Pod): Promise<void> {
      const { namespace, name, uid } = pod.metadata;
      try {
        await client.patch(podResource, { namespace, name }, { type: 'application/strategic-merge-patch+json', body: { metadata: { uid, '$deleteFromPrimitiveList/finalizers': [TRACKING] } } });
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
      }
      released.add(uid);
    }

    /** Pods whose job is no more (or is another one of the same name) hold on to their finalizer for nothing. */
    async function releaseOrphans(key: string, job: Job | undefined): Promise<void> {
      for (const pod of pods.byIndex('job', key)) {
        const orphaned = controllerOf(pod)!.uid !== job?.metadata.uid || (isFinished(job) && isTracked(pod));
        if (orphaned && isTracked(pod) && !released.has(pod.metadata.uid)) await releasePod(pod);
      }
    }

    /** A pod that was released (or that its job left behind) and that no other job takes must not hang on its finalizer. */
    async function freeOrphan(key: string): Promise<void> {
      const pod = pods.get(key);
      if (pod && isTracked(pod) && !controllerOf(pod) && !released.has(pod.metadata.uid) && jobsFor(pod).length === 0) await releasePod(pod);
    }

    const jobsFor = (pod: Pod): readonly Job[] => jobs.list(pod.metadata.namespace).filter((job) => !isFinished(job) && selectorOf(job.spec?.selector).matches(pod.metadata.labels));

    const orphans = startLoop(context, { name: 'job-orphans', queue: 'job_orphan_pod', needs: [jobs, pods], workers: 1, reconcile: freeOrphan });
    orphans.follow(pods, (pod) => (isTracked(pod) && !controllerOf(pod) ? [keyOf(pod)] : []));
    const loop = startLoop(context, { name: 'job-controller', queue: 'job', needs: [jobs, pods], workers: 5, reconcile });
    loop.own(expectations);
    loop.follow(jobs, itself);
    loop.follow(pods, (pod) => {
      const owner = ownerKey(pod);
      if (owner.length > 0 || controllerOf(pod)) return owner;
      return jobsFor(pod).map(keyOf);
    }, { gatherMs: 10 });
    loop.own(jobs.subscribe({ add: (job) => void (isLeftToOthers(job) && metrics.leftToOthers(job.spec!.managedBy!)) }));
    loop.own(pods.subscribe({
      add: (pod) => metrics.podChanged(undefined, pod),
      update(before, pod) {
        metrics.podChanged(before, pod);
        if (!isTracked(pod)) released.delete(pod.metadata.uid);
      },
      delete(pod) {
        metrics.podChanged(pod, undefined);
        released.delete(pod.metadata.uid);
      },
    }));
    const both = new AsyncDisposableStack();
    both.use(loop);
    both.use(orphans);
    return both;
  },
};

const isLeftToOthers = ({ spec }: Job): boolean => (spec?.managedBy ?? OURS) !== OURS;

function ownerKey(pod: Pod): string[] {
  const owner = controllerOf(pod);
  return owner?.kind === 'Job' ? [keyOf({ metadata: { namespace: pod.metadata.namespace, name: owner.name } })] : [];
}

const untracked = (pod: Pod): Pod => ({ ...pod, metadata: { ...pod.metadata, finalizers: pod.metadata.finalizers?.filter((finalizer) => finalizer !== TRACKING) } });

/** The clock of a job starts when it is first seen unsuspended, and anew when it is resumed. */
function withStart(job: Job, nowMs: number): Job {
  const suspended = isSuspended(job);
  const wasSuspended = condition(job.status?.conditions, 'Suspended')?.status === 'True';
  if (suspended) {
    if (!job.status?.startTime || wasSuspended) return job;
    return { ...job, status: { ...job.status, startTime: undefined } };
  }
  return job.status?.startTime && !wasSuspended ? job : { ...job, status: { ...job.status, startTime: rfc3339(nowMs) } };
}

/** Turns uids of pods that have lost their finalizer into numbers. */
function settle(status: JobStatus, tracked: ReadonlySet<string>): { uncounted: Required<UncountedTerminatedPods>; succeeded: number; failed: number } {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  const uncounted = { succeeded: succeeded.filter((uid) => tracked.has(uid)), failed: failed.filter((uid) => tracked.has(uid)) };
  return {
    uncounted,
    succeeded: (status.succeeded ?? 0) + succeeded.length - uncounted.succeeded.length,
    failed: (status.failed ?? 0) + failed.length - uncounted.failed.length,
  };
}

/** The last failed pod of an index that will be tried again is kept: it knows how often the index has failed. */
function isAwaited(job: Job, view: JobView, pod: Pod): boolean {
  if (job.spec?.backoffLimitPerIndex === undefined) return false;
  const index = indexOf(pod);
  if (index === undefined || view.failedIndexes?.includes(index) || view.succeededIndexes.includes(index)) return false;
  return isPodTerminal(pod) && !view.active.some((other) => other.metadata && indexOf(other) === index);
}

/** The server cuts a prefix off after so many characters, which must not be the index. Upstream: podGenerateNameWithIndex. */
const PREFIX_LIMIT = 58;

function indexedPrefix(job: string, index: number): string {
  const end = `-${index}-`;
  return `${job.slice(0, PREFIX_LIMIT - end.length)}${end}`;
}

function jobPod(job: Job, { index, failures }: NewPod): ReturnType<typeof podFromTemplate> {
  const template: PodTemplateSpec = job.spec!.template;
  const pod = podFromTemplate(job, template);
  const finalizers = [...new Set([...(pod.metadata.finalizers ?? []), TRACKING])];
  if (index === undefined) return { ...pod, metadata: { ...pod.metadata, finalizers } };
  const env = { name: 'JOB_COMPLETION_INDEX', valueFrom: { fieldRef: { fieldPath: `metadata.labels['${COMPLETION_INDEX}']` } } };
  const withIndex = <C extends { readonly env?: readonly { readonly name: string }[] }>(container: C): C =>
    container.env?.some(({ name }) => name === env.name) ? container : { ...container, env: [...(container.env ?? []), env] };
  const { labels, annotations } = pod.metadata;
  const { containers, initContainers } = pod.spec;
  return {
    metadata: {
      ...pod.metadata, finalizers, generateName: indexedPrefix(job.metadata.name, index),
      labels: { ...labels, [COMPLETION_INDEX]: String(index) },
      annotations: { ...annotations, [COMPLETION_INDEX]: String(index), ...(failures && { [INDEX_FAILURES]: String(failures.counted), ...(failures.ignored > 0 && { [INDEX_IGNORED_FAILURES]: String(failures.ignored) }) }) },
    },
    spec: { ...pod.spec, hostname: `${job.metadata.name}-${index}`, containers: containers.map(withIndex), ...(initContainers && { initContainers: initContainers.map(withIndex) }) },
  };
}
