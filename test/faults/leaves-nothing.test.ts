// Nothing of a cluster's survives `wherry delete`: no process, mount, namespace, link, address, route, nft table, cgroup, whatever happened
// to it before. And clusters side by side leave each other alone.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { deployments, nodes, pods } from '../../src/api/generated/resources.ts';
import { ClusterUnderTest, eventually, run } from '../../src/testing/cluster-under-test.ts';
import { commandOf, processIds } from '../../src/machine/index.ts';
import { MachineSnapshot } from '../../src/testing/machine-snapshot.ts';
import { plainError } from './plain-error.ts';

const namespace = 'default';

/** A deployment with volumes that are mounts, and a load balancer's route: what a cluster has at its richest. */
async function live(cluster: ClusterUnderTest, replicas: number): Promise<void> {
  await cluster.loadSampleImage();
  using client = cluster.client();
  await client.create(deployments, {
    metadata: { name: 'web', namespace },
    spec: {
      replicas, selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: {
        terminationGracePeriodSeconds: 1, volumes: [{ name: 'memory', emptyDir: { medium: 'Memory' } }, { name: 'claimed', ephemeral: { volumeClaimTemplate: { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } } } } }],
        containers: [{ name: 'web', image: 'msung99/maestro:0.1.0', lifecycle: { postStart: { exec: { command: ['touch', '/claimed/file'] } } }, volumeMounts: [{ name: 'memory', mountPath: '/memory' }, { name: 'claimed', mountPath: '/claimed' }] }] } },
    },
  });
  expect(await cluster.wherry('addons enable', 'load-balancer')).toMatchObject({ code: 0 });
  expect(await cluster.kubectl('expose', 'deployment', 'web', '--type=LoadBalancer', '--port=8080')).toMatchObject({ code: 0 });
  await allReady(cluster, replicas);
  const address = await eventually('the load balancer gives an address', async () => (await cluster.kubectl('get', 'service', 'web', '-o', 'jsonpath={.status.loadBalancer.ingress[0].ip}')).stdout);
  await eventually('the address answers', async () => /You've hit web-/.test((await run(['curl', '-s', '-m', '2', `http://${address}:8080/`])).stdout));
}

async function allReady(cluster: ClusterUnderTest, replicas: number): Promise<void> {
  using client = cluster.client();
  await eventually(`${replicas} pods are ready`, async () => (await client.get(deployments, { namespace, name: 'web' })).status?.readyReplicas === replicas, 60_000);
}

/** Lives a cluster, then asks the machine whether anything is left of it. */
async function leavesNothing(name: string, story: (cluster: ClusterUnderTest) => Promise<void>): Promise<void> {
  const cluster = new ClusterUnderTest(name);
  const before = new MachineSnapshot(cluster.folder);
  const volumes = existsSync('/var/lib/wherry/local-path') ? readdirSync('/var/lib/wherry/local-path') : [];
  try {
    await story(cluster);
    // The snapshot sees what there is: else it would find nothing left of anything.
    expect(new MachineSnapshot(cluster.folder).changesSince(before).length).toBeGreaterThan(0);
  } finally {
    await cluster[Symbol.asyncDispose]();
  }
  expect(new MachineSnapshot(cluster.folder).changesSince(before)).toEqual([]);
  expect(existsSync(cluster.folder)).toBe(false);
  expect(existsSync('/var/lib/wherry/local-path') ? readdirSync('/var/lib/wherry/local-path') : [], 'volumes').toEqual(volumes);
}

