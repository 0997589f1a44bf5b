import type { DaemonSet, Deployment, StatefulSet } from '../../api/generated/apps-v1.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import { controllerRevisions, daemonSets, deployments, nodes, pods, replicaSets, statefulSets } from '../../api/generated/resources.ts';
import { scaledValue } from '../../api/int-or-string.ts';
import type { KubeObject, ResourceType } from '../../api/object.ts';
import { isPodActive, isPodAvailable, isPodTerminal } from '../../api/pod/conditions.ts';
import { seededRandom } from '../../base/random.ts';
import { EveryRevision, type Write } from '../every-revision.ts';
import { createNode } from '../pod-runner.ts';
import { startHardLife, type Hardship, type HardLife } from './hard-life.ts';

const namespace = 'default';
const MIN_READY = 2;
type Workload = Deployment | StatefulSet | DaemonSet;

const appOf = ({ metadata }: KubeObject): string => metadata.labels?.['app'] ?? '';
const targetOf = (pod: Pod): string | undefined => pod.spec.nodeName || pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms[0]?.matchFields?.[0]?.values?.[0];
const ordinalOf = (pod: Pod): number => Number(pod.metadata.name.slice(pod.metadata.name.lastIndexOf('-') + 1));

/**
 * What a workload owes while nobody but its controllers takes pods away: so many available ones, in every revision. What the test itself breaks (it kills a
 * pod, adds a node, asks for another size) suspends the promise until all is available again.
 */
class Promised {
  /** In force once the workload has been whole at a revision after this one. */
  #suspendedAt = 0;
  #whole = false;
  /** The least of what was promised since it was whole. */
  least = Infinity;
  /** The most pods that there may be since it was whole. */
  most = 0;
  leastPartition = Infinity;

  suspend(revision: number): void {
    this.#suspendedAt = revision;
    this.#whole = false;
  }

  get holds(): boolean {
    return this.#whole;
  }

  see(write: Write, isWhole: boolean, now: { least: number; most: number; partition: number }): void {
    if (isWhole && write.revision > this.#suspendedAt) {
      this.#whole = true;
      ({ least: this.least, most: this.most, partition: this.leastPartition } = now);
    }
    this.least = Math.min(this.least, now.least);
    this.most = Math.max(this.most, now.most);
    this.leastPartition = Math.min(this.leastPartition, now.partition);
  }
}

class Invariants {
  readonly broken: string[] = [];
  readonly promised = { web: new Promised(), db: new Promised(), agent: new Promised() };
  readonly #history: EveryRevision;
  readonly #calm: boolean;
  readonly asked = new Map<string, number>();
  /** Names of those that there are. */
  nodes: readonly string[] = [];

  constructor(history: EveryRevision, calm: boolean) {
    this.#history = history;
    this.#calm = calm;
  }

  check(): void {
    this.#history.replay((write) => this.#see(write));
  }

  #see(write: Write): void {
    const here = write.object;
    const fail = (what: string): void => void this.broken.push(`revision ${write.revision}, ${write.type} ${here.kind} ${here.metadata.name}: ${what}`);
    const all = this.#history.all(pods);
    const of = (app: string): readonly Pod[] => all.filter((pod) => appOf(pod) === app);
    // Whose node is gone will be taken away by the collector of pods some time.
    const isLost = (pod: Pod): boolean => pod.spec.nodeName !== undefined && !this.nodes.includes(pod.spec.nodeName);
    const available = (list: readonly Pod[]): readonly Pod[] => list.filter((pod) => isPodActive(pod) && isPodAvailable(pod, MIN_READY, write.atMs) && !isLost(pod));

