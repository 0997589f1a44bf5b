// Pod from create to Running with the image present, against the bare CRI calls on the same node in the same run: once with the emptiest
// requests that containerd takes, once with the requests that the kubelet makes for this pod (its cgroups, DNS, mounts, security), so that
// one sees what of the difference is asked of containerd and what is ours.
import { pods } from '../src/api/generated/resources.ts';
import { BenchCluster, barePod, IMAGE, samePod } from './bench-cluster.ts';
import { median, ms, percentile, ratio, report, timed } from './measure.ts';

const ROUNDS = Number(process.argv[2] ?? 20);
await using cluster = await BenchCluster.start(1);
const client = cluster.client();
const runtime = cluster.runtime();

async function podRunning(name: string): Promise<void> {
  const ended = new AbortController();
  const watch = await client.watch(pods, { namespace: 'default', fieldSelector: `metadata.name=${name}`, signal: ended.signal });
  await client.create(pods, { metadata: { name, namespace: 'default' }, spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'maestro', image: IMAGE }] } });
  for await (const { object } of watch) {
    if (object.status?.phase !== 'Running') continue;
    ended.abort();
    return;
  }
}

const namespace = 'default';
await podRunning('like');
const like = await client.get(pods, { namespace, name: 'like' });
await client.delete(pods, { namespace, name: 'like' }, { gracePeriodSeconds: 0 });

const bare: number[] = [];
const same: number[] = [];
const whole: number[] = [];
for (let round = -2; round < ROUNDS; round++) {
  const { result: end, ms: bareMs } = await timed(() => barePod(runtime, cluster.folder));
  await end();
  const { result: endSame, ms: sameMs } = await timed(() => samePod(runtime, cluster.folder, like));
  await endSame();
  const { ms: wholeMs } = await timed(() => podRunning(`pod-${round + 2}`));
  await client.delete(pods, { namespace: 'default', name: `pod-${round + 2}` }, { gracePeriodSeconds: 0 });
  await new Promise((resolve) => setTimeout(resolve, 300));
  // The first rounds warm both sides.
  if (round >= 0) {
    bare.push(bareMs);
    same.push(sameMs);
    whole.push(wholeMs);
  }
}
report([
  [`bare CRI calls, emptiest requests, median of ${ROUNDS}`, `${ms(median(bare))} (p90 ${ms(percentile(bare, 90))})`],
  ['bare CRI calls, the kubelet\'s requests', `${ms(median(same))} (p90 ${ms(percentile(same, 90))})`],
  ['pod create to Running', `${ms(median(whole))} (p90 ${ms(percentile(whole, 90))})`],
  ['ratio to the emptiest requests', ratio(median(whole), median(bare))],
  ['ratio to the kubelet\'s requests', ratio(median(whole), median(same))],
]);