describe.skipIf(process.getuid?.() !== 0)('nothing is left', () => {
  test('of a running cluster', () => leavesNothing('ashes', async (cluster) => {
    await cluster.start('--nodes', '2');
    await live(cluster, 3);
    const kinds = new Set(new MachineSnapshot(cluster.folder).changesSince(new MachineSnapshot('/nowhere')).map((change) => change.split(' added: ')[0]));
    expect([...kinds]).toContain('process');
  }), 90_000);

  test('of a cluster whose server, node processes and containerds were killed', () => leavesNothing('ashes', async (cluster) => {
    await cluster.start('--nodes', '2');
    await live(cluster, 2);
    const { server, nodes: running } = await cluster.status();
    for (const pid of [server!.pid, ...running.flatMap(({ pid: own, runtimePid }) => [own!, runtimePid!])]) process.kill(pid, 'SIGKILL');
  }), 90_000);

  test('of a cluster that was stopped: already then only its files are there, and the guard of its addresses', async () => {
    const cluster = new ClusterUnderTest('ashes');
    const before = new MachineSnapshot(cluster.folder);
    try {
      await cluster.start();
      await live(cluster, 1);
      const { index } = JSON.parse(readFileSync(join(cluster.dataDir, 'cluster.json'), 'utf8')) as { index: number };
      const ranges = [`10.${96 + index}.0.0/16`, `10.231.${index}.0/24`, `10.${244 + index}.0.0/16`];
      expect(await cluster.wherry('stop')).toMatchObject({ code: 0 });
      const left = new MachineSnapshot(cluster.folder).changesSince(before);
      expect(left.map((change) => change.trim())).toEqual(ranges.map((range) => `route added: unreachable ${range} proto 231 metric 4294967295`));
      expect((await run(['ip', 'route', 'get', `10.${96 + index}.0.1`])).code).not.toBe(0);
      expect((await cluster.wherry('status')).stdout).toContain(`: unreachable from here while it is stopped`);
      expect(plainError(await cluster.kubectl('get', 'pods'))).toMatch(/was refused/);
      expect((await cluster.wherry('stop')).stderr).toMatch(/did not run\.\n$/);
    } finally {
      await cluster[Symbol.asyncDispose]();
    }
    expect(new MachineSnapshot(cluster.folder).changesSince(before)).toEqual([]);
    expect((await cluster.wherry('delete')).code).toBe(0);
  }, 90_000);

  test('of a start that was killed in its midst', () => leavesNothing('ashes', async (cluster) => {
    const start = cluster.launch('--nodes', '2');
    const holder = await eventually('the start has begun with the network', async () => existsSync(join(cluster.dataDir, 'run')) && /"pid":(\d+)/.exec(readFileSync(join(cluster.dataDir, 'busy.pid'), 'utf8'))?.[1]);
    await eventually('a namespace is there', async () => existsSync(join(cluster.dataDir, 'run/ashes.net')));
    process.kill(Number(holder), 'SIGKILL');
    expect((await start).code).not.toBe(0);
  }), 60_000);
});

