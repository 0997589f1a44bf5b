import { expect, test } from 'vitest';
import { nodes, pods } from '../api/generated/resources.ts';
import { isReason } from '../api/errors.ts';
import { milliValue } from '../api/quantity.ts';
import { systemClock } from '../base/clock.ts';
import { createLog } from '../base/log.ts';
import { seededRandom } from '../base/random.ts';
import { createInformerFactory } from '../client/informer-factory.ts';
import { startTestApiServer } from '../testing/api-server.ts';
import { nodeObject, podObject } from './scheduling-fixture.ts';
import { startScheduler } from './scheduler.ts';

/** What may be refused because the other side was faster. */
async function ifStillThere(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isReason(error, 'NotFound', 'AlreadyExists', 'Conflict')) throw error;
  }
}

test.each([1, 2, 3])('random coming and going: no node beyond its size, no pod forgotten (seed %i)', async (seed) => {
  const random = seededRandom(seed);
  const pick = (n: number): number => Math.floor(random.next() * n);
  await using api = await startTestApiServer();
  const { admin } = api;
  const faults: string[] = [];
  const log = createLog({ write: (line) => void faults.push(line), clock: systemClock, level: 'error' });
  const shared = { client: api.client({ name: 'system:kube-scheduler', groups: [] }), clock: systemClock, random, log };
  const start = () => {
    const informers = createInformerFactory(shared);
    const scheduler = startScheduler({ ...shared, informers });
    return { scheduler, stop: async () => { await scheduler[Symbol.asyncDispose](); await informers[Symbol.asyncDispose](); } };
  };
  let running = start();
  const addNode = async (name: string): Promise<void> => {
    const { metadata, spec, status } = nodeObject(name, { allocatable: { cpu: '2', pods: '12' } });
    await admin.create(nodes, { metadata: { name, labels: metadata.labels! }, spec });
    await admin.patch(nodes, { name }, { type: 'application/merge-patch+json', body: { status } }, { subresource: 'status' });
    await admin.patch(nodes, { name }, { type: 'application/merge-patch+json', body: { spec: { taints: null } } });
  };
  await Promise.all(['n0', 'n1', 'n2'].map(addNode));
  for (let round = 0; round < 150; round++) {
    const name = `p${pick(40)}`;
    const cpu = ['100m', '300m', '700m', '1500m'][pick(4)]!;
    const what = pick(20);
    if (what < 10) await ifStillThere(admin.create(pods, { metadata: { name, namespace: 'default' }, spec: podObject(name, { requests: { cpu } }).spec }));
    else if (what < 15) await ifStillThere(admin.delete(pods, { namespace: 'default', name }, { gracePeriodSeconds: 0 }));
    // A namesake takes the place of a pod whose binding may be under way.
    else if (what < 17) {
      await ifStillThere(admin.delete(pods, { namespace: 'default', name }, { gracePeriodSeconds: 0 }));
      await ifStillThere(admin.create(pods, { metadata: { name, namespace: 'default' }, spec: podObject(name, { requests: { cpu } }).spec }));
    } else if (what === 17) {
      await ifStillThere(admin.patch(nodes, { name: `n${pick(3)}` }, { type: 'application/merge-patch+json', body: { spec: { unschedulable: pick(2) === 0 } } }));
    } else if (what === 18 && round % 2 === 0) {
      await running.stop();
      running = start();
    } else await systemClock.sleep(pick(4));
  }
  for (const name of ['n0', 'n1', 'n2']) await admin.patch(nodes, { name }, { type: 'application/merge-patch+json', body: { spec: { unschedulable: null } } });
  await systemClock.sleep(200);
  await running.scheduler.idle();

  const all = (await admin.list(pods, { namespace: 'default' })).items;
  const free = new Map(['n0', 'n1', 'n2'].map((name) => [name, 2000]));
  const size = (pod: (typeof all)[number]): number => milliValue(pod.spec.containers[0]!.resources!.requests!['cpu']);
  for (const pod of all) if (pod.spec.nodeName) free.set(pod.spec.nodeName, free.get(pod.spec.nodeName)! - size(pod));
  for (const [name, left] of free) expect(left, name).toBeGreaterThanOrEqual(0);
  for (const pod of all.filter((p) => !p.spec.nodeName)) {
    expect(Math.max(...free.values()), `${pod.metadata.name} waits although it would fit`).toBeLessThan(size(pod));
    expect(pod.status?.conditions?.find(({ type }) => type === 'PodScheduled')).toMatchObject({ status: 'False', reason: 'Unschedulable' });
  }
  expect(all.some((p) => p.spec.nodeName)).toBe(true);
  await running.stop();
  expect(faults).toEqual([]);
}, 30_000);
