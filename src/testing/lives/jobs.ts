import type { Job, JobSpec } from '../../api/generated/batch-v1.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import { jobs, pods, resourceQuotas } from '../../api/generated/resources.ts';
import { isReason } from '../../api/errors.ts';
import type { KubeObject, ResourceType } from '../../api/object.ts';
import { isPodActive, isPodTerminal } from '../../api/pod/conditions.ts';
import { seededRandom, type Random } from '../../base/random.ts';
import { EveryRevision, type Write } from '../every-revision.ts';
import type { PodFate } from '../pod-runner.ts';
import { startHardLife, type Hardship } from './hard-life.ts';

const namespace = 'default';
const TRACKING = 'batch.kubernetes.io/job-tracking';
const INDEX = 'batch.kubernetes.io/job-completion-index';
/** Exit codes that the policies of the jobs know. */
const [PLAIN, IGNORED, INDEX_FATAL, FATAL] = [1, 3, 5, 42];

const jobOf = ({ metadata }: KubeObject): string | undefined => metadata.labels?.['batch.kubernetes.io/job-name'];
const isTracked = (pod: KubeObject): boolean => pod.metadata.finalizers?.includes(TRACKING) ?? false;
const isTrue = (job: Job, type: string): boolean => job.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;
const isOver = (job: Job): boolean => isTrue(job, 'Complete') || isTrue(job, 'Failed');
const indexOf = (pod: KubeObject): string => pod.metadata.annotations?.[INDEX] ?? '';

function expand(indexes: string | undefined): number[] {
  return (indexes ? indexes.split(',') : []).flatMap((part) => {
    const [first, last = first] = part.split('-').map(Number);
    return Array.from({ length: last! - first! + 1 }, (_, i) => first! + i);
  });
}

/** Any job that the API admits. */
function randomSpec(random: Random): JobSpec {
  const chance = (share: number): boolean => random.next() < share;
  const upTo = (most: number): number => Math.floor(random.next() * (most + 1));
  const indexed = chance(0.6);
  const perIndex = indexed && chance(0.5);
  const rules = [
    ...(chance(0.5) ? [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }] : []),
    ...(chance(0.5) ? [{ action: 'Ignore', onExitCodes: { operator: 'In', values: [IGNORED] } }] : []),
    ...(perIndex ? [{ action: 'FailIndex', onExitCodes: { operator: 'In', values: [INDEX_FATAL] } }] : []),
    ...(chance(0.4) ? [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [FATAL] } }] : []),
  ];
  const completions = indexed || chance(0.7) ? 1 + upTo(9) : undefined;
  return {
    parallelism: 1 + upTo(4), ...(completions !== undefined && { completions }), ...(indexed && { completionMode: 'Indexed' }),
    ...(perIndex ? { backoffLimitPerIndex: upTo(2), ...(chance(0.5) && { maxFailedIndexes: upTo(completions! - 1) }) } : { backoffLimit: chance(0.5) ? upTo(6) : 100 }),
    ...(rules.length > 0 ? { podFailurePolicy: { rules } } : chance(0.3) ? { podReplacementPolicy: 'Failed' } : {}),
    ...(indexed && chance(0.3) && { successPolicy: { rules: [{ succeededCount: 1 + upTo(completions! - 1) }] } }),
    ...(chance(0.15) && { activeDeadlineSeconds: 60 + upTo(600) }),
    suspend: chance(0.2),
    template: { metadata: {}, spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'it' }] } },
  } as JobSpec;
}

/** What is known of a job's pods from their own ends, whatever the job says of them. */
interface Account {
  /** Pods that succeeded while the job had not let go of them: each of them is to be counted, once. */
  readonly succeeded: Map<string, string>;
  /** Pods that failed, or were asked to end, while the job had not let go of them: no more than these may be counted. */
  readonly failed: Set<string>;
  /** Those of them whose failure counts, whatever else happens: they failed by themselves with a code that is not to be ignored. */
  readonly countable: Set<string>;
  /** The most pods at once since it had as many as it may have. */
  allowed: number;
  over: boolean;
}

class Invariants {
  readonly broken: string[] = [];
  readonly #history: EveryRevision;
  readonly #accounts = new Map<string, Account>();
  /** Infinity: the quota is not looked at. */
  readonly #quota: number;

  constructor(history: EveryRevision, quota: number) {
    this.#history = history;
    this.#quota = quota;
  }

