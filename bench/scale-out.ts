// `scale --replicas=50` on three nodes until all run, against what the same three containerds need for 50 pods at once: asked for as little
// as there is, and for what the kubelet asks for (cgroups, DNS, mounts, security).
import { deployments, pods } from '../src/api/generated/resources.ts';
import { BenchCluster, barePod, IMAGE, samePod } from './bench-cluster.ts';
import { ms, ratio, report, timed } from './measure.ts';

const COUNT = Number(process.argv[2] ?? 50);
await using cluster = await BenchCluster.start(3);
const client = cluster.client();
const runtimes = [0, 1, 2].map((index) => cluster.runtime(index));
const namespace = 'default';

async function allRunning(count: number): Promise<void> {
  const ended = new AbortController();
  const running = new Set<string>();
  for await (const { type, object } of await client.watch(pods, { namespace, labelSelector: 'app=many', signal: ended.signal })) {
    if (type !== 'DELETED' && object.status?.phase === 'Running') running.add(object.metadata.name);
    if (running.size < count) continue;
    ended.abort();
    return;
  }
}

const labels = { app: 'many' };
await client.create(deployments, { metadata: { name: 'many', namespace }, spec: { replicas: 0, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'maestro', image: IMAGE }] } } } });
// One pod, by which the kubelet's requests are known.
const { items: [like] } = await (async () => {
  await client.patch(deployments, { namespace, name: 'many' }, { type: 'application/merge-patch+json', body: { spec: { replicas: 1 } } });
  await allRunning(1);
  return client.list(pods, { namespace });
})();
await client.patch(deployments, { namespace, name: 'many' }, { type: 'application/merge-patch+json', body: { spec: { replicas: 0 } } });
while ((await client.list(pods, { namespace })).items.length > 0) await new Promise((resolve) => setTimeout(resolve, 100));

const bare = await timed(() => Promise.all(Array.from({ length: COUNT }, (_, i) => barePod(runtimes[i % 3]!, cluster.folder))));
for (const end of bare.result) await end();
const same = await timed(() => Promise.all(Array.from({ length: COUNT }, (_, i) => samePod(runtimes[i % 3]!, cluster.folder, like!))));
for (const end of same.result) await end();
const scaled = await timed(async () => {
  await client.patch(deployments, { namespace, name: 'many' }, { type: 'application/merge-patch+json', body: { spec: { replicas: COUNT } } });
  await allRunning(COUNT);
});
report([
  [`containerd alone, emptiest requests, ${COUNT} pods at once`, ms(bare.ms)],
  ['containerd alone, the kubelet\'s requests', ms(same.ms)],
  [`scale --replicas=${COUNT}, all Running`, ms(scaled.ms)],
  ['ratio to the emptiest requests', ratio(scaled.ms, bare.ms)],
  ['ratio to the kubelet\'s requests', ratio(scaled.ms, same.ms)],
]);
