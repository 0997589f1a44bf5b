// Node process, containerd, shims and whole nodes are killed at random points of many pods' lives: every pod ends as its spec says, and nothing of any stays on the machine.
// A long run by hand, not one of every day: `ROUNDS=40 PODS=30 SEED=1 npm run test:long`. With `LOGS=FOLDER` the cluster's logs are left there.
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { deployments, jobs, pods, services } from '../../src/api/generated/resources.ts';
import type { HttpClient } from '../../src/client/http-client.ts';
import { ClusterUnderTest, eventually, run } from '../../src/testing/cluster-under-test.ts';
import { MachineSnapshot } from '../../src/testing/machine-snapshot.ts';

const namespace = 'default';
const image = 'msung99/maestro:0.1.0';
const rounds = Number(process.env['ROUNDS'] ?? 20);
const replicas = Number(process.env['PODS'] ?? 8);
const random = seededRandom(Number(process.env['SEED'] ?? 11));
let cluster: ClusterUnderTest;
let before: MachineSnapshot;
let client: HttpClient;

beforeAll(async () => {
  cluster = new ClusterUnderTest('phoenix');
  before = new MachineSnapshot(cluster.folder);
  await cluster.start('--node-grace', '600');
  await cluster.loadSampleImage();
  client = cluster.client();
}, 120_000);

afterAll(async () => {
  const logs = process.env['LOGS'];
  if (logs) cpSync(cluster.dataDir, logs, { recursive: true, filter: (path) => path === cluster.dataDir || /\/data\/(log(\/.*)?|nodes(\/[^/]+(\/containerd\.log)?)?$)/.test(path) });
  client[Symbol.dispose]();
  await cluster[Symbol.asyncDispose]();
  expect(new MachineSnapshot(cluster.folder).changesSince(before)).toEqual([]);
}, 60_000);

/** Processes whose command line names the cluster's folder, by what they are. */
function processes(pattern: RegExp): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return command.includes(cluster.folder) && pattern.test(command) ? [Number(pid)] : [];
    } catch {
      // It has just ended.
      return [];
    }
  });
}

const kill = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};
const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(random.next() * items.length)];
/** Everything that a node's pods run, whose shims may be dead. */
const inPods = (): number[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
  try {
    return /\/wherry\/\d+\/phoenix\/kubepods\//.test(readFileSync(`/proc/${pid}/cgroup`, 'utf8')) ? [Number(pid)] : [];
  } catch {
    // It has just ended.
    return [];
  }
});
const inNode = async (...argv: string[]): Promise<string> => (await run(['nsenter', `--mount=${cluster.dataDir}/run/phoenix.mnt`, `--net=${cluster.dataDir}/run/phoenix.net`, '--', ...argv])).stdout;