  check(): void {
    this.#history.replay((write) => this.#see(write));
  }

  of(job: string): Account {
    let account = this.#accounts.get(job);
    if (!account) this.#accounts.set(job, (account = { succeeded: new Map(), failed: new Set(), countable: new Set(), allowed: 0, over: false }));
    return account;
  }

  #see(write: Write): void {
    const fail = (what: string): void => void this.broken.push(`revision ${write.revision}, ${write.type} ${write.object.kind} ${write.object.metadata.name}: ${what}`);
    if (write.resource === (pods as ResourceType<unknown>)) this.#pod(write, write.object as unknown as Pod, fail);
    if (write.resource === (jobs as ResourceType<unknown>)) this.#job(write, write.object as unknown as Job, fail);
    if (write.resource === (resourceQuotas as ResourceType<unknown>)) {
      const used = Number((write.object as { status?: { used?: Record<string, string> } }).status?.used?.['pods'] ?? 0);
      if (used > this.#quota) fail(`${used} pods are used of ${this.#quota}`);
    }
    const living = this.#history.all(pods).filter((pod) => !isPodTerminal(pod)).length;
    if (living > this.#quota) fail(`${living} pods live, ${this.#quota} are allowed`);
  }

  #pod({ before }: Write, pod: Pod, fail: (what: string) => void): void {
    const name = jobOf(pod);
    if (name === undefined) return;
    const account = this.of(name);
    const { uid, deletionTimestamp } = pod.metadata;
    const wasTracked = before ? isTracked(before) : isTracked(pod);
    const phase = pod.status?.phase;
    if (wasTracked && phase === 'Succeeded') account.succeeded.set(uid, indexOf(pod));
    if (wasTracked && (phase === 'Failed' || deletionTimestamp !== undefined)) account.failed.add(uid);
    const exitCode = pod.status?.containerStatuses?.[0]?.state?.terminated?.exitCode;
    if (wasTracked && phase === 'Failed' && deletionTimestamp === undefined && exitCode === PLAIN && !account.over) account.countable.add(uid);
    const active = this.#history.all(pods).filter((other) => jobOf(other) === name && isPodActive(other));
    if (active.length > account.allowed) fail(`${active.length} pods at work, ${account.allowed} are allowed`);
    const indexes = active.map(indexOf).filter((index) => index !== '');
    if (new Set(indexes).size < indexes.length) fail(`two pods at work on one index of ${indexes.join(', ')}`);
  }

