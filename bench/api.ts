// The API server under load: TLS, one server process, durable storage, beside a bare Node https server that sends the same bytes, in the same run. Rates depend on what
// else the machine does; the processor time of a request does so less, and is what to compare. `npm run bench -- api [SECTION…]` runs some sections only;
// with PROFILE=folder the server writes a processor profile there.
import { fork, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionOptions } from 'node:tls';
import { createAuthority, issueCertificate } from '../src/base/certificates.ts';
import type { ServerConfig, Usage } from './api-server.ts';
import { drive, followMarkers, LoadConnection, requestBytes } from './load.ts';
import { median, ms, percentile, ratio, report } from './measure.ts';

const CONNECTIONS = 64;
const PODS = '/api/v1/namespaces/default/pods';

const now = Date.now();
const authority = await createAuthority('bench', { now });
const keyPair = await issueCertificate(authority, { commonName: 'kube-apiserver', addresses: ['127.0.0.1'], usages: ['server auth'], days: 1, now });
const admin = await issueCertificate(authority, { commonName: 'kubernetes-admin', organizations: ['system:masters'], usages: ['client auth'], days: 1, now });
const serviceAccountKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
const folder = mkdtempSync(join(tmpdir(), 'bench-api-'));

/** A server process and connections to it. */
class ServerUnderLoad implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly target: ConnectionOptions;
  readonly connections: LoadConnection[] = [];

  private constructor(process: ChildProcess, port: number) {
    this.#process = process;
    this.target = { host: '127.0.0.1', port, ca: authority.certificate, key: admin.key, cert: admin.certificate, ALPNProtocols: ['http/1.1'] };
  }

  static async start(kind: ServerConfig['kind'], { warmUp = false } = {}): Promise<ServerUnderLoad> {
    const { PROFILE } = process.env;
    const execArgv = ['--expose-gc', '--no-warnings', ...(PROFILE && kind === 'wherry' ? ['--cpu-prof', `--cpu-prof-dir=${PROFILE}`, '--cpu-prof-interval', '200'] : [])];
    const child = fork(new URL('api-server.ts', import.meta.url), [], { execArgv });
    child.send({ start: { kind, authority, keyPair, serviceAccountKey, dataDir: mkdtempSync(join(folder, 'data-')), ledger: true, warmUp } satisfies ServerConfig });
    const [{ port }] = await once(child, 'message') as [{ port: number }];
    const server = new ServerUnderLoad(child, port);
    await server.connect(1);
    return server;
  }

  /** Opens connections until there are `count`. */
  async connect(count: number): Promise<void> {
    while (this.connections.length < count) this.connections.push(await LoadConnection.open(this.target));
  }

  async usage(collect = false): Promise<Usage> {
    this.#process.send({ usage: { collect } });
    return (await once(this.#process, 'message') as [Usage])[0];
  }

  async post(path: string, object: object): Promise<void> {
    await drive(this.connections.slice(0, 1), 1, () => requestBytes({ method: 'POST', path, body: JSON.stringify(object) }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.connections) connection[Symbol.dispose]();
    const ended = once(this.#process, 'exit');
    this.#process.disconnect();
    await ended;
  }
}

/** An API server on which pods can be made: what a controller does in a cluster is done here. */
async function startWherry(options?: { readonly warmUp: boolean }): Promise<ServerUnderLoad> {
  const server = await ServerUnderLoad.start('wherry', options);
  await server.post('/api/v1/namespaces/default/serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } });
  return server;
}

/** A pod as a controller makes it; with its defaults and managed fields it takes 3.7 KB. */
function pod(name: string): object {
  const probe = (path: string): object => ({ httpGet: { path, port: 'http' }, initialDelaySeconds: 2 });
  return {
    apiVersion: 'v1', kind: 'Pod',
    metadata: {
      name, labels: { app: 'web', 'pod-template-hash': '5d8f9c7b6' }, annotations: { mark: '0000000000000000' },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d8f9c7b6', uid: '6f0b0f3c-8f1f-4b43-9a68-b0b1e0a3a1c7', controller: true, blockOwnerDeletion: true }],
    },
    spec: {
      containers: [{
        name: 'main', image: 'docker.io/msung99/maestro:0.1.0', ports: [{ name: 'http', containerPort: 8080 }],
        env: [{ name: 'MODE', value: 'production' }, { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
        resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '128Mi' } }, readinessProbe: probe('/ready'), livenessProbe: probe('/live'),
        volumeMounts: [{ name: 'config', mountPath: '/etc/config' }, { name: 'cache', mountPath: '/cache' }],
      }],
      volumes: [{ name: 'config', configMap: { name: 'web' } }, { name: 'cache', emptyDir: {} }],
    },
  };
}

const createPod = (name: string): Buffer => requestBytes({ method: 'POST', path: PODS, body: JSON.stringify(pod(name)) });

interface Round {
  /** Requests a second. */
  readonly rate: number;
  /** Microseconds of the server's processor time, a request. */
  readonly cpu: number;
}

async function round(server: ServerUnderLoad, count: number, request: (index: number) => Buffer, connections = server.connections): Promise<Round> {
  const before = await server.usage();
  const began = performance.now();
  await drive(connections, count, request);
  const seconds = (performance.now() - began) / 1000;
  return { rate: count / seconds, cpu: ((await server.usage()).cpu - before.cpu) / count };
}

const shown = ({ rate, cpu }: Round): string => `${Math.round(rate)}/s, ${cpu.toFixed(0)} µs of CPU`;
const middle = (rounds: readonly Round[]): Round => ({ rate: median(rounds.map((r) => r.rate)), cpu: median(rounds.map((r) => r.cpu)) });

/** Rounds against both servers by turns, so that what else the machine does meets both. */
async function beside(count: number, rounds: number, wherry: readonly [ServerUnderLoad, (index: number) => Buffer], echo: readonly [ServerUnderLoad, (index: number) => Buffer]): Promise<readonly [Round, Round]> {
  const results: [Round[], Round[]] = [[], []];
  for (let i = -1; i < rounds; i++) {
    const pair = [await round(wherry[0], count, wherry[1]), await round(echo[0], count, echo[1])] as const;
    if (i >= 0) pair.forEach((result, which) => results[which]!.push(result));
  }
  return [middle(results[0]), middle(results[1])];
}

let serial = 0;

/** The first requests of a fresh process, one after the other: most servers of a developer's machine answer few more. */
async function cold(): Promise<void> {
  const rows: Record<string, number[]> = {};
  const warming: number[] = [];
  for (let i = 0; i < 10; i++) {
    const warmUp = i % 2 === 1;
    await using server = await startWherry({ warmUp });
    if (warmUp) {
      const before = await server.usage();
      await delay(1500);
      warming.push((await server.usage()).cpu - before.cpu);
    }
    for (const [what, count] of [['1st', 1], ['2nd to 10th', 9], ['11th to 100th', 90], ['101st to 1000th', 900]] as const) {
      const { cpu } = await round(server, count, () => createPod(`cold-${serial++}`), server.connections.slice(0, 1));
      (rows[`creation of the ${what} pod of a ${warmUp ? 'server that has warmed up' : 'fresh server'}, CPU each`] ??= []).push(cpu);
    }
  }
  report([...Object.entries(rows).map(([what, values]) => [what, ms(median(values) / 1000)] as const), ['warming up, CPU', ms(median(warming) / 1000)]]);
}

async function create(): Promise<void> {
  await using wherry = await startWherry();
  await using echo = await ServerUnderLoad.start('echo');
  await wherry.connect(CONNECTIONS);
  await echo.connect(CONNECTIONS);
  const sent = createPod('echo');
  const [ours, bare] = await beside(4000, 5, [wherry, () => createPod(`pod-${serial++}`)], [echo, () => sent]);
  const status = requestBytes({
    method: 'PATCH', path: `${PODS}/pod-${serial - 1}/status`, contentType: 'application/strategic-merge-patch+json',
    body: JSON.stringify({ status: { phase: 'Running', podIP: '10.244.1.9', podIPs: [{ ip: '10.244.1.9' }], conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }] } }),
  });
  const statuses: Round[] = [];
  for (let i = 0; i < 4; i++) statuses.push(await round(wherry, 2000, (index) => Buffer.from(status.toString('latin1').replace('10.244.1.9', `10.244.${i % 10}.${index % 10}`), 'latin1')));
  report([
    ['pods created (target 3000/s)', shown(ours)],
    ['the same bytes echoed', shown(bare)],
    ['statuses of a pod patched', shown(middle(statuses.slice(1)))],
  ]);
}

async function get(): Promise<void> {
  await using wherry = await startWherry();
  await using echo = await ServerUnderLoad.start('echo');
  await wherry.connect(CONNECTIONS);
  await echo.connect(CONNECTIONS);
  await wherry.post(PODS, pod('read'));
  const request = requestBytes({ path: `${PODS}/read` });
  const { body } = await wherry.connections[0]!.send(request);
  const bare = requestBytes({ path: `/${body.length}` });
  const [ours, theirs] = await beside(20_000, 5, [wherry, () => request], [echo, () => bare]);
  report([
    [`gets of a pod of ${body.length} bytes`, shown(ours)],
    ['echo of as many bytes', shown(theirs)],
    ['ratio of the rates (target 0.8)', ratio(ours.rate, theirs.rate)],
    ['ratio of the CPU time', ratio(ours.cpu, theirs.cpu)],
  ]);
}

async function list(): Promise<void> {
  await using wherry = await startWherry();
  await using echo = await ServerUnderLoad.start('echo');
  await wherry.connect(CONNECTIONS);
  await drive(wherry.connections, 500, (index) => createPod(`listed-${index}`));
  for (const server of [wherry, echo]) server.connections.splice(8).forEach((connection) => connection[Symbol.dispose]());
  await echo.connect(8);
  const request = requestBytes({ path: PODS });
  const { body } = await wherry.connections[0]!.send(request);
  const bare = requestBytes({ path: `/${body.length}` });
  const [ours, theirs] = await beside(300, 5, [wherry, () => request], [echo, () => bare]);
  const compressed = requestBytes({ path: PODS, headers: { 'Accept-Encoding': 'gzip' } });
  const zipped = middle([await round(wherry, 300, () => compressed), await round(wherry, 300, () => compressed), await round(wherry, 300, () => compressed)]);
  const protobuf = Buffer.from(request.toString().replace('Accept: application/json', 'Accept: application/vnd.kubernetes.protobuf'));
  const binary = middle([await round(wherry, 300, () => protobuf), await round(wherry, 300, () => protobuf), await round(wherry, 300, () => protobuf)]);
  const table = Buffer.from(request.toString().replace('Accept: application/json', 'Accept: application/json;as=Table;v=v1;g=meta.k8s.io'));
  const tables = middle([await round(wherry, 100, () => table), await round(wherry, 100, () => table), await round(wherry, 100, () => table)]);
  report([
    [`lists of 500 pods, ${(body.length / 2 ** 20).toFixed(1)} MiB (target 200/s)`, shown(ours)],
    ['echo of as many bytes', shown(theirs)],
    ['compressed', shown(zipped)],
    ['protobuf', shown(binary)],
    ['table', shown(tables)],
  ]);
}

const MARK = Buffer.from('"mark":"');
const MARK_LENGTH = 16;

/** Leases change all the time, as those of nodes do; pods are ten times as large, and the client that this machine has to run beside the server reads them all. */
async function watch(): Promise<void> {
  const lease = (name: string): object => ({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, annotations: { mark: '0000000000000000' } }, spec: { holderIdentity: name, leaseDurationSeconds: 40 } });
  await fanOut('leases', '/apis/coordination.k8s.io/v1/namespaces/default/leases', lease, 1000);
  await fanOut('pods', PODS, pod, 200);
  await fanOut('pods', PODS, pod, 500);
}

async function fanOut(what: string, path: string, object: (name: string) => object, rate: number): Promise<void> {
  const [watchers, seconds, warmUp] = [100, 8, 3];
  await using wherry = await startWherry();
  await wherry.connect(16);
  await drive(wherry.connections, 100, (index) => requestBytes({ method: 'POST', path, body: JSON.stringify(object(`watched-${index}`)) }));
  const { body } = await wherry.connections[0]!.send(requestBytes({ path }));
  const { resourceVersion } = (JSON.parse(body.toString()) as { metadata: { resourceVersion: string } }).metadata;
  const delays: number[] = [];
  let delivered = 0;
  let counting = false;
  using stack = new DisposableStack();
  for (let i = 0; i < watchers; i++) {
    stack.use(await followMarkers(wherry.target, requestBytes({ path: `${path}?watch=true&resourceVersion=${resourceVersion}&allowWatchBookmarks=true` }), MARK, MARK_LENGTH, (text) => {
      if (!counting) return;
      delivered++;
      delays.push(performance.now() - Number(text));
    }));
  }
  let before: Usage | undefined;
  const began = performance.now();
  let sent = 0;
  const idle = [...wherry.connections];
  const pending = new Set<Promise<unknown>>();
  let counted = 0;
  while (sent < rate * seconds) {
    const due = Math.min(rate * seconds, Math.floor(((performance.now() - began) / 1000) * rate));
    if (!counting && sent >= rate * warmUp) {
      before = await wherry.usage();
      counting = true;
    }
    for (; sent < due && idle.length > 0; sent++) {
      const connection = idle.pop()!;
      // The time of sending is in the object, so that whoever gets it knows how old it is.
      const mark = performance.now().toFixed(6).padStart(MARK_LENGTH, '0').slice(0, MARK_LENGTH);
      const request = requestBytes({ method: 'PATCH', path: `${path}/watched-${sent % 100}`, contentType: 'application/merge-patch+json', body: `{"metadata":{"annotations":{"mark":"${mark}"}}}` });
      if (counting) counted++;
      const work = connection.send(request).then(({ status }) => {
        if (status !== 200) throw new Error(`status ${status}`);
        idle.push(connection);
        pending.delete(work);
      });
      pending.add(work);
    }
    await delay(1);
  }
  const took = (performance.now() - began) / 1000;
  await Promise.all(pending);
  for (let i = 0; i < 100 && delivered < counted * watchers; i++) await delay(100);
  const cpu = (await wherry.usage()).cpu - before!.cpu;
  const { length } = await (await wherry.connections[0]!.send(requestBytes({ path: `${path}/watched-0` }))).body;
  report([
    [`updates of ${what} a second to ${watchers} watchers (of ${rate} wanted)`, `${Math.round(sent / took)}, of ${length} bytes`],
    ['events delivered of those expected', `${delivered} of ${counted * watchers}`],
    ['from the request to the watcher (target p99 < 50 ms)', `p50 ${ms(percentile(delays, 50))}, p99 ${ms(percentile(delays, 99))}`],
    ['CPU of the server', `${(cpu / counted).toFixed(0)} µs an update, ${(cpu / delivered).toFixed(1)} µs an event`],
  ]);
}

async function apply(): Promise<void> {
  await using wherry = await startWherry();
  await wherry.connect(16);
  const deployment = (replicas: number): Buffer => {
    const { spec, metadata } = pod('x') as { spec: object; metadata: { labels: object } };
    const body = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', labels: metadata.labels }, spec: { replicas, selector: { matchLabels: metadata.labels }, template: { metadata: { labels: metadata.labels }, spec } } };
    return requestBytes({ method: 'PATCH', path: '/apis/apps/v1/namespaces/default/deployments/web?fieldManager=bench&force=true', contentType: 'application/apply-patch+yaml', body: JSON.stringify(body) });
  };
  const bodies = Array.from({ length: 10 }, (_, i) => deployment(i));
  const rounds: Round[] = [];
  for (let i = 0; i < 6; i++) rounds.push(await round(wherry, 1000, (index) => bodies[index % 10]!, wherry.connections.slice(0, 1)));
  const same: Round[] = [];
  for (let i = 0; i < 4; i++) same.push(await round(wherry, 1000, () => bodies[3]!, wherry.connections.slice(0, 1)));
  report([
    ['server-side apply of a changed deployment (target < 1000 µs)', shown(middle(rounds.slice(1)))],
    ['of an unchanged one', shown(middle(same.slice(1)))],
  ]);
}

async function memory(): Promise<void> {
  await using wherry = await startWherry();
  await wherry.connect(CONNECTIONS);
  await drive(wherry.connections, 200, () => createPod(`mem-${serial++}`));
  await delay(500);
  const before = await wherry.usage(true);
  const count = 20_000;
  await drive(wherry.connections, count, () => createPod(`mem-${serial++}`));
  const { body } = await wherry.connections[0]!.send(requestBytes({ path: `${PODS}/mem-${serial - 1}` }));
  await delay(500);
  const after = await wherry.usage(true);
  const each = (after.memory - before.memory) / count;
  report([
    ['memory of a stored pod', `${(each / 1024).toFixed(1)} KiB, of which ${(body.length / 1024).toFixed(1)} KiB are its bytes`],
    ['beside its bytes (target < 12 KiB)', `${((each - body.length) / 1024).toFixed(1)} KiB`],
  ]);
}

const sections: Readonly<Record<string, () => Promise<void>>> = { cold, create, get, list, watch, apply, memory };
try {
  const names = process.argv.slice(2);
  for (const name of names.length > 0 ? names : Object.keys(sections)) await sections[name]!();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
