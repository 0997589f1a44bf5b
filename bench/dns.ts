// Questions a second on one core (by the CPU time of the process that answers, for machines are seldom quiet), and how long they take, beside unbound,
// a DNS server written in C, with the same names in the same network. Needs Debian's package unbound for that, and says so.
// `bench/dns.ts [SERVICES [QUESTIONS]]`
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { services } from '../src/api/generated/resources.ts';
import { run } from '../src/testing/cluster-under-test.ts';
import type { Outcome } from './dns-client.ts';
import { BenchCluster } from './bench-cluster.ts';
import { median, report } from './measure.ts';

const SERVICES = Number(process.argv[2] ?? 500);
const QUESTIONS = Number(process.argv[3] ?? 50_000);
const ROUNDS = 5;
const namespace = 'default';
await using cluster = await BenchCluster.start(1);
const client = cluster.client();
const [node] = (await cluster.status()).nodes;
const network = ['nsenter', `--net=${cluster.dataDir}/run/${node!.name}.net`, '--'];
const made = await Promise.all(Array.from({ length: SERVICES }, (_, i) => client.create(services, { metadata: { name: `s${i}`, namespace }, spec: { ports: [{ port: 80, protocol: 'TCP' }] } })));
const names = made.map(({ metadata }) => `${metadata.name}.default.svc.cluster.local`);
const server = (await client.get(services, { namespace: 'kube-system', name: 'kube-dns' })).spec.clusterIP!;

/** Seconds of CPU, user and system, that a process has used. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function ask(address: string, port: number, pid: number, some: readonly string[], window: number): Promise<Outcome & { readonly perCore: number }> {
  const before = cpuOf(pid);
  const { stdout, stderr } = await run([...network, process.execPath, fileURLToPath(new URL('dns-client.ts', import.meta.url)), address, String(port), String(QUESTIONS), String(window), ...some]);
  if (!stdout) throw new Error(stderr);
  const outcome = JSON.parse(stdout) as Outcome;
  return { ...outcome, perCore: outcome.answered / (cpuOf(pid) - before) };
}

const tell = (rounds: readonly (Outcome & { readonly perCore: number })[]): string => (
  `${Math.round(median(rounds.map(({ perCore }) => perCore)))}/s of one core, ${Math.round(median(rounds.map(({ perSecond }) => perSecond)))}/s by the clock, median ${median(rounds.map(({ p50 }) => p50)).toFixed(2)} ms, `
  + `p99 ${median(rounds.map(({ p99 }) => p99)).toFixed(2)} ms, lost ${rounds.reduce((sum, { lost }) => sum + lost, 0)}`
);
const kinds: readonly (readonly [string, readonly string[]])[] = [
  ['services', names],
  // What a client of a pod asks first, by its search list.
  ['names that are not there', names.map((name) => `${name}.default.svc.cluster.local`)],
];

/** unbound in the node's network on another port, of one thread. */
async function startUnbound(): Promise<{ readonly pid: number; readonly port: number } | undefined> {
  if (spawnSync('unbound', ['-V']).error) return undefined;
  const config = join(cluster.folder, 'unbound.conf');
  writeFileSync(config, [
    'server:', '  interface: 127.0.0.1@5399', '  num-threads: 1', '  do-daemonize: no', '  use-syslog: no', '  username: ""', '  chroot: ""', '  directory: ""', '  pidfile: ""', '  access-control: 0.0.0.0/0 allow',
    '  module-config: "iterator"', '  local-zone: "cluster.local." static', ...made.map(({ metadata, spec }) => `  local-data: "${metadata.name}.default.svc.cluster.local. 5 IN A ${spec.clusterIP}"`), '',
  ].join('\n'));
  const child = spawn(network[0]!, [...network.slice(1), 'unbound', '-c', config], { stdio: ['ignore', 'ignore', 'inherit'] });
  process.on('exit', () => child.kill());
  await Promise.race([new Promise((resolve) => setTimeout(resolve, 2_000)), once(child, 'exit').then(([code]) => { throw new Error(`unbound ended with ${code}`); })]);
  return { pid: child.pid!, port: 5399 };
}

const other = await startUnbound();
const rows: [string, string][] = [];
for (const [what, asked] of kinds) {
  const ours: (Outcome & { readonly perCore: number })[] = [];
  const theirs: (Outcome & { readonly perCore: number })[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const one = await ask(server, 53, node!.pid!, asked, 32);
    const another = other && (await ask('127.0.0.1', other.port, other.pid, asked, 32));
    // The first round warms up.
    if (round === 0) continue;
    ours.push(one);
    if (another) theirs.push(another);
  }
  rows.push([`wherry, ${what}`, tell(ours)], [`unbound, ${what}`, other ? tell(theirs) : 'not installed: apt-get install unbound']);
}
report(rows);
if (other) process.kill(other.pid);
