// 1,000 services with 5 endpoints each: from the API write of one endpoint's change until the kernel has it (as `nft monitor` tells).
import { once } from 'node:events';
import { endpointSlices, services } from '../src/api/generated/resources.ts';
import { groundOf } from '../src/cluster/launch.ts';
import { Profile } from '../src/cluster/profile.ts';
import { BenchCluster } from './bench-cluster.ts';
import { median, ms, percentile, report, timed } from './measure.ts';

const SERVICES = Number(process.argv[2] ?? 1000);
const ROUNDS = 20;
const namespace = 'default';
await using cluster = await BenchCluster.start(1);
const client = cluster.client();

const slice = (i: number, last: number) => ({
  metadata: { name: `s${i}`, namespace, labels: { 'kubernetes.io/service-name': `s${i}` } }, addressType: 'IPv4',
  ports: [{ name: '', port: 8080, protocol: 'TCP' }],
  endpoints: [1, 2, 3, 4, last].map((n) => ({ addresses: [`10.244.1.${n}`], conditions: { ready: true } })),
});
const { ms: making } = await timed(async () => {
  for (let i = 0; i < SERVICES; i += 50) {
    await Promise.all(Array.from({ length: Math.min(50, SERVICES - i) }, async (_, k) => {
      await client.create(services, { metadata: { name: `s${i + k}`, namespace }, spec: { ports: [{ port: 80, protocol: 'TCP', targetPort: 8080 }] } });
      await client.create(endpointSlices, slice(i + k, 5));
    }));
  }
});
await new Promise((resolve) => setTimeout(resolve, 5_000));

const profile = new Profile(cluster.profile, cluster.dataDir);
const config = profile.mustRead();
const ground = groundOf(profile, config, config.nodes[0]!);
const monitor = ground.spawn(['nft', 'monitor'], { stdio: 'pipe' });
await new Promise((resolve) => setTimeout(resolve, 500));
const times: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  const i = (round * 37) % SERVICES;
  const current = await client.get(endpointSlices, { namespace, name: `s${i}` });
  const heard = once(monitor.stdout!, 'data');
  const begin = performance.now();
  await client.update(endpointSlices, { ...current, endpoints: slice(i, 100 + round).endpoints });
  await heard;
  times.push(performance.now() - begin);
  await new Promise((resolve) => setTimeout(resolve, 200));
}
monitor.kill();
report([
  [`making ${SERVICES} services and slices`, ms(making)],
  ["one endpoint's change, API write to kernel, median", `${ms(median(times))} (p90 ${ms(percentile(times, 90))})`],
]);
