// A full node: 110 pods, 30 of them with a probe each second (ten over HTTP, ten by TCP, ten commands). CPU and memory of the node process beside it, and
// the time until all run against what the same containerd needs for as many when it is asked for the same by nobody but this program.
import { readFileSync } from 'node:fs';
import { pods } from '../src/api/generated/resources.ts';
import type { Probe } from '../src/api/generated/core-v1.ts';
import { eventually } from '../src/testing/cluster-under-test.ts';
import { BenchCluster, IMAGE, samePod } from './bench-cluster.ts';
import { ratio, report, timed } from './measure.ts';

const PODS = Number(process.argv[2] ?? 110);
const SECONDS = Number(process.argv[3] ?? 60);
const HERTZ = 100;
const namespace = 'default';
const every = { periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 10 };
const probes: readonly Probe[] = [{ httpGet: { port: 8080, path: '/' }, ...every }, { tcpSocket: { port: 8080 }, ...every }, { exec: { command: ['true'] }, ...every }];

const cpuOf = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / HERTZ;
};
const residentOf = (pid: number): number => Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;

await using cluster = await BenchCluster.start(1);
const client = cluster.client();
const [node] = (await cluster.status()).nodes;
const processes = { 'node process': node!.pid!, containerd: node!.runtimePid! };
const runtime = cluster.runtime(0);
const labels = { app: 'dense' };
const spec = { terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image: IMAGE, imagePullPolicy: 'IfNotPresent' }] };
// One pod, by which the kubelet's requests are known.
const like = await client.create(pods, { metadata: { name: 'like', namespace }, spec });
await eventually('one pod runs', async () => (await client.get(pods, { namespace, name: 'like' })).status?.phase === 'Running');
await client.delete(pods, { namespace, name: 'like' });
await eventually('it is gone', async () => (await client.list(pods, { namespace })).items.length === 0);
const alone = await timed(() => Promise.all(Array.from({ length: PODS }, () => samePod(runtime, cluster.folder, like))));
for (const end of alone.result) await end();

const ended = new AbortController();
const { resourceVersion } = (await client.list(pods, { namespace })).metadata;
const allRun = (async () => {
  const running = new Set<string>();
  for await (const { type, object } of await client.watch(pods, { namespace, labelSelector: 'app=dense', ...(resourceVersion && { resourceVersion }), signal: ended.signal })) {
    if (type !== 'DELETED' && object.status?.phase === 'Running') running.add(object.metadata.name);
    if (running.size === PODS) break;
  }
  ended.abort();
  return performance.now();
})();
const begun = performance.now();
const cpuBefore = cpuOf(node!.pid!);
await Promise.all(Array.from({ length: PODS }, (_, i) => {
  const readinessProbe = i < 30 ? probes[i % 3] : undefined;
  return client.create(pods, { metadata: { name: `dense-${i}`, namespace, labels }, spec: { ...spec, containers: [{ ...spec.containers[0]!, ...(readinessProbe && { readinessProbe }) }] } });
}));
const runMs = (await allRun) - begun;
await eventually('all pods are ready', async () => {
  const { items } = await client.list(pods, { namespace });
  return items.length === PODS && items.every(({ status }) => status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True'));
}, 600_000);
const startMs = performance.now() - begun;
const startCpu = cpuOf(node!.pid!) - cpuBefore;
await new Promise((resolve) => setTimeout(resolve, 20_000));
const before = Object.values(processes).map(cpuOf);
await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
const used = Object.values(processes).map((pid, i) => ((cpuOf(pid) - before[i]!) / SECONDS) * 100);
report([
  [`containerd alone, the kubelet's requests, ${PODS} pods at once`, `${(alone.ms / 1000).toFixed(1)} s`],
  [`${PODS} pods run after`, `${(runMs / 1000).toFixed(1)} s`],
  ['ratio', ratio(runMs, alone.ms)],
  [`${PODS} pods ready after`, `${(startMs / 1000).toFixed(1)} s (${startCpu.toFixed(1)} s of CPU in the node process)`],
  ...Object.entries(processes).map(([name, pid], i): [string, string] => [name, `${residentOf(pid).toFixed(0)} MB resident, ${used[i]!.toFixed(2)} % of one core over ${SECONDS} s`]),
]);
