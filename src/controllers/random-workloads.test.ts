import { expect, test } from 'vitest';
import { daemonSets, jobs, nodes, persistentVolumeClaims, pods, statefulSets } from '../api/generated/resources.ts';
import type { Pod } from '../api/generated/core-v1.ts';
import { isPodActive } from '../api/pod/conditions.ts';
import { seededRandom } from '../base/random.ts';
import { startControllersUnderTest, type ControllersUnderTest } from '../testing/controllers-under-test.ts';
import { faultyClient } from '../testing/faulty-client.ts';
import { laggingClient } from '../testing/lagging-client.ts';
import { createNode, type PodFate } from '../testing/pod-runner.ts';

const namespace = 'default';
const labels = { app: 'it' };
const template = (image: string) => ({ metadata: { labels }, spec: { containers: [{ name: 'main', image }] } });

/** Controllers that are restarted, whose writes fail one in ten and whose caches lag. */
async function hardLife(only: readonly string[], seed: number, fate?: (pod: Pod) => PodFate): Promise<ControllersUnderTest> {
  return await startControllersUnderTest({
    only: [...only, 'garbage-collector-controller'],
    pods: { runMs: 3000, ...(fate && { fate }) },
    wrapClient: (client, clock) => laggingClient(faultyClient(client, { random: seededRandom(seed + 500), rate: 0.1, kind: seed % 2 ? 'refused' : 'lost' }), { clock, random: seededRandom(seed + 900), upToMs: 200 }),
  });
}

async function until(world: ControllersUnderTest, seconds: number, holds: () => Promise<boolean>, each: () => Promise<void> = async () => {}): Promise<void> {
  for (let left = seconds * 2; left > 0; left--) {
    if (await holds()) return;
    await world.pass(0.5);
    await each();
  }
  expect.fail('it does not come to rest');
}

test.each([1, 2, 3, 4, 5, 6])('a stateful set: never two pods of a name, in order, and it comes to rest, seed %i', { timeout: 120_000 }, async (seed) => {
  await using world = await hardLife(['statefulset-controller'], seed);
  const { admin } = world;
  const random = seededRandom(seed);
  const key = { namespace, name: 'db' };
  await admin.create(statefulSets, {
    metadata: key, spec: {
      serviceName: 'db', replicas: 3, selector: { matchLabels: labels }, template: template('v0'), podManagementPolicy: 'OrderedReady', updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } } as never],
    },
  });
  let [replicas, image] = [3, 'v0'];
  const change = async (): Promise<void> => {
    const current = await admin.get(statefulSets, key);
    await admin.update(statefulSets, { ...current, spec: { ...current.spec, replicas, template: template(image) } }).catch(change);
  };
  for (let step = 0; step < 12; step++) {
    const dice = random.next();
    if (dice < 0.3) replicas = Math.floor(random.next() * 6);
    else if (dice < 0.6) image = `v${Math.floor(random.next() * 3)}`;
    else if (dice < 0.8) await world.restart();
    else for (const pod of (await admin.list(pods, { namespace })).items.slice(0, 1)) await admin.delete(pods, { namespace, name: pod.metadata.name });
    await change();
    await world.pass(random.next() * 8);
  }
  await until(world, 200, async () => {
    const { status, metadata } = await admin.get(statefulSets, key);
    return status?.observedGeneration === metadata.generation && (status?.replicas ?? 0) === replicas && (status?.readyReplicas ?? 0) === replicas && status?.currentRevision === status?.updateRevision && (status?.updatedReplicas ?? 0) === replicas;
  });
  await world.pass(5);
  const left = (await admin.list(pods, { namespace })).items;
  expect(left.map((pod) => pod.metadata.name)).toEqual(Array.from({ length: replicas }, (_, ordinal) => `db-${ordinal}`));
  expect(new Set(left.map((pod) => pod.spec.containers[0]!.image))).toEqual(new Set(replicas > 0 ? [image] : []));
  expect((await admin.list(persistentVolumeClaims, { namespace })).items.length).toBeGreaterThanOrEqual(replicas);
});

