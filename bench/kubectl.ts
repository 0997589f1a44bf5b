// What a call of `wherry kubectl` takes beside Node's own start and, where the machine has it, beside the real kubectl: without a server,
// and `get pods` of a running cluster. Medians of ROUNDS calls, taken in turns.
import { existsSync } from 'node:fs';
import { ClusterUnderTest, run, WHERRY } from '../src/testing/cluster-under-test.ts';
import { median, ms, ratio, report } from './measure.ts';

const ROUNDS = Number(process.argv[2] ?? 15);
const KUBECTL = ['/usr/bin/kubectl', '/usr/local/bin/kubectl'].find((path) => existsSync(path));

/** The medians of the programs, in milliseconds. Taken in turns, so that a busy machine slows all of them. */
async function medians(programs: readonly (readonly string[])[], env: NodeJS.ProcessEnv): Promise<number[]> {
  const taken = programs.map((): number[] => []);
  for (let round = -1; round < ROUNDS; round++) {
    for (const [at, argv] of programs.entries()) {
      const begin = performance.now();
      const { code, stderr } = await run(argv, { env });
      if (code !== 0) throw new Error(`${argv.join(' ')} failed: ${stderr}`);
      // The first round warms up.
      if (round >= 0) taken[at]!.push(performance.now() - begin);
    }
  }
  return taken.map(median);
}

await using cluster = new ClusterUnderTest('bench');
await cluster.start('--runtime', 'simulated');
const programs = (...args: string[]): string[][] => [[process.execPath, '-e', '0'], [WHERRY, 'kubectl', ...args], ...(KUBECTL ? [[KUBECTL, ...args]] : [])];
const rows: [string, string][] = [];
for (const args of [['version', '--client'], ['get', 'pods', '-A'], ['get', 'deploy,svc', '-o', 'yaml']]) {
  const [node, ours, real] = (await medians(programs(...args), cluster.env)) as [number, number, number?];
  rows.push([args.join(' '), `${ms(ours)}, ${ratio(ours, node)} of node -e 0 (${ms(node)})${real === undefined ? '' : `, ${ratio(ours, real)} of kubectl (${ms(real)})`}`]);
}
report(rows);