    for (const deployment of this.#history.all(deployments)) {
      const wanted = deployment.spec.replicas!;
      const { maxSurge, maxUnavailable } = deployment.spec.strategy!.rollingUpdate ?? {};
      const rolling = deployment.spec.strategy!.type === 'RollingUpdate';
      const surge = rolling ? scaledValue(maxSurge!, wanted, true) : 0;
      const down = rolling ? scaledValue(maxUnavailable!, wanted, false) : wanted;
      const mine = of('web');
      const up = available(mine).length;
      const promised = this.promised.web;
      const whole = up === wanted && mine.length === wanted && deployment.status?.observedGeneration === deployment.metadata.generation && this.#history.all(replicaSets).every(({ spec, status }) => spec.replicas === (status?.replicas ?? 0));
      promised.see(write, whole, { least: wanted - (surge === 0 && down === 0 ? 1 : down), most: wanted + surge, partition: 0 });
      if (promised.holds && up < promised.least) fail(`${up} available of web, ${promised.least} are promised`);
      const active = mine.filter(isPodActive).length;
      const asked = this.#history.all(replicaSets).reduce((sum, { spec }) => sum + spec.replicas!, 0);
      if (promised.holds && asked > promised.most) fail(`the sets of web are asked for ${asked} pods, ${promised.most} are allowed`);
      // The deployment counts what it asked for: a set that is hindered in deleting may do it after another has made its own.
      if (this.#calm && promised.holds && active > promised.most) fail(`${active} pods of web, ${promised.most} are allowed`);
      if (!rolling && promised.holds) {
        const images = new Set(mine.filter((pod) => !isPodTerminal(pod)).map((pod) => pod.spec.containers[0]!.image));
        if (images.size > 1) fail(`pods of ${[...images].join(' and ')} at once, though they should be recreated`);
      }
    }
    for (const set of this.#history.all(replicaSets)) {
      const active = all.filter((pod) => isPodActive(pod) && pod.metadata.ownerReferences?.[0]?.uid === set.metadata.uid).length;
      const { uid, generation } = set.metadata;
      const rests = set.status?.observedGeneration === generation && set.status?.replicas === set.spec.replicas && active === set.spec.replicas;
      this.asked.set(uid, rests ? set.spec.replicas! : Math.max(this.asked.get(uid) ?? 0, set.spec.replicas!));
      if (active > this.asked.get(uid)!) fail(`${active} pods of ${set.metadata.name}, which was asked for ${this.asked.get(uid)}`);
    }
    for (const set of this.#history.all(statefulSets)) {
      const wanted = set.spec.replicas!;
      const { partition = 0, maxUnavailable } = set.spec.updateStrategy!.rollingUpdate ?? {};
      const down = maxUnavailable === undefined ? 1 : Math.max(1, scaledValue(maxUnavailable, wanted, false));
      const mine = of('db');
      const up = available(mine);
      const promised = this.promised.db;
      promised.see(write, up.length === wanted && mine.length === wanted && mine.every((pod) => ordinalOf(pod) < wanted) && set.status?.observedGeneration === set.metadata.generation, { least: wanted - down, most: wanted, partition });
      if (new Set(mine.map(ordinalOf)).size !== mine.length) fail('two pods of db have one ordinal');
      if (promised.holds && up.length < promised.least) fail(`${up.length} available of db, ${promised.least} are promised`);
      if (promised.holds && mine.length > promised.most) fail(`${mine.length} pods of db, ${promised.most} are allowed`);
      const pod = write.resource === pods && appOf(here) === 'db' ? (here as Pod) : undefined;
      if (!pod || !promised.holds) continue;
      const endsNow = pod.metadata.deletionTimestamp !== undefined && write.before?.metadata.deletionTimestamp === undefined;
      if (endsNow && ordinalOf(pod) < promised.leastPartition) fail(`replaced below the partition ${promised.leastPartition}`);
      if (write.type === 'ADDED' && set.spec.podManagementPolicy === 'OrderedReady') {
        const lower = up.filter((other) => ordinalOf(other) < ordinalOf(pod)).length;
        if (lower < ordinalOf(pod)) fail(`made while only ${lower} before it are available`);
      }
    }
    for (const set of this.#history.all(daemonSets)) {
      const { maxSurge = 0, maxUnavailable = 1 } = set.spec.updateStrategy!.rollingUpdate ?? {};
      const nodeCount = this.nodes.length;
      const surge = scaledValue(maxSurge, nodeCount, true);
      const down = scaledValue(maxUnavailable, nodeCount, true);
      const mine = of('agent').filter((pod) => !isLost(pod));
      const served = new Set(available(mine).map(targetOf)).size;
      const promised = this.promised.agent;
      promised.see(write, served === nodeCount && mine.length === nodeCount && set.status?.observedGeneration === set.metadata.generation, { least: nodeCount - (surge === 0 && down === 0 ? 1 : down), most: nodeCount + surge, partition: 0 });
      if (promised.holds && served < promised.least) fail(`agents serve ${served} nodes, ${promised.least} are promised`);
      const active = mine.filter(isPodActive);
      if (promised.holds && active.length > promised.most) fail(`${active.length} agents, ${promised.most} are allowed`);
      for (const [node, there] of Map.groupBy(active, targetOf)) if (there.length > (surge > 0 ? 2 : 1)) fail(`${there.length} agents for ${node}`);
    }
  }
}

