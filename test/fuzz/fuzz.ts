// Throws broken, hostile and enormous requests at an API server, and looks whether it goes on: no crash, no hang, bounded memory, right status codes.
// `npm run fuzz -- [--seed N] [--seconds N] [--only NAME]`; all is drawn from the seed, which is printed.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request as httpsRequest } from 'node:https';
import { parseArgs } from 'node:util';
import { seededRandom } from '../../src/base/random.ts';
import { PATIENCE_MS, type Arena, type Attack, type Received, type Sent } from './attack.ts';
import { attacks } from './attacks.ts';
import type { Condition, Listening } from './server-process.ts';

/** No single piece of work may keep all others waiting for longer, in milliseconds of processor time. */
const LONGEST_TURN_MS = 2_000;
/** A run of so many seconds has time for a crowd of so many connections; one that is shorter has a small one. */
const LONG_RUN_SECONDS = 120;
const CROWDS = { short: 40, long: 1000 };
/** What may be kept after all is over, beside what was there at first, in bytes. Objects that were created are kept. */
const MEMORY_GROWTH = 150 * 1024 * 1024;

export interface FuzzOptions {
  readonly seed: number;
  readonly seconds: number;
  /** Only attacks whose name holds this. */
  readonly only?: string | undefined;
}

export interface FuzzReport {
  readonly rounds: number;
  readonly requests: number;
  readonly faults: readonly string[];
  readonly longestTurn: number;
  /** Milliseconds of the slowest round. */
  readonly slowest: number;
  readonly memoryGrowth: number;
}

