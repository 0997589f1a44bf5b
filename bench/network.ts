// Requests through a ClusterIP, a node port and a load balancer against the pod's own address, with few services and with thousands; and from a pod's readiness
// to its first request through the service. `bench/network.ts [SERVICES]`: with 5000 services. It tells every figure as soon as it has it, and gives up after four minutes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { endpointSlices, pods, services } from '../src/api/generated/resources.ts';
import { eventually, run } from '../src/testing/cluster-under-test.ts';
import { BenchCluster, IMAGE } from './bench-cluster.ts';
import { median, ms, percentile, report } from './measure.ts';
import type { Burst, Target } from './network-client.ts';
import { networkOf, Speaker } from './speaker.ts';

const MANY = Number(process.argv[2] ?? 5_000);
const namespace = 'default';
const ROUNDS = 60;
const FLIPS = 15;
/** Rounds and flips that are made however long they take. */
const LEAST = 5;
const COMPARE_MS = 10_000;
const FLIPS_MS = 25_000;
const LIMIT_MS = 240_000;
const began = performance.now();
/** On standard error, so that standard output holds the figures alone. */
const say = (what: string): void => console.error(`${Math.round((performance.now() - began) / 1000)} s: ${what}`);
say('starts a cluster of two nodes');
await using cluster = await BenchCluster.start(2);
const client = cluster.client();
const nodeNames = (await cluster.status()).nodes;
const stack = new DisposableStack();

const podSpec = (command: readonly string[]) => ({
  terminationGracePeriodSeconds: 30, containers: [{ name: 'c', image: IMAGE, command: [...command], ports: [{ containerPort: 8080 }], readinessProbe: { httpGet: { port: 8080, path: '/ready' }, periodSeconds: 1, failureThreshold: 1 } }],
});
const SERVE = 'mkdir /tmp/w; echo served > /tmp/w/index.html; touch /tmp/w/ready; httpd -f -p 8080 -h /tmp/w';

async function makePod(name: string, command: readonly string[], node: number): Promise<{ readonly address: string; readonly network: readonly string[] }> {
  await client.create(pods, { metadata: { name, namespace, labels: { app: name } }, spec: { ...podSpec(command), nodeSelector: { 'kubernetes.io/hostname': nodeNames[node]!.name } } });
  const pod = await eventually(`${name} is ready`, async () => {
    const found = await client.get(pods, { namespace, name });
    return found.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true && found;
  }, 90_000);
  return { address: pod.status!.podIP!, network: networkOf(pod, nodeNames[node]!.pid!) };
}

async function makeService(name: string, type: string): Promise<{ readonly clusterIP: string; readonly nodePort: number; readonly balancer: string }> {
  await client.create(services, { metadata: { name, namespace }, spec: { type, selector: { app: name }, ports: [{ port: 8080, protocol: 'TCP' }] } });
  const made = await eventually(`${name} has its addresses`, async () => {
    const found = await client.get(services, { namespace, name });
    return (type !== 'LoadBalancer' || found.status?.loadBalancer?.ingress?.[0]?.ip !== undefined) && found;
  });
  return { clusterIP: made.spec.clusterIP!, nodePort: made.spec.ports![0]!.nodePort!, balancer: made.status?.loadBalancer?.ingress?.[0]?.ip ?? '' };
}

/** Bursts in turn, so that what else the machine does meets all alike. Tells each as a ratio to the first. On a machine that is busy with other things there are fewer rounds, for they end with their time. */
async function compare(speaker: Speaker, targets: Readonly<Record<string, Target>>, fresh: boolean, how: string): Promise<void> {
  say(`compares ${Object.keys(targets).length} ways, ${how}`);
  const bursts = new Map(Object.keys(targets).map((name) => [name, [] as Burst[]]));
  const end = performance.now() + COMPARE_MS;
  for (let round = 0; round <= ROUNDS && (round <= LEAST || performance.now() < end); round++) {
    const names = Object.keys(targets);
    for (const name of round % 2 ? names : names.toReversed()) {
      const one = await speaker.say<Burst>({ do: 'burst', target: targets[name]!, count: fresh ? 200 : 1_000, parallel: 4, fresh });
      // The first round warms up.
      if (round > 0) bursts.get(name)!.push(one);
    }
  }
  const rate = (name: string): number => median(bursts.get(name)!.map(({ perSecond }) => perSecond));
  const latency = (name: string): number => median(bursts.get(name)!.flatMap(({ latencies }) => latencies));
  const [base] = Object.keys(targets) as [string];
  /** Round by round, for rounds differ more than ways do. */
  const ratioOf = (name: string): number => median(bursts.get(name)!.map(({ perSecond }, i) => perSecond / bursts.get(base)![i]!.perSecond));
  report(Object.keys(targets).map((name) => [`${name}, ${how}`, `${Math.round(rate(name))}/s, ${latency(name).toFixed(2)} ms${name === base ? '' : `, ratio of rates ${ratioOf(name).toFixed(2)}`}`]));
}

