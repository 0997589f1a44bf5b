// Pods scheduled a second on 5,000 nodes (objects without kubelets), in the shape of upstream's scheduler_perf: from the first creation to the last
// binding, everything through the API, on durable storage. `scheduler.ts [SCENARIO…]`; NODES and PODS in the environment change the sizes.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pod, PodSpec } from '../src/api/generated/core-v1.ts';
import { namespaces, nodes, pods, priorityClasses, serviceAccounts } from '../src/api/generated/resources.ts';
import { systemClock } from '../src/base/clock.ts';
import { silentLog } from '../src/base/log.ts';
import { seededRandom } from '../src/base/random.ts';
import type { Client } from '../src/client/client.ts';
import { createInformerFactory } from '../src/client/informer-factory.ts';
import { startScheduler } from '../src/scheduler/scheduler.ts';
import { startTestApiServer } from '../src/testing/api-server.ts';
import { report } from './measure.ts';

const NODES = Number(process.env['NODES'] ?? 5000);
const ZONE = 'topology.kubernetes.io/zone';

interface Batch {
  readonly count: number;
  readonly namespace: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec: Partial<PodSpec>;
  readonly cpu?: string;
}

interface Scenario {
  readonly zones?: readonly string[];
  /** On the nodes before the measurement. */
  readonly before?: Batch;
  readonly measured: Batch;
}

const share = (of: number): number => Math.round((of * NODES) / 5000);
const PODS = Number(process.env['PODS'] ?? share(10_000));
const green = { color: 'green' };
const blue = { color: 'blue' };
const antiAffinity: Partial<PodSpec> = {
  affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: { matchLabels: green }, topologyKey: 'kubernetes.io/hostname', namespaces: ['one', 'two'] }] } },
};
const affinity: Partial<PodSpec> = { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: { matchLabels: blue }, topologyKey: ZONE, namespaces: ['one', 'two'] }] } } };
const zones: Partial<PodSpec> = {
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: ZONE, operator: 'In', values: ['moon-1', 'moon-2'] }] }] } } },
};
const spread = (whenUnsatisfiable: string): Partial<PodSpec> => ({ topologySpreadConstraints: [{ maxSkew: 5, topologyKey: ZONE, whenUnsatisfiable, labelSelector: { matchLabels: blue } }] });
const moons = ['moon-1', 'moon-2', 'moon-3'];

/** Sizes as upstream's largest; where it measures fewer pods (anti-affinity: one fits on a node) so do we. */
const scenarios: Readonly<Record<string, Scenario>> = {
  basic: { before: { count: share(1000), namespace: 'one', spec: {} }, measured: { count: PODS, namespace: 'one', spec: {} } },
  'node-affinity': { zones: moons, before: { count: share(5000), namespace: 'one', spec: zones }, measured: { count: PODS, namespace: 'one', spec: zones } },
  'topology-spread': { zones: moons, before: { count: share(5000), namespace: 'one', spec: {} }, measured: { count: PODS, namespace: 'one', labels: blue, spec: spread('DoNotSchedule') } },
  'preferred-topology-spread': { zones: moons, before: { count: share(5000), namespace: 'one', spec: {} }, measured: { count: PODS, namespace: 'one', labels: blue, spec: spread('ScheduleAnyway') } },
  'pod-affinity': { zones: ['zone1'], before: { count: share(5000), namespace: 'one', labels: blue, spec: affinity }, measured: { count: PODS, namespace: 'two', labels: blue, spec: affinity } },
  'pod-anti-affinity': { before: { count: share(1000), namespace: 'one', labels: green, spec: antiAffinity }, measured: { count: share(4000), namespace: 'two', labels: green, spec: antiAffinity } },
  preemption: { before: { count: share(20_000), namespace: 'one', cpu: '900m', spec: { terminationGracePeriodSeconds: 0 } }, measured: { count: share(5000), namespace: 'one', cpu: '3', spec: { priorityClassName: 'high' } } },
};

/** Calls `work` for each number, so many at once. */
async function inParallel(count: number, work: (i: number) => Promise<unknown>, width = 64): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: Math.min(width, count) }, async () => { while (next < count) await work(next++); }));
}