/**
 * A deployment, a stateful set and a daemon set are rolled out, rolled back, scaled, paused and hurt, as the seed says. Throws where a promise was
 * broken at any revision, where they do not come to rest, and where anything is written at rest.
 */
export async function liveThroughRollouts(seed: number, hardship: Hardship): Promise<void> {
  const random = seededRandom(seed);
  const any = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)]!;
  const key = (name: string) => ({ namespace, name });
  const names = ['n1', 'n2', 'n3', 'n4'];
  let turn = 0;
  await using world = await startHardLife(seed, hardship, {
    only: ['deployment-controller', 'replicaset-controller', 'statefulset-controller', 'daemonset-controller', 'garbage-collector-controller', 'pod-garbage-collector-controller'],
    pods: { nodes: names, targetOf: (pod) => targetOf(pod) ?? names[turn++ % names.length]! },
  });
  const { admin } = world;
  using history = await EveryRevision.follow(world, [deployments, replicaSets, statefulSets, daemonSets, controllerRevisions, pods] as unknown as ResourceType<KubeObject>[], namespace);
  const invariants = new Invariants(history, hardship === 'calm');
  invariants.nodes = [...names];

  const template = (app: string, image: string) => ({ metadata: { labels: { app } }, spec: { containers: [{ name: 'main', image }] } });
  const common = (app: string) => ({ minReadySeconds: MIN_READY, selector: { matchLabels: { app } }, template: template(app, 'v0') });
  const [maxSurge, maxUnavailable] = any([['25%', '25%'], ['0%', '50%'], [1, 0], ['100%', '0%'], [2, 1], [0, 1]] as const);
  const strategy = random.next() < 0.15 ? { type: 'Recreate' } : { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } };
  await admin.create(deployments, { metadata: key('web'), spec: { ...common('web'), replicas: 4, strategy } });
  const podManagementPolicy = any(['OrderedReady', 'Parallel']);
  const atOnce = any([undefined, undefined, 2, '50%']);
  const rollingUpdate = (partition: number) => ({ type: 'RollingUpdate', rollingUpdate: { partition, ...(atOnce !== undefined && { maxUnavailable: atOnce }) } });
  await admin.create(statefulSets, { metadata: key('db'), spec: { ...common('db'), serviceName: 'db', replicas: 3, podManagementPolicy, updateStrategy: rollingUpdate(0) } });
  const daemonFences = any([{ maxUnavailable: 1, maxSurge: 0 }, { maxUnavailable: '50%', maxSurge: 0 }, { maxUnavailable: 0, maxSurge: 1 }, { maxUnavailable: 0, maxSurge: '50%' }] as const);
  await admin.create(daemonSets, { metadata: key('agent'), spec: { ...common('agent'), updateStrategy: { type: 'RollingUpdate', rollingUpdate: daemonFences } } });

  const resourceOf = { web: deployments, db: statefulSets, agent: daemonSets } as unknown as Record<keyof typeof invariants.promised, ResourceType<Workload>>;
  const apps = ['web', 'db', 'agent'] as const;
  const fail = (what: string): never => {
    throw new Error(`seed ${seed}, ${hardship}: ${what}`);
  };
  const check = (): void => {
    invariants.check();
    if (invariants.broken.length > 0) fail(invariants.broken.slice(0, 5).join('\n'));
  };
  const pass = async (seconds: number): Promise<void> => {
    for (let left = seconds; left > 0; left -= 1) {
      await world.pass(Math.min(left, 1));
      check();
    }
  };
  const unsettled = async (): Promise<string | undefined> => {
    const [web, db, agent] = await Promise.all([admin.get(deployments, key('web')), admin.get(statefulSets, key('db')), admin.get(daemonSets, key('agent'))]);
    for (const { metadata: { name, generation }, status } of [web, db, agent] as Workload[]) if (status?.observedGeneration !== generation) return `${name} is not seen`;
    const is = (what: string, have: number | undefined, want: number | undefined): string | undefined => ((have ?? 0) === (want ?? 0) ? undefined : `${what}: ${have ?? 0} of ${want ?? 0}`);
    const updated = Math.max(0, db.spec.replicas! - (db.spec.updateStrategy!.rollingUpdate!.partition ?? 0));
    return is('web', web.status!.availableReplicas, web.spec.replicas) ?? is('all of web', web.status!.replicas, web.spec.replicas) ?? is('web updated', web.status!.updatedReplicas, web.spec.replicas)
      ?? is('db', db.status!.availableReplicas, db.spec.replicas) ?? is('all of db', db.status!.replicas, db.spec.replicas) ?? ((db.status!.updatedReplicas ?? 0) >= updated ? undefined : `db updated: ${db.status!.updatedReplicas} of ${updated}`)
      ?? is('agent', agent.status!.numberAvailable, names.length) ?? is('agent updated', agent.status!.updatedNumberScheduled, names.length);
  };
  const untilSettled = async (seconds: number): Promise<void> => {
    for (let left = seconds; ; left--) {
      const missing = await unsettled();
      if (missing === undefined) return;
      if (left < 0) fail(`it does not come to rest: ${missing}`);
      await pass(1);
    }
  };
  /** Done by the user, as often as it takes against the meddler's changes. */
  const change = async <T extends Workload>(resource: ResourceType<T>, name: string, spec: object): Promise<number> =>
    Number((await admin.patch(resource, key(name), { type: 'application/merge-patch+json', body: { spec } })).metadata.resourceVersion);
  const suspendAll = (revision: number): void => Object.values(invariants.promised).forEach((promised) => promised.suspend(revision));

  await untilSettled(120);
  for (let step = 0; step < 16; step++) {
    check();
    const app = any(apps);
    switch (any(['roll', 'roll', 'roll', 'roll', 'scale', 'kill-pod', 'pause', 'partition', 'node', ...(hardship === 'calm' ? [] : ['restart', 'kill', 'kill'])])) {
      case 'roll': {
        const image = `v${Math.floor(random.next() * 4)}`;
        await change(resourceOf[app], app, { template: template(app, image) });
        break;
      }
      case 'scale': {
        const of = any(['web', 'db'] as const);
        invariants.promised[of].suspend(Infinity);
        invariants.promised[of].suspend(await change(resourceOf[of], of, { replicas: Math.floor(random.next() * 7) }));
        break;
      }
      case 'kill-pod': {
        const victim = any((await admin.list(pods, { namespace, labelSelector: `app=${app}` })).items);
        if (!victim) break;
        invariants.promised[app].suspend(Infinity);
        await admin.delete(pods, key(victim.metadata.name));
        invariants.promised[app].suspend(Number((await admin.list(pods, { namespace })).metadata.resourceVersion));
        break;
      }
      case 'pause':
        await change(deployments, 'web', { paused: !(await admin.get(deployments, key('web'))).spec.paused || null });
        break;
      case 'partition':
        await change(statefulSets, 'db', { updateStrategy: rollingUpdate(Math.floor(random.next() * 4)) });
        break;
      case 'node': {
        suspendAll(Infinity);
        const last = names.at(-1)!;
        if (names.length > 4) {
          names.pop();
          await admin.delete(nodes, { name: last });
        } else {
          names.push(`n${names.length + 1}`);
          await createNode(admin, world.clock, names.at(-1)!);
        }
        invariants.nodes = [...names];
        suspendAll(Number((await admin.list(pods, { namespace })).metadata.resourceVersion));
        break;
      }
      case 'restart':
        await world.restart();
        break;
      case 'kill':
        await world.kill(Math.floor(random.next() * 5));
    }
    await pass(random.next() * 8);
    if (random.next() < 0.3) {
      await change(deployments, 'web', { paused: null });
      await untilSettled(300);
    }
  }
  await change(deployments, 'web', { paused: null });
  world.calm();
  await untilSettled(300);
  await pass(60);
  world.written();
  await pass(40);
  const written = world.written();
  if (written.length > 0) fail(`written at rest: ${written.slice(0, 5).join(', ')}`);
  await cleanUp(world, pass, fail);
}

/** What is deleted takes all that it owns with it. */
async function cleanUp({ admin }: HardLife, pass: (seconds: number) => Promise<void>, fail: (what: string) => never): Promise<void> {
  for (const [resource, name] of [[deployments, 'web'], [statefulSets, 'db'], [daemonSets, 'agent']] as const) await admin.delete(resource as ResourceType<KubeObject>, { namespace, name }, { propagationPolicy: 'Background' });
  await pass(60);
  for (const resource of [replicaSets, controllerRevisions, pods] as unknown as ResourceType<KubeObject>[]) {
    const left = (await admin.list(resource, { namespace })).items.map(({ metadata }) => metadata.name);
    if (left.length > 0) fail(`orphaned: ${left.join(', ')}`);
  }
}
