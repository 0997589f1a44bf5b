// Memory and CPU of an idle cluster of one node: server and node process, and containerd beside them.
import { readFileSync } from 'node:fs';
import { BenchCluster } from './bench-cluster.ts';
import { report } from './measure.ts';

const SECONDS = Number(process.argv[2] ?? 60);
const HERTZ = 100;
const cpuOf = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / HERTZ;
};
/** Memory of the process alone plus its share of what several share, in MB. */
const memoryOf = (pid: number, field: 'Rss' | 'Pss'): number => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))![1]) / 1024;

await using cluster = await BenchCluster.start(1);
const status = JSON.parse((await cluster.wherry('status', '-o', 'json')).stdout) as { server: { pid: number }; nodes: { pid: number; runtimePid: number }[] };
const processes = { server: status.server.pid, node: status.nodes[0]!.pid, containerd: status.nodes[0]!.runtimePid };
await new Promise((resolve) => setTimeout(resolve, 30_000));
const before = Object.values(processes).map(cpuOf);
await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
const used = Object.values(processes).map((pid, i) => ((cpuOf(pid) - before[i]!) / SECONDS) * 100);
report([
  ...Object.entries(processes).map(([name, pid], i): [string, string] => [name, `${memoryOf(pid, 'Rss').toFixed(0)} MB resident (${memoryOf(pid, 'Pss').toFixed(0)} MB proportional), ${used[i]!.toFixed(2)} % of one core over ${SECONDS} s`]),
  ['server and node together', `${(memoryOf(processes.server, 'Rss') + memoryOf(processes.node, 'Rss')).toFixed(0)} MB resident, ${(used[0]! + used[1]!).toFixed(2)} % of one core`],
]);