test.each([1, 2, 3, 4, 5, 6, 7, 8])('a job: each success is counted once, and no pod is held for ever, seed %i', { timeout: 120_000 }, async (seed) => {
  const random = seededRandom(seed);
  const fates = new Map<string, PodFate>();
  const fate = ({ metadata: { uid } }: Pod): PodFate => {
    if (!fates.has(uid)) fates.set(uid, random.next() < 0.25 ? 'fails' : 'succeeds');
    return fates.get(uid)!;
  };
  await using world = await hardLife(['job-controller'], seed, fate);
  const { admin } = world;
  const indexed = seed > 4;
  await admin.create(jobs, {
    metadata: { name: 'sum', namespace },
    spec: { completions: 12, parallelism: 4, backoffLimit: 1000, ...(indexed && { completionMode: 'Indexed' }), template: { metadata: {}, spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'it' }] } } },
  });
  const get = () => admin.get(jobs, { namespace, name: 'sum' });
  let elapsed = 0;
  await until(world, 3000, async () => (await get()).status?.conditions?.some(({ type, status }) => type === 'Complete' && status === 'True') ?? false, async () => {
    if (++elapsed % 40 === 0) await world.restart();
    const active = (await admin.list(pods, { namespace })).items.filter(isPodActive);
    // Where the answer to a creation was lost there may be one too many for a moment.
    if (seed % 2) expect(active.length).toBeLessThanOrEqual(4);
  });
  await world.pass(10);
  const { status } = await get();
  const ended = (await admin.list(pods, { namespace })).items;
  const succeeded = ended.filter((pod) => pod.status?.phase === 'Succeeded');
  expect(status).toMatchObject({ ready: 0, terminating: 0 });
  expect(status!.failed ?? 0).toBe(ended.filter((pod) => pod.status?.phase === 'Failed').length);
  expect(status!.active).toBeUndefined();
  if (indexed) expect(status).toMatchObject({ completedIndexes: '0-11', succeeded: 12 });
  else expect(status!.succeeded).toBe(succeeded.length);
  expect(status!.succeeded).toBeGreaterThanOrEqual(12);
  if (seed % 2) expect(status!.succeeded).toBe(12);
  expect(ended.flatMap((pod) => pod.metadata.finalizers ?? [])).toEqual([]);
  await admin.delete(jobs, { namespace, name: 'sum' }, { propagationPolicy: 'Background' });
  await until(world, 60, async () => (await admin.list(pods, { namespace })).items.length === 0);
});

test.each([1, 2, 3, 4])('a daemon set: one pod a node while nodes come and go, seed %i', { timeout: 120_000 }, async (seed) => {
  await using world = await startControllersUnderTest({
    only: ['daemonset-controller', 'pod-garbage-collector-controller', 'garbage-collector-controller'],
    // The set's pods say for themselves which node they are for.
    pods: { nodes: [], targetOf: (pod) => pod.spec.affinity!.nodeAffinity!.requiredDuringSchedulingIgnoredDuringExecution!.nodeSelectorTerms[0]!.matchFields![0]!.values![0]! },
    wrapClient: (client, clock) => laggingClient(faultyClient(client, { random: seededRandom(seed + 500), rate: 0.1, kind: 'refused' }), { clock, random: seededRandom(seed + 900), upToMs: 200 }),
  });
  const { admin, clock } = world;
  const random = seededRandom(seed);
  const key = { namespace, name: 'agent' };
  let image = 'v0';
  await admin.create(daemonSets, { metadata: key, spec: { selector: { matchLabels: labels }, template: template(image), updateStrategy: { type: 'RollingUpdate', rollingUpdate: seed % 2 ? { maxUnavailable: 1, maxSurge: 0 } : { maxUnavailable: 0, maxSurge: '50%' } } } });
  for (let step = 0; step < 15; step++) {
    const all = (await admin.list(nodes)).items.map((node) => node.metadata.name);
    const dice = random.next();
    if (dice < 0.4 || all.length < 2) await createNode(admin, clock, `n${step}`);
    else if (dice < 0.5) await admin.delete(nodes, { name: all[Math.floor(random.next() * all.length)]! });
    else if (dice < 0.7) await world.restart();
    else {
      image = `v${step}`;
      const update = async (): Promise<void> => {
        const current = await admin.get(daemonSets, key);
        await admin.update(daemonSets, { ...current, spec: { ...current.spec, template: template(image) } }).catch(update);
      };
      await update();
    }
    await world.pass(random.next() * 10);
  }
  const wanted = (await admin.list(nodes)).items.map((node) => node.metadata.name).toSorted();
  await until(world, 300, async () => {
    const { status, metadata } = await admin.get(daemonSets, key);
    return status?.observedGeneration === metadata.generation && status?.numberAvailable === wanted.length && status?.updatedNumberScheduled === wanted.length;
  });
  await world.pass(60);
  const left = (await admin.list(pods, { namespace })).items;
  expect(left.map((pod) => pod.spec.nodeName).toSorted()).toEqual(wanted);
  expect(new Set(left.map((pod) => pod.spec.containers[0]!.image))).toEqual(new Set([image]));
});