describe.skipIf(process.getuid?.() !== 0)('a start that does not come to its end', () => {
  test('killed at five random moments: the next one comes to its end, with one process of each kind', () => leavesNothing('again', async (cluster) => {
    for (let round = 1; round <= 5; round++) {
      const start = cluster.launch('--nodes', '2');
      const begun = eventually('the start has begun', async () => /"pid":(\d+)/.exec(readFileSync(join(cluster.dataDir, 'busy.pid'), 'utf8'))?.[1]);
      const pid = Number(await Promise.race([begun, start.then(({ stderr }) => { throw new Error(`it ended before it was killed:\n${stderr}`); })]));
      const moment = Math.random() * 1_500;
      await new Promise((resolve) => setTimeout(resolve, moment));
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        // It was faster.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
      await start;
      await cluster.start('--nodes', '2');
      const status = await cluster.status();
      expect(status.running, `killed after ${moment} ms`).toBe(true);
      const ours = processIds().map((pid) => ({ pid, command: commandOf(pid).join(' ') })).filter(({ command }) => command.includes(cluster.dataDir) && /(server|node)-process/.test(command));
      expect(ours.map((found) => found.pid).toSorted(), `killed after ${moment} ms`).toEqual([status.server!.pid, ...status.nodes.map((node) => node.pid!)].toSorted());
      expect(await cluster.wherry('stop')).toMatchObject({ code: 0 });
    }
    await cluster.start();
  }), 90_000);

  test('its configuration was lost: delete finds what is there', async () => {
    const cluster = new ClusterUnderTest('lost');
    const before = new MachineSnapshot(cluster.folder);
    try {
      await cluster.start('--nodes', '2');
      rmSync(join(cluster.dataDir, 'cluster.json'));
    } finally {
      await cluster[Symbol.asyncDispose]();
    }
    expect(new MachineSnapshot(cluster.folder).changesSince(before)).toEqual([]);
  }, 60_000);

  test('ended by Ctrl-C: it ends at once, and the next one works', () => leavesNothing('ended', async (cluster) => {
    const start = cluster.launch('--nodes', '2');
    const pid = Number(await eventually('a namespace is there', async () => existsSync(join(cluster.dataDir, 'run/ended.net')) && /"pid":(\d+)/.exec(readFileSync(join(cluster.dataDir, 'busy.pid'), 'utf8'))?.[1]));
    process.kill(pid, 'SIGINT');
    const begin = performance.now();
    expect(plainError(await start)).toMatch(/^wherry: ended by SIGINT\n/m);
    expect(performance.now() - begin).toBeLessThan(15_000);
    expect((await cluster.status()).running).toBe(false);
    await cluster.start();
    expect((await cluster.status()).running).toBe(true);
  }), 60_000);

  test('the port is taken: nobody waits for the nodes, which wait for the server', () => leavesNothing('taken', async (cluster) => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const begin = performance.now();
    expect(plainError(await cluster.wherry('start', '--egress', 'off', '--nodes', '2', '--api-port', String(port)))).toContain(`wherry: port ${port} of this machine is in use by another program`);
    expect(performance.now() - begin).toBeLessThan(25_000);
    other.close();
  }), 60_000);
});

