// A node's processes are killed while an application serves: its containers go on, and `wherry start` takes the same containers up again.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Pod } from '../../src/api/generated/core-v1.ts';
import { deployments, nodes, pods, services } from '../../src/api/generated/resources.ts';
import type { HttpClient } from '../../src/client/http-client.ts';
import { addressPlan } from '../../src/machine/index.ts';
import { ClusterUnderTest, eventually, run, type ClusterStatus } from '../../src/testing/cluster-under-test.ts';
import { MachineSnapshot } from '../../src/testing/machine-snapshot.ts';
import { HalfMadeSandbox } from './half-made-sandbox.ts';

const namespace = 'default';
const cluster = new ClusterUnderTest('lazarus');
const halfMade = new HalfMadeSandbox(cluster, 'lazarus', 'deadbeef');
let before: MachineSnapshot;
let client: HttpClient;

beforeAll(async () => {
  before = new MachineSnapshot(cluster.folder);
  await cluster.start('--nodes', '2', '--node-grace', '600');
  await cluster.loadSampleImage();
  client = cluster.client();
  await client.create(deployments, {
    metadata: { name: 'web', namespace },
    spec: { replicas: 4, selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { app: 'web' } }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'web', image: 'msung99/maestro:0.1.0' }] } } },
  });
  await client.create(services, { metadata: { name: 'web', namespace }, spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] } });
  await allReady();
  await halfMade.make();
  // The cgroup may be gone by now: the kubelet looks for those of pods that it does not know.
  expect((await halfMade.remains()).map((line) => /shim|netns|leases|runc|cgroup/.exec(line)?.[0])).toEqual(expect.arrayContaining(['shim', 'netns', 'leases', 'runc']));
}, 120_000);

afterAll(async () => {
  client[Symbol.dispose]();
  await cluster[Symbol.asyncDispose]();
  expect(new MachineSnapshot(cluster.folder).changesSince(before)).toEqual([]);
}, 60_000);