  #job({ before }: Write, job: Job, fail: (what: string) => void): void {
    const account = this.of(job.metadata.name);
    const { status = {}, spec } = job;
    const active = this.#history.all(pods).filter((pod) => jobOf(pod) === job.metadata.name && isPodActive(pod)).length;
    const wanted = spec!.suspend ? 0 : spec!.parallelism!;
    const previous = before as unknown as Job | undefined;
    // Whoever writes the status has seen what is wanted.
    const seen = previous && JSON.stringify(previous.status) !== JSON.stringify(status);
    account.allowed = seen && active <= wanted ? wanted : Math.max(account.allowed, wanted);
    const { succeeded = 0, failed = 0 } = status;
    if (succeeded > new Set(spec!.completionMode === 'Indexed' ? account.succeeded.values() : account.succeeded.keys()).size) fail(`counts ${succeeded} successes of ${account.succeeded.size}`);
    if (failed > account.failed.size) fail(`counts ${failed} failures of ${account.failed.size}`);
    if ((previous?.status?.failed ?? 0) > failed) fail(`the failures went from ${previous!.status!.failed} to ${failed}`);
    if ((previous?.status?.succeeded ?? 0) > succeeded) fail(`the successes went from ${previous!.status!.succeeded} to ${succeeded}`);
    const both = [...new Set(status.uncountedTerminatedPods?.succeeded)].filter((uid) => status.uncountedTerminatedPods?.failed?.includes(uid));
    if (both.length > 0) fail(`${both.join(', ')} both succeeded and failed`);
    for (const type of ['Complete', 'Failed', 'SuccessCriteriaMet', 'FailureTarget']) if (previous && isTrue(previous, type) && !isTrue(job, type)) fail(`takes back that it is ${type}`);
    if (isTrue(job, 'Complete') && isTrue(job, 'Failed')) fail('is both complete and failed');
    if (isOver(job) && !account.over) {
      account.over = true;
      if (active > 0) fail(`is over while ${active} pods are at work`);
    }
    if (previous && isOver(previous) && JSON.stringify(previous.status) !== JSON.stringify(job.status)) fail('has another status after its end');
  }

  /** What the job says at its end, against what its pods did. Not `exactly`: what ended while the job had decided to end it may count either way. */
  verdict(job: Job, exactly: boolean): string[] {
    const { status = {}, spec, metadata: { name } } = job;
    const account = this.of(name);
    const wrong: string[] = [];
    const indexed = spec!.completionMode === 'Indexed';
    const successes = [...new Set(indexed ? account.succeeded.values() : account.succeeded.keys())];
    if (indexed && exactly) {
      const known = expand(status.completedIndexes).map(String).toSorted();
      if (known.join() !== successes.toSorted().join()) wrong.push(`${name} says that ${known.join()} succeeded, it was ${successes.join()}`);
    }
    if (exactly && (status.succeeded ?? 0) !== successes.length) wrong.push(`${name} counts ${status.succeeded ?? 0} successes of ${successes.length}`);
    if (exactly && (status.failed ?? 0) < account.countable.size) wrong.push(`${name} counts ${status.failed ?? 0} failures of at least ${account.countable.size}`);
    if (status.active) wrong.push(`${name} has ${status.active} active pods at its end`);
    const uncounted = Object.values(status.uncountedTerminatedPods ?? {}).flat();
    if (uncounted.length > 0) wrong.push(`${name} has not counted ${uncounted.join()}`);
    const end = status.conditions!.find(({ type, status: value }) => (type === 'Complete' || type === 'Failed') && value === 'True')!;
    const completions = spec!.completions ?? 1;
    const holds: Record<string, boolean> = {
      CompletionsReached: successes.length >= completions,
      SuccessPolicy: successes.length >= (spec!.successPolicy?.rules[0]?.succeededCount ?? Infinity),
      BackoffLimitExceeded: (status.failed ?? 0) > (spec!.backoffLimit ?? Infinity),
      PodFailurePolicy: spec!.podFailurePolicy !== undefined,
      DeadlineExceeded: spec!.activeDeadlineSeconds !== undefined,
      FailedIndexes: expand(status.failedIndexes).length > 0 && expand(status.failedIndexes).length + successes.length >= completions,
      MaxFailedIndexesExceeded: expand(status.failedIndexes).length > (spec!.maxFailedIndexes ?? Infinity),
    };
    if (!holds[end.reason!]) wrong.push(`${name} is ${end.type} because of ${end.reason}, which is not so: ${JSON.stringify(status)}`);
    return wrong;
  }
}

/**
 * Jobs of all kinds run at once, are suspended and resumed, grow and shrink; their pods fail in all ways, are killed and evicted. Throws where anything is
 * counted twice, lost or taken back at any revision, where a quota is exceeded, and where they do not come to an end, or not to the end that their pods deserve.
 */
