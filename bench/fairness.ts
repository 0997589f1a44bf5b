// One client that never stops asking, and one that asks now and then: how long the second waits. Measured beside what it would wait if the server took it for the
// first one (the same user, and so the same flow), which is what a server without priority and fairness does to everybody.
import { fork } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { createAuthority, issueCertificate, type KeyPair } from '../src/base/certificates.ts';
import type { ServerConfig } from './api-server.ts';
import type { Noise } from './fairness-noise.ts';
import { drive, LoadConnection, requestBytes } from './load.ts';
import { median, ms, percentile, ratio, report } from './measure.ts';

const NOISY_CONNECTIONS = 400;
const ASKED = 200;
const PODS = '/api/v1/namespaces/default/pods';

const now = Date.now();
const authority = await createAuthority('bench', { now });
const keyPair = await issueCertificate(authority, { commonName: 'kube-apiserver', addresses: ['127.0.0.1'], usages: ['server auth'], days: 1, now });
const account = (name: string): Promise<KeyPair> => issueCertificate(authority, {
  commonName: `system:serviceaccount:default:${name}`, organizations: ['system:serviceaccounts', 'system:serviceaccounts:default'], usages: ['client auth'], days: 1, now,
});
const admin = await issueCertificate(authority, { commonName: 'kubernetes-admin', organizations: ['system:masters'], usages: ['client auth'], days: 1, now });
const [noisy, quiet] = await Promise.all([account('noisy'), account('quiet')]);

const folder = mkdtempSync(join(tmpdir(), 'bench-fairness-'));
const child = fork(new URL('api-server.ts', import.meta.url), [], { execArgv: ['--expose-gc', '--no-warnings'] });
const serviceAccountKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
child.send({ start: { kind: 'wherry', authority, keyPair, serviceAccountKey, dataDir: folder, ledger: false } satisfies ServerConfig });
const [{ port }] = await once(child, 'message') as [{ port: number }];
const connect = (as: KeyPair): Promise<LoadConnection> => LoadConnection.open({ host: '127.0.0.1', port, ca: authority.certificate, key: as.key, cert: as.certificate, ALPNProtocols: ['http/1.1'] });

const adminConnection = await connect(admin);
const post = (path: string, object: object): Promise<void> => drive([adminConnection], 1, () => requestBytes({ method: 'POST', path, body: JSON.stringify(object) }));
await post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
await post('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
  metadata: { name: 'bench' }, subjects: [{ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: 'system:serviceaccounts' }], roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
});
for (let i = 0; i < 100; i++) await post(PODS, { metadata: { name: `pod-${i}` }, spec: { containers: [{ name: 'main', image: 'registry.example/app:1' }] } });

const get = requestBytes({ path: `${PODS}/pod-7` });

/** Milliseconds that each of a few gets took, one after the other with a pause. */
async function ask(as: KeyPair): Promise<readonly number[]> {
  using connection = await connect(as);
  const took: number[] = [];
  let refused = 0;
  while (took.length < ASKED) {
    const begin = performance.now();
    const { status } = await connection.send(get);
    if (status === 200) took.push(performance.now() - begin);
    else if (status === 429 && ++refused < 50) await delay(100);
    else if (status === 429) return took.length > 0 ? took : [NaN];
    else throw new Error(`status ${status}`);
    await delay(2);
  }
  return took;
}

await ask(quiet);
const alone = await ask(quiet);
// On a thread of its own: what the quiet client measures shall not be its own process at work for the noisy one.
const noise = new Worker(new URL('fairness-noise.ts', import.meta.url), {
  workerData: { connections: NOISY_CONNECTIONS, path: PODS, options: { host: '127.0.0.1', port, ca: authority.certificate, key: noisy.key, cert: noisy.certificate, ALPNProtocols: ['http/1.1'] } } satisfies Noise,
});
await once(noise, 'message');
await delay(1000);
const apart = await ask(quiet);
const exempt = await ask(admin);
const together = await ask(noisy);
noise.postMessage('stop');
const [answers] = await once(noise, 'message') as [Record<number, number>];
const line = (values: readonly number[]): string => `median ${ms(median(values))} (${ratio(median(values), median(alone))}), p99 ${ms(percentile(values, 99))} (${ratio(percentile(values, 99), percentile(alone, 99))})`;
report([
  ['a get of the quiet client, alone', line(alone)],
  [`beside ${NOISY_CONNECTIONS} connections that list 100 pods without pause`, line(apart)],
  ['the same, as an administrator (exempt)', line(exempt)],
  ['the same, as one of the noisy client\'s own requests', line(together)],
  ['answers to the noisy client: served, refused', `${answers[200]}, ${answers[429]}`],
  ['what being another client is worth (medians)', ratio(median(together), median(apart))],
]);
child.disconnect();
adminConnection[Symbol.dispose]();
await once(child, 'exit');
rmSync(folder, { recursive: true, force: true });