test('whatever is killed, every pod ends as it should and leaves nothing', async () => {
  const shell = (script: string) => ({ name: 'main', image, command: ['sh', '-c', script], volumeMounts: [{ name: 'memory', mountPath: '/memory' }] });
  const volumes = [{ name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }];
  await client.create(deployments, {
    metadata: { name: 'web', namespace },
    spec: { replicas, selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { app: 'web' } }, spec: { terminationGracePeriodSeconds: 1, containers: [shell('sleep 100000')], volumes } } },
  });
  await client.create(services, { metadata: { name: 'web', namespace }, spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } });
  let made = 0;
  for (let round = 0; round < rounds; round++) {
    await client.create(jobs, {
      metadata: { name: `job-${made++}`, namespace },
      spec: { completions: 2, parallelism: 2, backoffLimit: 50, template: { metadata: { labels: { app: 'job' } }, spec: { restartPolicy: 'OnFailure', terminationGracePeriodSeconds: 1, containers: [shell(`sleep ${1 + Math.floor(random.next() * 3)}`)], volumes } } },
    });
    const victimPod = pick((await client.list(pods, { namespace, labelSelector: 'app=web' })).items);
    if (victimPod && random.next() < 0.7) await client.delete(pods, { namespace, name: victimPod.metadata.name });
    await new Promise((resolve) => setTimeout(resolve, random.next() * 1500));
    const what = pick(['node', 'containerd', 'shim', 'shim', 'node and containerd', 'all of it']);
    if (what === 'all of it') [...processes(/node-process|\/containerd --config|containerd-shim/), ...inPods()].forEach(kill);
    if (what!.includes('shim')) for (let i = 0; i < 2; i++) kill(pick(processes(/containerd-shim/)) ?? 0x7fffffff);
    if (what!.includes('containerd')) processes(/\/containerd --config/).forEach(kill);
    if (what!.includes('node') || what === 'all of it') {
      processes(/node-process/).forEach(kill);
      await cluster.start();
    }
  }
  await cluster.start();
  await eventually('all pods of the deployment are ready', async () => {
    const { status } = await client.get(deployments, { namespace, name: 'web' });
    if (status?.readyReplicas !== replicas || status.replicas !== replicas) throw new Error(JSON.stringify(status));
    return true;
  }, 240_000);
  await eventually('all jobs are done', async () => {
    const { items } = await client.list(jobs, { namespace });
    const open = items.filter(({ status }) => !status?.conditions?.some(({ type, status: value }) => type === 'Complete' && value === 'True'));
    if (open.length > 0) {
      const stuck = (await client.list(pods, { namespace, labelSelector: `job-name in (${open.map(({ metadata }) => metadata.name).join(',')})` })).items.filter(({ status }) => status?.phase !== 'Succeeded');
      throw new Error(JSON.stringify(stuck.map(({ metadata, status }) => [metadata.name, metadata.uid, status])));
    }
    return items.length === made;
  }, 240_000);

  await client.delete(deployments, { namespace, name: 'web' });
  for (const { metadata } of (await client.list(jobs, { namespace })).items) await client.delete(jobs, { namespace, name: metadata.name }, { propagationPolicy: 'Background' });
  await eventually('all pods are gone', async () => {
    const { items } = await client.list(pods, { namespace });
    if (items.length > 0) throw new Error(items.map(({ metadata, status }) => `${metadata.name} ${status?.phase} ${metadata.deletionTimestamp ?? ''}`).join(', '));
    return true;
  }, 120_000);
  await eventually('no shim is left', async () => {
    const left = processes(/containerd-shim/);
    if (left.length > 0) throw new Error(left.join(' '));
    return true;
  }, 60_000);
  const kubelet = join(cluster.dataDir, 'nodes/phoenix/kubelet');
  await eventually('no mount, folder, cgroup and address is left', async () => {
    const mounts = (await inNode('cat', '/proc/self/mountinfo')).split('\n').filter((line) => /\/pods\/|\/rootfs|\/sandboxes\/|\/netns\//.test(line));
    const links = (await inNode('ip', '-o', 'link', 'show', 'type', 'veth')).split('\n').filter((line) => line !== '' && !/ eth0@/.test(line));
    const rules = (await inNode('nft', 'list', 'ruleset')).split('\n').filter((line) => /\b10\.24\d\.1\.\d+\b/.test(line));
    const folders = [...readdirSync(join(kubelet, 'pods')), ...readdirSync(join(kubelet, 'logs/pods'))];
    const cgroups = (await run(['find', '/sys/fs/cgroup', '-type', 'd', '-path', '*/wherry/*/phoenix/kubepods/*', '-name', 'pod*-*'])).stdout.trim();
    const { ipam } = (JSON.parse(readFileSync(join(cluster.dataDir, 'nodes/phoenix/cni/net.d/10-wherry.conflist'), 'utf8')) as { plugins: { ipam: { dataDir: string } }[] }).plugins[0]!;
    const leases = (await inNode('find', ipam.dataDir, '-name', '10.*')).trim();
    const left = { mounts, folders, cgroups, leases, links, rules, running: inPods() };
    if (mounts.length + links.length + rules.length + left.running.length > 0 || folders.length > 0 || cgroups !== '' || leases !== '') throw new Error(JSON.stringify(left));
    return true;
  }, 60_000);
  expect(existsSync(kubelet)).toBe(true);
}, 600_000);