const allReady = (): Promise<boolean> => eventually('all four pods are ready', async () => (await client.get(deployments, { namespace, name: 'web' })).status?.readyReplicas === 4);
const webPods = async (): Promise<readonly Pod[]> => (await client.list(pods, { namespace, labelSelector: 'app=web' })).items;
/** Container ids and restarts, by pod. */
const containersOf = (found: readonly Pod[]): Record<string, string> => Object.fromEntries(found.map(({ metadata, status }) => [metadata.name, `${status?.containerStatuses?.[0]?.containerID} ${status?.containerStatuses?.[0]?.restartCount}`]));
const nodeOf = (status: ClusterStatus, name: string): ClusterStatus['nodes'][number] => status.nodes.find((node) => node.name === name)!;
const ended = (pid: number): Promise<boolean> => eventually(`process ${pid} is gone`, async () => !readdirSync('/proc').includes(String(pid)) || /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')));

/** Every pod answers the host, and a pod of the other node by way of the service too. */
async function expectAllServe(found: readonly Pod[]): Promise<void> {
  for (const { metadata, status } of found) {
    const { stdout } = await run(['curl', '-s', '-m', '5', `http://${status!.podIP}:8080/`]);
    expect(stdout).toBe(`You've hit ${metadata.name} (maestro 0.1.0)\n`);
  }
}

/** The service proxy's rules stay in the kernel: new connections go on being spread. */
async function expectServiceServes(): Promise<void> {
  const { clusterIP } = (await client.get(services, { namespace, name: 'web' })).spec;
  const inside = ['nsenter', `--net=${cluster.dataDir}/run/lazarus.net`, '--'];
  const hit = new Set<string>();
  for (let i = 0; i < 20; i++) hit.add((await run([...inside, 'curl', '-s', '-m', '5', `http://${clusterIP}/`])).stdout);
  expect([...hit].every((text) => text.startsWith("You've hit web-"))).toBe(true);
  expect(hit.size).toBeGreaterThan(1);
}

describe.each([
  ['the node process', (status: ClusterStatus) => [nodeOf(status, 'lazarus').pid!]],
  ['containerd', (status: ClusterStatus) => [nodeOf(status, 'lazarus').runtimePid!]],
  ['the server, both node processes and both containerds', (status: ClusterStatus) => [status.server!.pid, ...status.nodes.flatMap((node) => [node.pid!, node.runtimePid!])]],
])('%s killed', (_what, victims) => {
  test('the containers go on serving; start takes up the same ones, and new ones can be made', async () => {
    const status = await cluster.status();
    const found = await webPods();
    const containers = containersOf(found);
    const pids = victims(status);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await Promise.all(pids.map(ended));
    await expectAllServe(found);
    if (!pids.includes(status.server!.pid)) await expectServiceServes();

    await cluster.start();
    const again = await cluster.status();
    expect(again).toMatchObject({ running: true, nodes: [{ status: 'Ready' }, { status: 'Ready' }] });
    for (const pid of pids) expect(JSON.stringify(again)).not.toMatch(new RegExp(`[pP]id":${pid}\\b`));
    expect(containersOf(await webPods())).toEqual(containers);
    await expectAllServe(found);
    await expectServiceServes();

    // The nodes are in charge again: a pod that goes is replaced, logs and exec work.
    const [victim] = found.filter((pod) => pod.spec.nodeName === 'lazarus');
    await client.delete(pods, { namespace, name: victim!.metadata.name });
    await eventually('the deleted pod is gone', async () => !(await webPods()).some(({ metadata }) => metadata.uid === victim!.metadata.uid));
    await allReady();
    await expectAllServe(await webPods());
    for (const pod of await webPods()) {
      expect((await cluster.kubectl('logs', pod.metadata.name)).stdout).toBe(`maestro 0.1.0 serves on 8080 as ${pod.metadata.name}\n`);
      expect((await cluster.kubectl('exec', pod.metadata.name, '--', 'hostname')).stdout).toBe(`${pod.metadata.name}\n`);
    }
  }, 90_000);
});

test('what containerd had begun when it was killed, and forgot, is collected', async () => {
  await eventually('nothing of it is left', async () => {
    const remains = await halfMade.remains();
    if (remains.length > 0) throw new Error(remains.join('\n'));
    return true;
  }, 50_000);
}, 60_000);

test('what a restart of the machine leaves: no process, no namespace; start makes all of it again', async () => {
  const found = await webPods();
  const old = containersOf(found);
  const inNode = [cluster.dataDir, ...nodeNamespaces()];
  for (let left = [1]; left.length > 0;) {
    left = processesThatName(inNode);
    for (const pid of left) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  for (const target of mountsOfCluster().toReversed()) await run(['umount', '-l', target]);
  const plan = addressPlan((JSON.parse(readFileSync(join(cluster.dataDir, 'cluster.json'), 'utf8')) as { index: number }).index);
  await run(['ip', 'link', 'del', plan.bridge]);
  await run(['nft', 'delete', 'table', 'ip', plan.bridge]);
  for (const range of [plan.pods, plan.services, plan.fabric]) await run(['ip', 'route', 'flush', 'exact', range, 'proto', '231']);
  expect((await run(['ip', 'route'])).stdout).not.toContain(plan.bridge);

  await cluster.start();
  expect(await cluster.status()).toMatchObject({ running: true });
  await eventually('all pods run in new containers', async () => {
    const now = await webPods();
    return now.length === 4 && now.every(({ metadata }) => containersOf(now)[metadata.name]!.split(' ')[0] !== old[metadata.name]!.split(' ')[0]) && now.every(({ status }) => status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True')) && now;
  }, 60_000);
  const now = await webPods();
  // The same pods, as after a restart of a machine, with containers of their own.
  expect(now.map(({ metadata }) => metadata.uid).toSorted()).toEqual(found.map(({ metadata }) => metadata.uid).toSorted());
  await expectAllServe(now);
  await expectServiceServes();
  expect((await client.list(nodes)).items.every(({ status }) => status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True'))).toBe(true);
}, 120_000);

function mountsOfCluster(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n').map((line) => line.split(' ')[4]!).filter((target) => target.startsWith(cluster.dataDir));
}

/** As `net:[4026532001]`, which /proc/PID/ns links to. */
function nodeNamespaces(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n').filter((line) => line.includes(`${cluster.dataDir}/run/`)).map((line) => line.split(' ')[3]!).filter((source) => source.includes(':['));
}

function processesThatName(what: readonly string[]): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid).map(Number).filter((pid) => {
    try {
      if (/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) return false;
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      return what.some((word) => command.includes(word)) || namespacesOf(pid).some((namespaceName) => what.includes(namespaceName));
    } catch (error) {
      if (['ENOENT', 'ESRCH', 'EACCES'].includes((error as NodeJS.ErrnoException).code!)) return false;
      throw error;
    }
  });
}

function namespacesOf(pid: number): string[] {
  return ['net', 'mnt', 'uts'].map((kind) => readlinkSync(`/proc/${pid}/ns/${kind}`));
}
