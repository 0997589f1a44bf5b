// A Deployment of 10 is replaced by another version while a pod sends requests through its ClusterIP: how many of them fail? First each request on a connection of
// its own, then on connections that are kept, both to a server that drains when it is told to end, as servers should; with and without a preStop hook.
// `bench/rolling.ts [REQUESTS [ROUNDS]]`: 1000 requests a second, one round.
import { deployments, pods, services } from '../src/api/generated/resources.ts';
import { eventually } from '../src/testing/cluster-under-test.ts';
import { BenchCluster, IMAGE } from './bench-cluster.ts';
import { report } from './measure.ts';
import type { Load } from './network-client.ts';
import { networkOf, Speaker } from './speaker.ts';

const PER_SECOND = Number(process.argv[2] ?? 1_000);
const ROUNDS = Number(process.argv[3] ?? 1);
const namespace = 'default';
const REPLICAS = 10;

/**
 * From the signal on it takes no new connection, answers what comes on those it has and closes each with its answer, and ends with the last of them.
 * What nobody uses has ten seconds.
 */
const DRAINING_SERVER = `
  const open = new Set(); let ending = false;
  const server = require('net').createServer({ noDelay: true }, (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket)).on('error', () => {}).on('data', (request) => {
      const last = ending || request.includes('Connection: close');
      const answer = 'HTTP/1.1 200 OK\\r\\n' + (last ? 'Connection: close\\r\\n' : '') + 'Content-Length: 2\\r\\n\\r\\nok';
      if (last) socket.end(answer); else socket.write(answer);
    });
  });
  server.listen(8080);
  process.on('SIGTERM', () => { ending = true; server.close(() => process.exit(0)); setTimeout(() => open.forEach((socket) => socket.end()), 10_000).unref(); });`;
/** This machine's own node, and what it is linked to. */
const FROM_MACHINE = ['/usr', '/lib', '/lib64', process.execPath];

await using cluster = await BenchCluster.start(2);
const client = cluster.client();
const [first] = (await cluster.status()).nodes;

await client.create(pods, { metadata: { name: 'asker', namespace }, spec: { nodeSelector: { 'kubernetes.io/hostname': first!.name }, containers: [{ name: 'c', image: IMAGE, command: ['sleep', '100000'] }] } });
const asker = await eventually('the asker runs', async () => {
  const found = await client.get(pods, { namespace, name: 'asker' });
  return found.status?.phase === 'Running' && found;
});
using speaker = new Speaker(networkOf(asker, first!.pid!));

async function roll(name: string, keepAlive: boolean, more: object): Promise<Load> {
  const labels = { app: name };
  const template = (version: string) => ({
    metadata: { labels }, spec: {
      volumes: FROM_MACHINE.map((path, i) => ({ name: `m${i}`, hostPath: { path } })),
      containers: [{
        name: 'c', image: IMAGE, command: [process.execPath, '-e', `/* ${version} */ ${DRAINING_SERVER}`], ports: [{ containerPort: 8080 }], readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
        volumeMounts: FROM_MACHINE.map((path, i) => ({ name: `m${i}`, mountPath: path, readOnly: true })), ...more,
      }],
    },
  });
  const rolled = (generation: number) => eventually(`${name} is rolled out`, async () => {
    const { status } = await client.get(deployments, { namespace, name });
    return (status?.observedGeneration ?? 0) >= generation && status?.updatedReplicas === REPLICAS && status.availableReplicas === REPLICAS && status.replicas === REPLICAS;
  }, 180_000);
  const present = async (): Promise<number> => (await client.list(pods, { namespace, labelSelector: `app=${name}` })).items.length;

  const made = await client.create(deployments, { metadata: { name, namespace }, spec: { replicas: REPLICAS, selector: { matchLabels: labels }, template: template('one') } });
  const { spec: { clusterIP } } = await client.create(services, { metadata: { name, namespace }, spec: { selector: labels, ports: [{ port: 8080, protocol: 'TCP' }] } });
  const target = { address: clusterIP!, port: 8080 };
  await rolled(made.metadata.generation!);
  await speaker.say({ do: 'await', target });
  await speaker.say({ do: 'load', target, perSecond: PER_SECOND, keepAlive });
  const patched = await client.patch(deployments, { namespace, name }, { type: 'application/merge-patch+json', body: { spec: { template: template('two') } } });
  await rolled(patched.metadata.generation!);
  await eventually('the old ones are gone', async () => (await present()) === REPLICAS, 60_000);
  const outcome = await speaker.say<Load>({ do: 'stop' });
  await client.delete(deployments, { namespace, name });
  await client.delete(services, { namespace, name });
  await eventually('its pods are gone', async () => (await present()) === 0, 90_000);
  return outcome;
}

const told = ({ answered, failed, p50, p99 }: Load): string => (
  `${answered} answered (${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms), failed: ${Object.entries(failed).map(([what, count]) => `${count} × ${what}`).join(', ') || 'none'}`
);
const kinds = [
  ['a connection each', false, {}], ['kept connections', true, {}], ['a connection each, preStop sleep of 1 s', false, { lifecycle: { preStop: { sleep: { seconds: 1 } } } }],
] as const;
for (let round = 0; round < ROUNDS; round++) {
  for (const [i, [what, keepAlive, more]] of kinds.entries()) report([[`rolling ${REPLICAS} pods, ${what}`, told(await roll(`rolls-${round}-${i}`, keepAlive, more))]]);
}