async function addNode(admin: Client, i: number, zonesOf: readonly string[] | undefined): Promise<void> {
  const name = `node-${i}`;
  const labels = { 'kubernetes.io/hostname': name, ...(zonesOf && { [ZONE]: zonesOf[i % zonesOf.length]! }) };
  const resources = { pods: '110', cpu: '4', memory: '32Gi' };
  const type = 'application/merge-patch+json';
  await admin.create(nodes, { metadata: { name, labels }, spec: {} });
  await admin.patch(nodes, { name }, { type, body: { status: { capacity: resources, allocatable: resources, conditions: [{ type: 'Ready', status: 'True' }] } } }, { subresource: 'status' });
  await admin.patch(nodes, { name }, { type, body: { spec: { taints: null } } });
}

/** Creates the pods and resolves when all of them have a node, with the seconds that took, of the clock and of the processor. */
async function schedule(admin: Client, { count, namespace, labels, spec, cpu = '100m' }: Batch, prefix: string): Promise<{ readonly seconds: number; readonly processor: number; readonly latencies: number[] }> {
  const resources = { cpu, memory: '500Mi' };
  const ended = new AbortController();
  const created = new Map<string, number>();
  const latencies: number[] = [];
  const watch = await admin.watch(pods, { namespace, resourceVersion: (await admin.list(pods, { namespace, limit: 1 })).metadata.resourceVersion!, signal: ended.signal });
  const following = (async () => {
    let left = count;
    for await (const { type, object } of watch) {
      const began = created.get(object.metadata.name);
      if (type !== 'MODIFIED' || began === undefined || !(object as Pod).spec.nodeName) continue;
      created.delete(object.metadata.name);
      latencies.push(performance.now() - began);
      if (--left === 0) return ended.abort();
    }
  })();
  const cpuBefore = process.cpuUsage();
  const begin = performance.now();
  await inParallel(count, async (i) => {
    const name = `${prefix}-${i}`;
    created.set(name, performance.now());
    await admin.create(pods, { metadata: { name, namespace, ...(labels && { labels }) }, spec: { ...spec, containers: [{ name: 'pause', image: 'pause:3', ports: [{ containerPort: 80 }], resources: { limits: resources, requests: resources } }] } });
  });
  await following;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { seconds: (performance.now() - begin) / 1000, processor: (user + system) / 1e6, latencies };
}

async function run(name: string, { zones: zonesOf, before, measured }: Scenario): Promise<readonly [string, string]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'wherry-bench-'));
  try {
    await using api = await startTestApiServer({ dataDir, freezeObjects: false });
    const { admin } = api;
    for (const namespace of ['one', 'two']) {
      await admin.create(namespaces, { metadata: { name: namespace }, spec: {} });
      await admin.create(serviceAccounts, { metadata: { name: 'default', namespace } });
    }
    await admin.create(priorityClasses, { metadata: { name: 'high' }, value: 10 });
    await inParallel(NODES, (i) => addNode(admin, i, zonesOf));
    const shared = { client: api.client({ name: 'system:kube-scheduler', groups: ['system:authenticated'] }, 'kube-scheduler'), clock: systemClock, random: seededRandom(1), log: silentLog };
    await using informers = createInformerFactory(shared);
    await using scheduler = startScheduler({ ...shared, informers });
    await scheduler.started;
    if (before) await schedule(admin, before, 'before');
    await scheduler.idle();
    const { seconds, processor, latencies } = await schedule(admin, measured, 'pod');
    latencies.sort((a, b) => a - b);
    const { count } = measured;
    return [name, `${Math.round(count / seconds)} pods/s (${count} in ${seconds.toFixed(2)} s, ${processor.toFixed(2)} s of the processor: ${((processor * 1e6) / count).toFixed(0)} µs a pod; from creation to binding p50 ${Math.round(latencies[count >> 1]!)} ms, p99 ${Math.round(latencies[Math.floor(count * 0.99)]!)} ms)`];
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

const chosen = process.argv.slice(2);
for (const [name, scenario] of Object.entries(scenarios)) if (chosen.length === 0 || chosen.includes(name)) report([await run(name, scenario)]);
