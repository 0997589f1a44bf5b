import { expect, test } from 'vitest';
import type { Job } from '../api/generated/batch-v1.ts';
import type { Node, Pod } from '../api/generated/core-v1.ts';
import { daemonSets, deployments, jobs, nodes, podDisruptionBudgets, pods, priorityClasses, statefulSets } from '../api/generated/resources.ts';
import { isReason } from '../api/errors.ts';
import type { ResourceType } from '../api/object.ts';
import { isPodActive, isPodReady, isPodTerminal } from '../api/pod/conditions.ts';
import { milliValue } from '../api/quantity.ts';
import { seededRandom } from '../base/random.ts';
import { startControllersUnderTest, type ControllersUnderTest } from '../testing/controllers-under-test.ts';
import { faultyClient, type FaultOptions } from '../testing/faulty-client.ts';
import type { PodFate } from '../testing/pod-runner.ts';

const namespace = 'default';
const names = ['n1', 'n2', 'n3', 'n4'];
const GUARDED = 4;
const COMPLETIONS = 10;

const template = (app: string, image: string, cpu: string, more: object = {}) => ({ metadata: { labels: { app } }, spec: { containers: [{ name: 'main', image, resources: { requests: { cpu } } }], ...more } });
const select = (app: string) => ({ matchLabels: { app } });
const cpuOf = (pod: Pod): number => pod.spec.containers.reduce((sum, { resources }) => sum + milliValue(resources?.requests?.['cpu']), 0);
const appOf = ({ metadata }: Pod): string => metadata.labels?.['app'] ?? '';

/**
 * What must hold at every revision, whoever is restarted and whatever is refused. Told of every write in the order of revisions (of pods; a job's
 * status comes by a stream of its own, and so may come late, but never early: what it counts has ended before).
 */
class Invariants {
  readonly broken: string[] = [];
  readonly #pods = new Map<string, Pod>();
  /** By phase, the job's pods that ever ended so. */
  readonly #ended = { Succeeded: new Set<string>(), Failed: new Set<string>() };
  /** From now on the guarded pods were once all ready, and only evictions take any away. */
  guarding = false;

  pod(type: string, pod: Pod): void {
    const { name, uid, resourceVersion } = pod.metadata;
    if (type === 'DELETED') this.#pods.delete(name);
    else this.#pods.set(name, pod);
    const phase = pod.status?.phase;
    if (appOf(pod) === 'sum' && (phase === 'Succeeded' || phase === 'Failed')) this.#ended[phase].add(uid);
    // One that is taken away before its end counts as a failure as well.
    else if (appOf(pod) === 'sum' && pod.metadata.deletionTimestamp !== undefined) this.#ended.Failed.add(uid);
    const fail = (what: string): void => void this.broken.push(`revision ${resourceVersion}, ${type} ${name}: ${what}`);

    const used = new Map<string, number>();
    const agents = new Set<string>();
    const indexes = new Set<string>();
    let ready = 0;
    for (const each of this.#pods.values()) {
      const { nodeName = '' } = each.spec;
      if (nodeName && !isPodTerminal(each)) used.set(nodeName, (used.get(nodeName) ?? 0) + cpuOf(each));
      if (!isPodActive(each)) continue;
      if (appOf(each) === 'guarded' && isPodReady(each)) ready++;
      if (appOf(each) === 'agent') {
        const target = each.spec.affinity!.nodeAffinity!.requiredDuringSchedulingIgnoredDuringExecution!.nodeSelectorTerms[0]!.matchFields![0]!.values![0]!;
        if (agents.has(target)) fail(`two pods of the daemon set for ${target}`);
        agents.add(target);
      }
      if (appOf(each) === 'sum') {
        const index = each.metadata.annotations!['batch.kubernetes.io/job-completion-index']!;
        if (indexes.has(index)) fail(`two pods at work on index ${index}`);
        indexes.add(index);
      }
    }
    for (const [node, milliCpu] of used) if (milliCpu > 4000) fail(`${node} has ${milliCpu}m of 4000m`);
    if (this.guarding && ready < GUARDED - 1) fail(`${ready} guarded pods are ready, the budget wants ${GUARDED - 1}`);
  }