test.skipIf(process.getuid?.() !== 0)('nodes come and go; what runs on others stays', () => leavesNothing('growing', async (cluster) => {
  await cluster.start();
  await live(cluster, 2);
  using client = cluster.client();
  expect(await cluster.wherry('node add')).toMatchObject({ code: 0 });
  await cluster.loadSampleImage();
  expect((await cluster.wherry('node list')).stdout).toMatch(/^growing\t\S+\ngrowing-2\t\S+\n$/);
  const before = (await client.list(pods, { namespace })).items;
  await client.patch(deployments, { namespace, name: 'web' }, { type: 'application/merge-patch+json', body: { spec: { replicas: 4 } } });
  await allReady(cluster, 4);
  const grown = (await client.list(pods, { namespace })).items;
  expect(grown.filter(({ spec }) => spec.nodeName === 'growing-2').length).toBe(2);
  // A pod of the old node reaches one of the new node.
  const target = grown.find(({ spec }) => spec.nodeName === 'growing-2')!;
  expect((await cluster.kubectl('exec', before[0]!.metadata.name, '--', 'wget', '-q', '-O', '-', `http://${target.status!.podIP}:8080/`)).stdout).toMatch(/^You've hit/);

  expect(plainError(await cluster.wherry('node delete', 'nobody'))).toMatch(/^wherry: there is no node nobody\n {2}try: one of growing, growing-2\n$/);
  expect(await cluster.wherry('node delete', 'growing-2')).toMatchObject({ code: 0 });
  expect((await client.list(nodes)).items.map(({ metadata }) => metadata.name)).toEqual(['growing']);
  await allReady(cluster, 4);
  await eventually('all pods are on the node that is left', async () => {
    const left = (await client.list(pods, { namespace })).items;
    return left.length === 4 && left.every(({ spec }) => spec.nodeName === 'growing');
  });
  const after = new Set((await client.list(pods, { namespace })).items.map(({ metadata }) => metadata.uid));
  for (const pod of before) expect(after).toContain(pod.metadata.uid);
  expect((await run(['ip', 'link', 'show'])).stdout.match(/wh\d+n2@/g) ?? []).not.toContain(`wh${indexOf(cluster)}n2@`);
  expect(plainError(await cluster.wherry('node delete', 'growing'))).toMatch(/^wherry: growing is the only node\n {2}try: wherry delete --profile growing removes the whole cluster\n$/);

  // One that is killed on the way keeps no other from coming, and is taken up by the next start.
  const add = cluster.wherry('node add');
  await eventually('a node is noted', async () => /"growing-\d"/.test(readFileSync(join(cluster.dataDir, 'cluster.json'), 'utf8')));
  process.kill(Number(/"pid":(\d+)/.exec(readFileSync(join(cluster.dataDir, 'busy.pid'), 'utf8'))![1]), 'SIGKILL');
  expect((await add).code).not.toBe(0);
  expect((await cluster.wherry('node add')).stderr).toMatch(/^ *✓ growing-\d/m);
  expect((await cluster.status()).nodes.map(({ pid }) => pid !== undefined)).toEqual([true, false, true]);
  await cluster.start();
  await eventually('all three are ready', async () => (await client.list(nodes)).items.filter(({ status }) => status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True')).length === 3);
}), 150_000);

test.skipIf(process.getuid?.() !== 0)('two clusters side by side do not disturb each other', () => leavesNothing('left', async (left) => {
  await using right = new ClusterUnderTest('right');
  // Both choose a port by themselves, at the same time.
  const started = await Promise.all([left.wherry('start', '--egress', 'off', '--nodes', '2'), right.wherry('start', '--egress', 'off')]);
  expect(started.map(({ code, stderr }) => (code === 0 ? '' : stderr))).toEqual(['', '']);
  expect(indexOf(left)).not.toBe(indexOf(right));
  await Promise.all([live(left, 2), live(right, 2)]);
  const serves = async (cluster: ClusterUnderTest): Promise<void> => {
    using client = cluster.client();
    const { items } = await client.list(pods, { namespace });
    expect(items.length).toBe(2);
    for (const { metadata, status } of items) expect((await run(['curl', '-s', '-m', '5', `http://${status!.podIP}:8080/`])).stdout).toBe(`You've hit ${metadata.name} (maestro 0.1.0)\n`);
  };
  await serves(left);
  await serves(right);
  // Each has its context, and the one is not the other.
  const [leftId, rightId] = await Promise.all([left, right].map(async (cluster) => (await cluster.kubectl('get', 'namespace', 'kube-system', '-o', 'jsonpath={.metadata.uid}')).stdout));
  expect(leftId).not.toBe(rightId);
  // A pod of one does not reach the other's.
  using client = right.client();
  const target = (await client.list(pods, { namespace })).items[0]!;
  using leftClient = left.client();
  const from = (await leftClient.list(pods, { namespace })).items[0]!;
  expect((await left.kubectl('exec', from.metadata.name, '--', 'wget', '-q', '-T', '2', '-O', '-', `http://${target.status!.podIP}:8080/`)).code).not.toBe(0);

  const beside = await left.status();
  expect(await right.wherry('stop')).toMatchObject({ code: 0 });
  await serves(left);
  await right.start();
  await allReady(right, 2);
  expect(await right.wherry('delete')).toMatchObject({ code: 0 });
  expect(await left.status()).toEqual(beside);
  await serves(left);
  expect(await left.kubectl('exec', from.metadata.name, '--', 'nslookup', 'web.default.svc.cluster.local')).toMatchObject({ code: 0 });
}), 150_000);

function indexOf(cluster: ClusterUnderTest): number {
  return (JSON.parse(readFileSync(join(cluster.dataDir, 'cluster.json'), 'utf8')) as { index: number }).index;
}