export async function fuzz({ seed, seconds, only }: FuzzOptions): Promise<FuzzReport> {
  const random = seededRandom(seed);
  const pick = (below: number): number => Math.floor(random.next() * below);
  const faults: string[] = [];
  let requests = 0;
  let rounds = 0;
  let longestTurn = 0;
  let slowest = 0;
  const child = fork(new URL('server-process.ts', import.meta.url), [], { execArgv: ['--expose-gc', '--no-warnings', '--max-old-space-size=700'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  let ended: string | undefined;
  child.once('exit', (code, signal) => (ended ??= `the server ended: code ${code}, signal ${signal}`));
  const gone = once(child, 'exit').then((): never => { throw new Error(ended); });
  gone.catch(() => {});
  const [server] = await once(child, 'message') as [Listening];
  const agents = { admin: new Agent({ keepAlive: true, maxSockets: 8 }), user: new Agent({ keepAlive: true, maxSockets: 8 }), nobody: new Agent({ keepAlive: true, maxSockets: 8 }) };
  const send = ({ method = 'GET', path, headers = {}, body, as = 'admin' }: Sent): Promise<Received> => new Promise((resolve, reject) => {
    requests++;
    const identity = as === 'nobody' ? {} : { key: server[as].key, cert: server[as].certificate };
    const asked = httpsRequest({ host: '127.0.0.1', port: server.port, ca: server.authority, ...identity, agent: agents[as], servername: '', method, path, headers: { ...headers, ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }) }, timeout: PATIENCE_MS }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', () => resolve({ status: answer.statusCode ?? 0, body: '' }));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    });
    asked.on('timeout', () => asked.destroy(new Error(`no answer in ${PATIENCE_MS} ms`)));
    // A server that has said no to a body need not read all of it; then the connection breaks while it is written.
    asked.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' || error.code === 'EPIPE' ? resolve({ status: 413, body: '' }) : reject(new Error(`${method} ${path.slice(0, 100)}: ${error.message}`))));
    asked.end(body);
  });
  const condition = async (collect: boolean): Promise<Condition> => {
    child.send({ collect });
    const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
    const told = new AbortController();
    try {
      const [answer] = await Promise.race([once(child, 'message', told) as Promise<[Condition]>, gone]);
      return answer;
    } finally {
      told.abort();
      clearTimeout(timer);
    }
  };
  const live = (): Promise<Received> => send({ path: '/livez', as: 'nobody' });
  try {
    await prepare(send);
    const before = await condition(true);
    const until = performance.now() + seconds * 1000;
    const chosen = attacks.filter(({ name }) => !only || name.includes(only));
    let next = 0;
    while (performance.now() < until && ended === undefined && faults.length < 20) {
      const attack: Attack = chosen[next++ % chosen.length]!;
      const arena: Arena = { crowd: seconds >= LONG_RUN_SECONDS ? CROWDS.long : CROWDS.short, random, server, send, pick, one: (list) => list[pick(list.length)]!, wrong: (what) => void faults.push(`${attack.name}: ${what}`) };
      rounds++;
      const begun = performance.now();
      try {
        await attack.run(arena);
        const { status } = await live();
        if (status !== 200) faults.push(`${attack.name}: /livez answers ${status} afterwards`);
        const { longestTurn: turn, errors, polluted } = await condition(false);
        longestTurn = Math.max(longestTurn, turn);
        if (turn > LONGEST_TURN_MS) faults.push(`${attack.name}: all others waited for ${Math.round(turn)} ms of processor time`);
        if (polluted) faults.push(`${attack.name}: something got into Object.prototype`);
        for (const error of errors) faults.push(`${attack.name}: the server noted ${error.trim().slice(0, 1500)}`);
        slowest = Math.max(slowest, performance.now() - begun);
      } catch (error) {
        faults.push(`${attack.name}: ${ended ?? (error as Error).message}`);
      }
    }
    const after = ended === undefined ? await condition(true) : before;
    const memoryGrowth = after.memory - before.memory;
    if (memoryGrowth > MEMORY_GROWTH) faults.push(`memory grew by ${Math.round(memoryGrowth / 1024 / 1024)} MiB`);
    if (ended) faults.push(ended);
    return { rounds, requests, faults, longestTurn, slowest, memoryGrowth };
  } finally {
    for (const agent of Object.values(agents)) agent.destroy();
    ended ??= 'over';
    if (child.connected) child.disconnect();
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
}

/** What attacks aim at. */
async function prepare(send: Arena['send']): Promise<void> {
  const post = async (path: string, object: object): Promise<void> => {
    const { status, body } = await send({ method: 'POST', path, headers: { 'content-type': 'application/json' }, body: JSON.stringify(object) });
    if (status !== 201) throw new Error(`${path}: ${status} ${body}`);
  };
  await post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
  await post('/api/v1/namespaces/default/configmaps', { metadata: { name: 'target', labels: { a: 'b' } }, data: { a: 'b' } });
  await post('/api/v1/namespaces/kube-public/configmaps', { metadata: { name: 'target' }, data: { a: 'b' } });
  await post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    metadata: { name: 'things.fuzz.example.com' },
    spec: {
      group: 'fuzz.example.com', scope: 'Namespaced', names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
      versions: [{
        name: 'v1', served: true, storage: true, subresources: { status: {}, scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' } },
        schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: {
          pattern: { type: 'string', pattern: '^(a+)+$' }, cel: { type: 'string', maxLength: 5000, 'x-kubernetes-validations': [{ rule: "self.matches('^(([a-z])+.)+[A-Z]([a-z])+$')" }] },
        } } } } },
      }],
    },
  });
  for (let i = 0; i < 50; i++) {
    if ((await send({ path: '/apis/fuzz.example.com/v1/namespaces/default/things' })).status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the custom resource is not served');
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { seed: { type: 'string' }, seconds: { type: 'string', default: '300' }, only: { type: 'string' } } });
  const seed = values.seed === undefined ? Date.now() % 1e9 : Number(values.seed);
  console.log(`seed ${seed}`);
  const { rounds, requests, faults, longestTurn, slowest, memoryGrowth } = await fuzz({ seed, seconds: Number(values.seconds), only: values.only });
  console.log(`${rounds} rounds, ${requests} whole requests beside broken ones; longest turn ${Math.round(longestTurn)} ms, slowest round ${Math.round(slowest)} ms, memory ${memoryGrowth < 0 ? '' : '+'}${(memoryGrowth / 1024 / 1024).toFixed(1)} MiB`);
  for (const fault of faults) console.log(`FAULT ${fault}`);
  process.exitCode = faults.length > 0 ? 1 : 0;
}