say('makes two pods and their service');
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
const inPod = stack.use(new Speaker(asker.network));
const onMachine = stack.use(new Speaker([]));
const fromPod = {
  'pod → pod IP': { address: server.address, port: 8081 }, 'pod → ClusterIP': { address: fast.spec.clusterIP!, port: 80 },
  'pod → node port': { address: nodeNames[0]!.address!, port: fast.spec.ports![0]!.nodePort! }, 'pod → load balancer': { address: balancer, port: 80 },
};
const fromMachine = {
  'machine → pod IP': { address: server.address, port: 8081 }, 'machine → node port': { address: nodeNames[1]!.address!, port: fast.spec.ports![0]!.nodePort! }, 'machine → load balancer': { address: balancer, port: 80 },
};

/** Tells the milliseconds from the moment that the API tells that a pod is ready to the first answer through its service. */
async function readiness(how: string): Promise<void> {
  say(`lets a pod become ready again and again${how}`);
  await makePod('flips', ['sh', '-c', SERVE], 1);
  const target = { address: (await makeService('flips', 'ClusterIP')).clusterIP, port: 8080 };
  await inPod.say({ do: 'await', target });
  const times: number[] = [];
  const end = performance.now() + FLIPS_MS;
  for (let round = 0; round < FLIPS && (round < LEAST || performance.now() < end); round++) {
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
  await client.delete(services, { namespace, name: 'flips' });
  await client.delete(pods, { namespace, name: 'flips' }, { gracePeriodSeconds: 0 });
  report([[`from readiness to the first request${how}`, `median ${ms(median(times))}, p90 ${ms(percentile(times, 90))}, of ${times.length}`]]);
}

async function addServices(count: number): Promise<void> {
  say(`adds ${count} services of five endpoints each`);
  for (let i = 0; i < count; i += 50) {
    await Promise.all(Array.from({ length: Math.min(50, count - i) }, async (_, k) => {
      const name = `s${i + k}`;
      await client.create(services, { metadata: { name, namespace }, spec: { ports: [{ port: 80, protocol: 'TCP', targetPort: 8080 }] } });
      await client.create(endpointSlices, {
        metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } }, addressType: 'IPv4', ports: [{ name: '', port: 8080, protocol: 'TCP' }],
        endpoints: [1, 2, 3, 4, 5].map((n) => ({ addresses: [`10.244.200.${n}`], conditions: { ready: true } })),
      });
    }));
  }
  const last = (await client.get(services, { namespace, name: `s${count - 1}` })).spec.clusterIP!;
  await eventually('all services are in the kernel', async () => {
    const { stdout } = await run(['nsenter', `--net=${cluster.dataDir}/run/${nodeNames[0]!.name}.net`, '--', 'nft', 'get', 'element', 'ip', 'wherry-proxy', 'service-ips', `{ ${last} . tcp . 80 }`]);
    return stdout.includes(last);
  }, 120_000);
}

async function measure(): Promise<void> {
  await compare(inPod, fromPod, true, 'a connection each');
  await compare(inPod, fromPod, false, 'kept alive');
  await compare(onMachine, fromMachine, true, 'a connection each');
  await readiness('');
  if (MANY === 0) return;
  await addServices(MANY);
  await compare(inPod, fromPod, true, `a connection each, ${MANY} services`);
  await compare(inPod, fromPod, false, `kept alive, ${MANY} services`);
  await compare(onMachine, fromMachine, true, `a connection each, ${MANY} services`);
  await readiness(`, ${MANY} services`);
}

const late = new AbortController();
const limit = setTimeout(() => late.abort(), LIMIT_MS);
const ended = await Promise.race([measure(), once(late.signal, 'abort').then(() => 'too late')]).finally(() => stack[Symbol.dispose]());
clearTimeout(limit);
say('deletes the cluster');
if (ended) throw new Error(`not done within ${LIMIT_MS / 1000} s: the machine has too much else to do`);