export async function liveThroughJobs(seed: number, hardship: Hardship): Promise<void> {
  const random = seededRandom(seed);
  const any = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)]!;
  const fates = new Map<string, { fate: PodFate; exitCode: number }>();
  const luck = 0.5 + random.next() * 0.4;
  const fateOf = ({ metadata: { uid } }: Pod): { fate: PodFate; exitCode: number } => {
    let known = fates.get(uid);
    if (!known) {
      const fate = random.next() < luck ? 'succeeds' : 'fails';
      fates.set(uid, (known = { fate, exitCode: any([PLAIN, PLAIN, PLAIN, IGNORED, INDEX_FATAL, ...(random.next() < 0.3 ? [FATAL] : [])]) }));
    }
    return known;
  };
  await using world = await startHardLife(seed, hardship, {
    only: ['job-controller', 'garbage-collector-controller', 'resourcequota-controller', 'ttl-after-finished-controller', 'pod-garbage-collector-controller'],
    pods: { runMs: 3000, fate: (pod) => fateOf(pod).fate, exitCodeOf: (pod) => fateOf(pod).exitCode },
  });
  const { admin } = world;
  using history = await EveryRevision.follow(world, [jobs, pods, resourceQuotas] as unknown as ResourceType<KubeObject>[], namespace);
  const quota = 8 + Math.floor(random.next() * 8);
  // What the quota's controller counts in a cache that is behind may be less than what was charged, as upstream.
  const invariants = new Invariants(history, hardship === 'lagging' ? Infinity : quota);
  await admin.create(resourceQuotas, { metadata: { namespace, name: 'all' }, spec: { hard: { pods: String(quota) } } });
  await world.pass(1);
  const names = ['j0', 'j1', 'j2', 'j3'];
  for (const name of names) {
    const job = await admin.create(jobs, { metadata: { namespace, name }, spec: randomSpec(random) });
    invariants.of(job.metadata.name).allowed = job.spec!.suspend ? 0 : job.spec!.parallelism!;
  }

  const fail = (what: string): never => {
    throw new Error(`seed ${seed}, ${hardship}: ${what}`);
  };
  const pass = async (seconds: number): Promise<void> => {
    for (let left = seconds; left > 0; left -= 1) {
      await world.pass(Math.min(left, 1));
      invariants.check();
      if (invariants.broken.length > 0) fail(invariants.broken.slice(0, 5).join('\n'));
    }
  };
  const ifMayBe = async (work: Promise<unknown>): Promise<void> => {
    try {
      await work;
    } catch (error) {
      if (!isReason(error, 'NotFound', 'Conflict', 'Invalid')) throw error;
    }
  };
  const change = (name: string, spec: object): Promise<unknown> => ifMayBe(admin.patch(jobs, { namespace, name }, { type: 'application/merge-patch+json', body: { spec } }));
  const somePod = async (): Promise<Pod | undefined> => any((await admin.list(pods, { namespace })).items.filter(isPodActive));
  for (let step = 0; step < 14; step++) {
    const name = any(names);
    switch (any(['suspend', 'resume', 'resume', 'resize', 'kill-pod', 'evict', 'wait', ...(hardship === 'calm' ? [] : ['restart', 'kill', 'kill'])])) {
      case 'suspend':
        await change(name, { suspend: true });
        break;
      case 'resume':
        await change(name, { suspend: false });
        break;
      case 'resize':
        await change(name, { parallelism: 1 + Math.floor(random.next() * 5) });
        break;
      case 'kill-pod': {
        const pod = await somePod();
        if (pod) await ifMayBe(admin.delete(pods, { namespace, name: pod.metadata.name }));
        break;
      }
      case 'evict': {
        // As the node does when it runs short: the pod fails, and says why.
        const pod = await somePod();
        const conditions = [...(pod?.status?.conditions ?? []), { type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet' }];
        if (pod) await ifMayBe(admin.updateStatus(pods, { ...pod, status: { ...pod.status, phase: 'Failed', conditions } } as Pod));
        break;
      }
      case 'restart':
        await world.restart();
        break;
      case 'kill':
        await world.kill(Math.floor(random.next() * 6));
    }
    await pass(random.next() * 15);
  }
  for (const name of names) await change(name, { suspend: false });
  world.calm();
  for (let left = 1500; ; left -= 10) {
    const open = (await admin.list(jobs, { namespace })).items.filter((job) => !isOver(job));
    if (open.length === 0) break;
    if (left < 0) fail(`no end of ${open.map(({ metadata: { name }, spec, status }) => `${name} ${JSON.stringify({ ...spec, template: undefined, selector: undefined })} ${JSON.stringify(status)}`).join('\n')}`);
    await pass(10);
  }
  await pass(30);
  const wrong = (await admin.list(jobs, { namespace })).items.flatMap((job) => invariants.verdict(job, hardship !== 'lagging'));
  if (wrong.length > 0) fail(wrong.join('\n'));
  const held = (await admin.list(pods, { namespace })).items.filter(isTracked).map(({ metadata }) => metadata.name);
  if (held.length > 0) fail(`held for ever: ${held.join(', ')}`);
  world.written();
  await pass(60);
  const written = world.written();
  if (written.length > 0) fail(`written at rest: ${written.slice(0, 5).join(', ')}`);

  await admin.patch(jobs, { namespace, name: 'j0' }, { type: 'application/merge-patch+json', body: { spec: { ttlSecondsAfterFinished: 5 } } });
  await admin.delete(jobs, { namespace, name: 'j1' }, { propagationPolicy: 'Foreground' });
  for (const name of ['j2', 'j3']) await admin.delete(jobs, { namespace, name }, { propagationPolicy: 'Background' });
  await pass(30);
  for (const resource of [jobs, pods] as unknown as ResourceType<KubeObject>[]) {
    const left = (await admin.list(resource, { namespace })).items.map(({ metadata }) => metadata.name);
    if (left.length > 0) fail(`left behind: ${left.join(', ')}`);
  }
}