  job({ metadata: { resourceVersion }, status }: Job): void {
    const { succeeded = 0, failed = 0 } = status ?? {};
    if (succeeded > this.#ended.Succeeded.size) this.broken.push(`revision ${resourceVersion}: ${succeeded} successes of ${this.#ended.Succeeded.size} pods`);
    if (failed > this.#ended.Failed.size) this.broken.push(`revision ${resourceVersion}: ${failed} failures of ${this.#ended.Failed.size} pods`);
  }
}

async function follow<T>({ admin }: ControllersUnderTest, resource: ResourceType<T>, signal: AbortSignal, tell: (type: string, object: T) => void): Promise<void> {
  const events = await admin.watch(resource, { namespace, signal });
  void (async () => {
    for await (const { type, object } of events) tell(type, object);
  })();
}

/** What may be refused because the other side was faster, or a budget says no. */
async function ifMayBe(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (!isReason(error, 'NotFound', 'AlreadyExists', 'Conflict', 'TooManyRequests')) throw error;
    return false;
  }
}

async function live(seed: number, kind: FaultOptions['kind'] | undefined): Promise<void> {
  const random = seededRandom(seed);
  const fates = new Map<string, PodFate>();
  const any = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)]!;
  let faulty: { stop(): void } | undefined;
  let calm = false;
  await using world = await startControllersUnderTest({
    scheduler: true,
    pods: {
      nodes: names, runMs: 2000,
      fate(pod) {
        if (appOf(pod) !== 'sum') return 'runs';
        if (!fates.has(pod.metadata.uid)) fates.set(pod.metadata.uid, random.next() < 0.2 ? 'fails' : 'succeeds');
        return fates.get(pod.metadata.uid)!;
      },
    },
    options: { nodeMonitorGraceMs: 3_600_000 },
    wrapClient: (client, _clock, meddler) => {
      if (!kind) return client;
      const wrapped = faultyClient(client, { random: seededRandom(seed + 500), rate: 0.1, kind, meddler });
      if (calm) wrapped.stop();
      faulty = wrapped;
      return wrapped;
    },
  });
  const { admin } = world;
  const invariants = new Invariants();
  const ended = new AbortController();
  await follow(world, pods, ended.signal, (type, pod) => invariants.pod(type, pod));
  await follow(world, jobs, ended.signal, (_, job) => invariants.job(job));

  await admin.create(priorityClasses, { metadata: { name: 'high' }, value: 1000 });
  await admin.create(priorityClasses, { metadata: { name: 'highest' }, value: 2000 });
  const wanted = { web: 3, db: 2, image: 'v0' };
  await admin.create(deployments, { metadata: { name: 'guarded', namespace }, spec: { replicas: GUARDED, selector: select('guarded'), template: template('guarded', 'v0', '500m', { priorityClassName: 'highest' }) } });
  await admin.create(podDisruptionBudgets, { metadata: { name: 'guarded', namespace }, spec: { maxUnavailable: 1, selector: select('guarded') } });
  await admin.create(deployments, { metadata: { name: 'web', namespace }, spec: { replicas: wanted.web, selector: select('web'), template: template('web', 'v0', '700m') } });
  await admin.create(statefulSets, { metadata: { name: 'db', namespace }, spec: { serviceName: 'db', replicas: wanted.db, selector: select('db'), template: template('db', 'v0', '300m', { priorityClassName: 'high' }) } });
  await admin.create(daemonSets, { metadata: { name: 'agent', namespace }, spec: { selector: select('agent'), template: template('agent', 'v0', '100m', { priorityClassName: 'highest' }) } });
  await admin.create(jobs, { metadata: { name: 'sum', namespace }, spec: { completions: COMPLETIONS, parallelism: 3, completionMode: 'Indexed', backoffLimit: 1000, template: template('sum', 'v0', '400m', { restartPolicy: 'Never' }) } });

  const settled = async (): Promise<string | undefined> => {
    const [guarded, web, db, agent] = await Promise.all([admin.get(deployments, { namespace, name: 'guarded' }), admin.get(deployments, { namespace, name: 'web' }), admin.get(statefulSets, { namespace, name: 'db' }), admin.get(daemonSets, { namespace, name: 'agent' })]);
    const is = (what: string, have: number | undefined, want: number): string | undefined => ((have ?? 0) === want ? undefined : `${what}: ${have ?? 0} of ${want}`);
    for (const { metadata: { name, generation }, status } of [guarded, web, db, agent]) if (status?.observedGeneration !== generation) return `${name} has not been seen`;
    return is('guarded', guarded.status?.readyReplicas, GUARDED) ?? is('web', web.status?.availableReplicas, wanted.web) ?? is('all of web', web.status?.replicas, wanted.web) ?? is('web updated', web.status?.updatedReplicas, wanted.web)
      ?? is('db', db.status?.readyReplicas, wanted.db) ?? is('all of db', db.status?.replicas, wanted.db) ?? is('db updated', db.status?.updatedReplicas, wanted.db)
      ?? is('agent', agent.status?.numberAvailable, names.length) ?? is('agent updated', agent.status?.updatedNumberScheduled, names.length);
  };
  const until = async (what: () => Promise<string | undefined>, seconds: number): Promise<void> => {
    for (let left = seconds * 2; ; left--) {
      const missing = await what();
      if (missing === undefined) return;
      expect(invariants.broken).toEqual([]);
      if (left === 0) expect.fail(missing);
      await world.pass(0.5);
    }
  };
  await until(settled, 300);
  invariants.guarding = true;

  const change = async <T extends { readonly metadata: { readonly name: string } }>(resource: ResourceType<T>, name: string, body: object): Promise<void> =>
    void await admin.patch(resource, { namespace, name }, { type: 'application/strategic-merge-patch+json', body: { spec: body } });
  const podsOf = async (app: string): Promise<readonly Pod[]> => (await admin.list(pods, { namespace, labelSelector: `app=${app}` })).items;
  const image = (to: string): object => ({ template: { spec: { containers: [{ name: 'main', image: to }] } } });
  for (let step = 0; step < 20; step++) {
    switch (any(['web', 'db', 'roll', 'roll', 'agent', 'kill', 'evict', 'evict', 'evict', 'cordon', 'intruder', ...(kind ? ['restart', 'restart'] : [])])) {
      case 'web':
        wanted.web = Math.floor(random.next() * 6);
        await change(deployments, 'web', { replicas: wanted.web });
        break;
      case 'db':
        wanted.db = Math.floor(random.next() * 4);
        await change(statefulSets, 'db', { replicas: wanted.db });
        break;
      case 'roll':
        wanted.image = `v${Math.floor(random.next() * 3)}`;
        await change(any([deployments, statefulSets]) as ResourceType<Node>, 'web', image(wanted.image)).catch(() => change(statefulSets, 'db', image(wanted.image)));
        break;
      case 'agent':
        await change(daemonSets, 'agent', image(`v${step}`));
        break;
      case 'kill': {
        const victim = any([...await podsOf('web'), ...await podsOf('db'), ...await podsOf('sum'), ...await podsOf('agent')]);
        if (victim) await ifMayBe(admin.delete(pods, { namespace, name: victim.metadata.name }));
        break;
      }
      case 'evict':
        // All of them at once: only one may go.
        await Promise.all((await podsOf('guarded')).map(({ metadata: { name } }) => ifMayBe(admin.createSubresource(pods, { namespace, name }, 'eviction', { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } }))));
        break;
      case 'cordon': {
        const cordoned = random.next() < 0.4;
        await admin.patch(nodes, { name: any(names) }, { type: 'application/merge-patch+json', body: { spec: { unschedulable: cordoned || null } } });
        break;
      }
      case 'intruder':
        // Room is made for it by preemption, where there is none.
        await admin.create(pods, { metadata: { name: `intruder-${step}`, namespace }, spec: { priorityClassName: 'high', activeDeadlineSeconds: 60, containers: [{ name: 'main', image: 'it', resources: { requests: { cpu: '2500m' } } }] } });
        break;
      case 'restart':
        await world.restart();
    }
    await world.pass(random.next() * 6);
    expect(invariants.broken).toEqual([]);
  }
  for (const name of names) await admin.patch(nodes, { name }, { type: 'application/merge-patch+json', body: { spec: { unschedulable: null } } });
  for (const { metadata: { name } } of (await admin.list(pods, { namespace })).items) if (name.startsWith('intruder')) await ifMayBe(admin.delete(pods, { namespace, name }));
  calm = true;
  faulty?.stop();
  await until(settled, 400);
  await until(async () => ((await admin.get(jobs, { namespace, name: 'sum' })).status?.conditions?.some(({ type, status }) => type === 'Complete' && status === 'True') ? undefined : 'the job is not complete'), 600);
  expect((await admin.get(jobs, { namespace, name: 'sum' })).status).toMatchObject({ succeeded: COMPLETIONS, completedIndexes: `0-${COMPLETIONS - 1}` });

  const versions = async (): Promise<string[]> => (await Promise.all([pods, deployments, statefulSets, daemonSets, jobs, podDisruptionBudgets].map((resource) => admin.list(resource as ResourceType<Pod>, { namespace }))))
    .flatMap(({ items }) => items.map(({ metadata }) => metadata.resourceVersion));
  await world.pass(20);
  const before = await versions();
  await world.pass(40);
  expect(await versions()).toEqual(before);
  expect(invariants.broken).toEqual([]);
  ended.abort();
}

test.each([1, 2, 3, 4, 5, 6])('the random life of a cluster: every promise is kept at every revision, seed %i', { timeout: 120_000 }, (seed) => live(seed, undefined));

test.each([11, 12, 13, 14, 15, 16])('with controllers and scheduler killed, and one write in ten refused, seed %i', { timeout: 120_000 }, (seed) => live(seed, 'refused'));

test.each([21, 22, 23, 3087])('with answers that are lost as well, seed %i', { timeout: 120_000 }, (seed) => live(seed, 'mixed'));
