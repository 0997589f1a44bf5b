// Requests through a ClusterIP, a node port and a load balancer against the pod's own address, with few services and with thousands; from a pod's readiness to
// its first request through the service; and a Deployment of 10 that rolls under load.
// `bench/network.ts [SERVICES [REQUESTS]]`: with 5000 services, and 1000 requests a second while a Deployment rolls.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { deployments, endpointSlices, pods, services } from '../src/api/generated/resources.ts';
import { eventually, run } from '../src/testing/cluster-under-test.ts';
import { BenchCluster, IMAGE } from './bench-cluster.ts';
import { median, ms, percentile, report } from './measure.ts';
import type { Burst, Command, Load, Target } from './network-client.ts';

const MANY = Number(process.argv[2] ?? 5_000);
/** Of the load under which a Deployment rolls. */
const PER_SECOND = Number(process.argv[3] ?? 1_000);
const namespace = 'default';
const ROUNDS = 40;
await using cluster = await BenchCluster.start(2);
const client = cluster.client();
const nodeNames = (await cluster.status()).nodes;
const stack = new DisposableStack();

/** A process that speaks from some network. */
class Speaker {
  readonly #answers: AsyncIterator<string>;
  readonly #write: (text: string) => void;

  constructor(network: readonly string[]) {
    const [command, ...rest] = [...network, process.execPath, fileURLToPath(new URL('network-client.ts', import.meta.url))] as string[] as [string, ...string[]];
    const child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
    stack.defer(() => child.kill());
    this.#answers = createInterface(child.stdout)[Symbol.asyncIterator]();
    this.#write = (text) => void child.stdin.write(text);
  }

