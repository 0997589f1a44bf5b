// From `wherry start` to the API answering and to every node Ready, on one node and on three; a cluster that was made before.
import { ClusterUnderTest } from '../src/testing/cluster-under-test.ts';
import { median, ms, report } from './measure.ts';

const ROUNDS = Number(process.argv[2] ?? 5);
const rows: [string, string][] = [];
for (const nodes of [1, 3]) {
  await using cluster = new ClusterUnderTest('bench');
  await cluster.start('--nodes', String(nodes));
  const api: number[] = [];
  const ready: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await cluster.wherry('stop');
    const begin = performance.now();
    let done = false;
    const started = cluster.start().then(() => { done = true; });
    const port = (JSON.parse((await import('node:fs')).readFileSync(`${cluster.dataDir}/cluster.json`, 'utf8')) as { apiPort: number }).apiPort;
    // The health check needs no certificate of ours.
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    for (;;) {
      if (await fetch(`https://127.0.0.1:${port}/livez`).then((answer) => answer.ok, () => false)) break;
      if (done) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    api.push(performance.now() - begin);
    await started;
    ready.push(performance.now() - begin);
  }
  rows.push([`API answers, ${nodes} node${nodes > 1 ? 's' : ''}`, ms(median(api))], [`every node Ready, ${nodes} node${nodes > 1 ? 's' : ''}`, ms(median(ready))]);
}
report(rows);
