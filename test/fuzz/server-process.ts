// The API server that the fuzzer throws things at, in a process of its own: what ends it, ends nothing else. Speaks with its parent by messages.
import { generateKeyPairSync } from 'node:crypto';
import { startApiServer } from '../../src/apiserver/index.ts';
import { createAuthority, issueCertificate } from '../../src/base/certificates.ts';
import { systemClock } from '../../src/base/clock.ts';
import { createLog } from '../../src/base/log.ts';
import { systemRandom } from '../../src/base/random.ts';

/** What the server says when it listens. */
export interface Listening {
  readonly port: number;
  readonly authority: string;
  readonly admin: { readonly key: string; readonly certificate: string };
  readonly user: { readonly key: string; readonly certificate: string };
}

/** How the server is. Times in milliseconds, sizes in bytes. */
export interface Condition {
  /** In use; of use only after a collection. */
  readonly memory: number;
  /** Most processor time of one piece of work, while nothing else was done, since the last answer. */
  readonly longestTurn: number;
  readonly errors: readonly string[];
  /** Whether something has got into what all objects inherit. */
  readonly polluted: boolean;
}

const now = Date.now();
const authority = await createAuthority('fuzz', { now });
const keyPair = await issueCertificate(authority, { commonName: 'kube-apiserver', addresses: ['127.0.0.1'], usages: ['server auth'], days: 1, now });
const certificateOf = (commonName: string, organizations: string[]) => issueCertificate(authority, { commonName, organizations, usages: ['client auth'], days: 1, now });
const [admin, user] = await Promise.all([certificateOf('kubernetes-admin', ['system:masters']), certificateOf('mallory', ['strangers'])]);
let errors: string[] = [];
const server = await startApiServer({
  clock: systemClock, random: systemRandom, log: createLog({ clock: systemClock, level: 'error', write: (line) => void errors.push(line) }), authority, freezeObjects: true,
  serviceAccountKey: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  serviceCidr: '10.96.0.0/16', nodePorts: [30000, 32767], serving: { hosts: ['127.0.0.1'], port: 0, keyPair },
});
let longestTurn = 0;
/** Processor time of this thread in milliseconds: the machine may have better things to do than to run it. */
const used = (): number => {
  const { user: inUser, system } = process.threadCpuUsage();
  return (inUser + system) / 1000;
};
let last = used();
setInterval(() => {
  const at = used();
  longestTurn = Math.max(longestTurn, at - last);
  last = at;
}, 10);
process.on('message', ({ collect }: { readonly collect: boolean }) => {
  if (collect) globalThis.gc!();
  const { heapUsed, external } = process.memoryUsage();
  process.send!({ memory: heapUsed + external, longestTurn, errors, polluted: Object.keys(Object.prototype).length > 0 || 'polluted' in {} } satisfies Condition);
  longestTurn = 0;
  errors = [];
});
process.on('disconnect', () => process.exit(0));
process.send!({ port: Number(new URL(server.url!).port), authority: authority.certificate, admin, user } satisfies Listening);