  async say<T>(command: Command): Promise<T> {
    this.#write(`${JSON.stringify(command)}\n`);
    return JSON.parse(((await this.#answers.next()) as { value: string }).value) as T;
  }
}

const podSpec = (command: readonly string[], more: object = {}) => ({
  terminationGracePeriodSeconds: 30, containers: [{ name: 'c', image: IMAGE, command: [...command], ports: [{ containerPort: 8080 }], readinessProbe: { httpGet: { port: 8080, path: '/ready' }, periodSeconds: 1, failureThreshold: 1 }, ...more }],
});
const SERVE = 'mkdir /tmp/w; echo served > /tmp/w/index.html; touch /tmp/w/ready; httpd -f -p 8080 -h /tmp/w';
/** Takes no new connections from the signal on, and ends when what it has begun is done. */
const GRACEFUL = `
  const server = require('net').createServer({ noDelay: true }, (s) => s.on('error', () => {}).on('data', (d) => s.end('HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: 2\\r\\n\\r\\nok')));
  server.listen(8080); process.on('SIGTERM', () => server.close(() => process.exit(0)));`;
/** This machine's own node, and what it is linked to. */
const FROM_MACHINE = ['/usr', '/lib', '/lib64', process.execPath];
const gracefulSpec = (version: string, more: object) => {
  const mounts = FROM_MACHINE.map((path, i) => ({ name: `m${i}`, mountPath: path, readOnly: true }));
  const { containers: [container], ...rest } = podSpec([process.execPath, '-e', `/* ${version} */ ${GRACEFUL}`], { ...more, readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 }, volumeMounts: mounts });
  return { ...rest, containers: [container!], volumes: FROM_MACHINE.map((path, i) => ({ name: `m${i}`, hostPath: { path } })) };
};

async function makePod(name: string, command: readonly string[], node: number): Promise<{ readonly address: string; readonly network: string[] }> {
  await client.create(pods, { metadata: { name, namespace, labels: { app: name } }, spec: { ...podSpec(command), nodeSelector: { 'kubernetes.io/hostname': nodeNames[node]!.name } } });
  const pod = await eventually(`${name} is ready`, async () => {
    const found = await client.get(pods, { namespace, name });
    return found.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true && found;
  });
  const mine = readlinkSync(`/proc/${nodeNames[node]!.pid!}/ns/net`);
  const process = readdirSync('/proc').find((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(`pod${pod.metadata.uid}`) && readlinkSync(`/proc/${pid}/ns/net`) !== mine;
    } catch {
      // It has ended since.
      return false;
    }
  })!;
  return { address: pod.status!.podIP!, network: ['nsenter', `--net=/proc/${process}/ns/net`, '--'] };
}

async function makeService(name: string, type: string): Promise<{ readonly clusterIP: string; readonly nodePort: number; readonly balancer: string }> {
  await client.create(services, { metadata: { name, namespace }, spec: { type, selector: { app: name }, ports: [{ port: 8080, protocol: 'TCP' }] } });
  const made = await eventually(`${name} has its addresses`, async () => {
    const found = await client.get(services, { namespace, name });
    return (type !== 'LoadBalancer' || found.status?.loadBalancer?.ingress?.[0]?.ip !== undefined) && found;
  });
  return { clusterIP: made.spec.clusterIP!, nodePort: made.spec.ports![0]!.nodePort!, balancer: made.status?.loadBalancer?.ingress?.[0]?.ip ?? '' };
}

/** Bursts in turn, so that what else the machine does meets all alike. Each as a ratio to the first. */
async function compare(speaker: Speaker, targets: Readonly<Record<string, Target>>, fresh: boolean): Promise<[string, string][]> {
  const bursts = new Map(Object.keys(targets).map((name) => [name, [] as Burst[]]));
  for (let round = 0; round <= ROUNDS; round++) {
    const names = Object.keys(targets);
    for (const name of round % 2 ? names : names.toReversed()) {
      const one = await speaker.say<Burst>({ do: 'burst', target: targets[name]!, count: fresh ? 100 : 500, parallel: 4, fresh });
      // The first round warms up.
      if (round > 0) bursts.get(name)!.push(one);
    }
  }
  const rate = (name: string): number => median(bursts.get(name)!.map(({ perSecond }) => perSecond));
  const latency = (name: string): number => median(bursts.get(name)!.flatMap(({ latencies }) => latencies));
  const [base] = Object.keys(targets) as [string];
  /** Round by round, for rounds differ more than ways do. */
  const ratioOf = (name: string): number => median(bursts.get(name)!.map(({ perSecond }, i) => perSecond / bursts.get(base)![i]!.perSecond));
  return Object.keys(targets).map((name) => [name, `${Math.round(rate(name))}/s, ${latency(name).toFixed(2)} ms${name === base ? '' : `, ratio of rates ${ratioOf(name).toFixed(2)}`}`]);
}

await cluster.wherry('addons enable', 'load-balancer');
const asker = await makePod('asker', ['sh', '-c', SERVE], 0);
const server = await makePod('server', ['sh', '-c', SERVE], 1);
// A server that costs little, in the pod's network.
const cheap = spawn(server.network[0]!, [...server.network.slice(1), process.execPath, '-e', `
  const answer = Buffer.from('HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok');
  require('net').createServer({ noDelay: true }, (s) => s.on('error', () => {}).on('data', (d) => d.includes('Connection: close') ? s.end(answer) : s.write(answer))).listen(8081, () => console.log('listens'))`], { stdio: ['ignore', 'pipe', 'inherit'] });
stack.defer(() => cheap.kill());
await new Promise((resolve) => cheap.stdout.once('data', resolve));
const fast = await client.create(services, { metadata: { name: 'fast', namespace }, spec: { type: 'LoadBalancer', selector: { app: 'server' }, ports: [{ port: 80, targetPort: 8081, protocol: 'TCP' }] } });
const balancer = await eventually('it has an address', async () => (await client.get(services, { namespace, name: 'fast' })).status?.loadBalancer?.ingress?.[0]?.ip);
const inPod = new Speaker(asker.network);
const onMachine = new Speaker([]);
const fromPod = {
  'pod → pod IP': { address: server.address, port: 8081 }, 'pod → ClusterIP': { address: fast.spec.clusterIP!, port: 80 },
  'pod → node port': { address: nodeNames[0]!.address!, port: fast.spec.ports![0]!.nodePort! }, 'pod → load balancer': { address: balancer, port: 80 },
};
const fromMachine = {
  'machine → pod IP': { address: server.address, port: 8081 }, 'machine → node port': { address: nodeNames[1]!.address!, port: fast.spec.ports![0]!.nodePort! }, 'machine → load balancer': { address: balancer, port: 80 },
};

/** Milliseconds from the moment that the API tells that a pod is ready to the first answer through its service. */
async function readiness(): Promise<number[]> {
  await makePod('flips', ['sh', '-c', SERVE], 1);
  const target = { address: (await makeService('flips', 'ClusterIP')).clusterIP, port: 8080 };
  await inPod.say({ do: 'await', target });
  const times: number[] = [];
  for (let round = 0; round < 20; round++) {
    await cluster.kubectl('exec', 'flips', '--', 'rm', '/tmp/w/ready');
    await eventually('nobody answers', async () => !(await inPod.say<boolean>({ do: 'once', target })));
    const ended = new AbortController();
    const watch = await client.watch(pods, { namespace, fieldSelector: 'metadata.name=flips', signal: ended.signal });
    const ready = (async (): Promise<number> => {
      for await (const { type, object } of watch) {
        if (type === 'MODIFIED' && object.status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True')) return Date.now();
      }
      throw new Error('the watch ended');
    })();
    const answered = inPod.say<number>({ do: 'await', target });
    await cluster.kubectl('exec', 'flips', '--', 'touch', '/tmp/w/ready');
    times.push((await answered) - (await ready));
    ended.abort();
  }
  await client.delete(pods, { namespace, name: 'flips' }, { gracePeriodSeconds: 0 });
  return times;
}

/** A Deployment of 10 is replaced by another version while as many clients a second as asked for come by its ClusterIP. */
async function roll(name: string, more: object): Promise<Load> {
  const labels = { app: name };
  const template = (version: string) => ({ metadata: { labels }, spec: gracefulSpec(version, more) });
  const made = await client.create(deployments, { metadata: { name, namespace }, spec: { replicas: 10, selector: { matchLabels: labels }, template: template('one') } });
  const { clusterIP } = await makeService(name, 'ClusterIP');
  const rolled = (generation: number) => eventually(`${name} is rolled out`, async () => {
    const { status } = await client.get(deployments, { namespace, name });
    return (status?.observedGeneration ?? 0) >= generation && status?.updatedReplicas === 10 && status.availableReplicas === 10 && status.replicas === 10;
  }, 180_000);
  await rolled(made.metadata.generation!);
  await inPod.say({ do: 'await', target: { address: clusterIP, port: 8080 } });
  await inPod.say({ do: 'load', target: { address: clusterIP, port: 8080 }, perSecond: PER_SECOND });
  const patched = await client.patch(deployments, { namespace, name }, { type: 'application/merge-patch+json', body: { spec: { template: template('two') } } });
  await rolled(patched.metadata.generation!);
  // Until the last of the old ones is gone.
  await eventually('the old ones are gone', async () => (await client.list(pods, { namespace, labelSelector: `app=${name}` })).items.length === 10, 60_000);
  const outcome = await inPod.say<Load>({ do: 'stop' });
  await client.delete(deployments, { namespace, name });
  await eventually('its pods are gone', async () => (await client.list(pods, { namespace, labelSelector: `app=${name}` })).items.length === 0, 90_000);
  return outcome;
}

const told = ({ answered, failed, p50, p99 }: Load): string => (
  `${answered} answered (${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms), failed: ${Object.entries(failed).map(([what, count]) => `${count} × ${what}`).join(', ') || 'none'}`
);
const rows: [string, string][] = [];
rows.push(...(await compare(inPod, fromPod, true)).map(([what, value]): [string, string] => [`${what}, a connection each`, value]));
rows.push(...(await compare(inPod, fromPod, false)).map(([what, value]): [string, string] => [`${what}, kept alive`, value]));
rows.push(...(await compare(onMachine, fromMachine, true)).map(([what, value]): [string, string] => [`${what}, a connection each`, value]));
const times = await readiness();
rows.push(['from readiness to the first request', `median ${ms(median(times))}, p90 ${ms(percentile(times, 90))}`]);
rows.push(['rolling 10 pods', told(await roll('rolls', {}))]);
rows.push(['rolling 10 pods with a preStop sleep of 1 s', told(await roll('sleeps', { lifecycle: { preStop: { sleep: { seconds: 1 } } } }))]);
report(rows.splice(0));

if (MANY > 0) {
  for (let i = 0; i < MANY; i += 50) {
    await Promise.all(Array.from({ length: Math.min(50, MANY - i) }, async (_, k) => {
      const name = `s${i + k}`;
      await client.create(services, { metadata: { name, namespace }, spec: { ports: [{ port: 80, protocol: 'TCP', targetPort: 8080 }] } });
      await client.create(endpointSlices, {
        metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } }, addressType: 'IPv4', ports: [{ name: '', port: 8080, protocol: 'TCP' }],
        endpoints: [1, 2, 3, 4, 5].map((n) => ({ addresses: [`10.244.200.${n}`], conditions: { ready: true } })),
      });
    }));
  }
  const last = (await client.get(services, { namespace, name: `s${MANY - 1}` })).spec.clusterIP!;
  await eventually('all services are in the kernel', async () => {
    const { stdout } = await run(['nsenter', `--net=${cluster.dataDir}/run/${nodeNames[0]!.name}.net`, '--', 'nft', 'get', 'element', 'ip', 'wherry-proxy', 'service-ips', `{ ${last} . tcp . 80 }`]);
    return stdout.includes(last);
  }, 120_000);
  rows.push(...(await compare(inPod, fromPod, true)).map(([what, value]): [string, string] => [`${what}, a connection each, ${MANY} services`, value]));
  rows.push(...(await compare(onMachine, fromMachine, true)).map(([what, value]): [string, string] => [`${what}, a connection each, ${MANY} services`, value]));
  const more = await readiness();
  rows.push([`from readiness to the first request, ${MANY} services`, `median ${ms(median(more))}, p90 ${ms(percentile(more, 90))}`]);
  report(rows);
}
stack[Symbol.dispose]();
