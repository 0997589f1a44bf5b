// `scale --replicas=10000` on 1,000 simulated nodes (the real kubelet on a runtime without containers, all in this process, on durable storage) until
// all are Ready; memory of a pod; and whether idle is idle afterwards. `scale.ts [PODS [NODES]]`.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { deployments, pods } from '../src/api/generated/resources.ts';
import { systemClock } from '../src/base/clock.ts';
import { silentLog } from '../src/base/log.ts';
import { systemRandom } from '../src/base/random.ts';
import { createPki } from '../src/cluster/pki.ts';
import { startServer } from '../src/cluster/server.ts';
import { startSimulatedNode } from '../src/cluster/simulated-node.ts';
import { addressPlan } from '../src/machine/index.ts';
import { report } from './measure.ts';

const PODS = Number(process.argv[2] ?? 10_000);
const NODES = Number(process.argv[3] ?? 1000);
const namespace = 'default';
const key = { namespace, name: 'many' };
const labels = { app: 'many' };

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const heapMb = (): number => {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
};
const seconds = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1e6;

const folder = mkdtempSync(join(tmpdir(), 'wherry-bench-'));
// Tokens and their like live in memory on real nodes as well.
const nodesFolder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'wherry-bench-'));
try {
  const plan = addressPlan(11);
  const shared = { clock: systemClock, random: systemRandom, log: silentLog };
  await using server = await startServer({ ...shared, plan, pki: await createPki(plan, Date.now()), storageDir: join(folder, 'storage'), simulated: true });
  const { admin } = server;
  const empty = heapMb();
  const joining = performance.now();
  await using nodes = new AsyncDisposableStack();
  for (let first = 0; first < NODES; first += 50) {
    await Promise.all(Array.from({ length: Math.min(50, NODES - first) }, async (_, i) => {
      const name = `node-${first + i}`;
      const client = server.api.client({ name: `system:node:${name}`, groups: ['system:nodes', 'system:authenticated'] }, 'kubelet');
      nodes.use(await startSimulatedNode({ ...shared, name, client, podCidr: `10.${100 + ((first + i) >> 8)}.${(first + i) & 255}.0/24`, dnsAddress: plan.dnsService, folder: join(nodesFolder, name) }));
    }));
  }
  const joined = performance.now() - joining;
  const withNodes = heapMb();

  await admin.create(deployments, { metadata: key, spec: { replicas: 0, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image: 'pause:3', resources: { requests: { cpu: '10m', memory: '10Mi' } } }] } } } });
  await systemClock.sleep(2000);
  const before = process.cpuUsage();
  const began = performance.now();
  await admin.patch(deployments, key, { type: 'application/merge-patch+json', body: { spec: { replicas: PODS } } });
  const ended = new AbortController();
  for await (const { object } of await admin.watch(deployments, { namespace, fieldSelector: 'metadata.name=many', signal: ended.signal })) {
    if ((object.status?.readyReplicas ?? 0) < PODS) continue;
    ended.abort();
    break;
  }
  const tookMs = performance.now() - began;
  const processor = seconds(process.cpuUsage(before));
  await systemClock.sleep(5000);
  const withPods = heapMb();
  const { metadata: { resourceVersion } } = await admin.list(pods, { namespace, limit: 1 });
  const idleBefore = process.cpuUsage();
  await systemClock.sleep(20_000);
  const idle = seconds(process.cpuUsage(idleBefore)) / 20;
  const written = Number((await admin.list(pods, { namespace, limit: 1 })).metadata.resourceVersion) - Number(resourceVersion);
  report([
    [`${NODES} nodes Ready`, `${(joined / 1000).toFixed(1)} s, ${(((withNodes - empty) * 1024) / NODES).toFixed(0)} KB a node`],
    [`${PODS} pods Ready`, `${Math.round((PODS / tookMs) * 1000)} pods/s (${(tookMs / 1000).toFixed(1)} s, ${processor.toFixed(1)} s of the processor: ${((processor * 1e6) / PODS).toFixed(0)} µs a pod, server and nodes together)`],
    ['memory', `${(((withPods - withNodes) * 1024) / PODS).toFixed(1)} KB a pod, server and nodes together`],
    ['idle afterwards', `${(idle * 100).toFixed(1)} % of one core, ${written} writes in 20 s`],
  ]);
} finally {
  rmSync(nodesFolder, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
