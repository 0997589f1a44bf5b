// What the ledger costs: the rate of durable writes with it and without it, on the same server. Rounds alternate, so that what else the machine does meets both.
// Prints the rates and the processor time of a write, and the medians of the ratios of neighbouring rounds; on a busy machine the latter is the one to believe.
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deployments } from '../src/api/generated/resources.ts';
import { startApiServer, type ApiServer } from '../src/apiserver/index.ts';
import { because } from '../src/base/cause.ts';
import { systemClock } from '../src/base/clock.ts';
import { silentLog } from '../src/base/log.ts';
import { systemRandom } from '../src/base/random.ts';
import type { Client } from '../src/client/client.ts';
import { median, report } from './measure.ts';

const ROUNDS = 60;
const WRITES = 900;
const AT_ONCE = 64;

const serviceAccountKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
const folder = mkdtempSync(join(tmpdir(), 'bench-ledger-'));

function start(ledger: boolean, durable: boolean): Promise<ApiServer> {
  return startApiServer({
    clock: systemClock, random: systemRandom, log: silentLog, authority: { key: '', certificate: '' }, serviceAccountKey, serviceCidr: '10.96.0.0/16', nodePorts: [30000, 32767],
    ledger, ...(durable && { dataDir: join(folder, `${ledger}`) }),
  });
}

let serial = 0;

interface Round {
  readonly rate: number;
  /** Of processor time, a write. */
  readonly microseconds: number;
}

/** Writes a second: a third creations, a third changes of what is wanted, a third of what is reported. */
async function round(client: Client): Promise<Round> {
  const before = performance.now();
  const cpu = process.cpuUsage();
  let left = WRITES / 3;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const name = `d-${serial++}`;
      const template = { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'main', image: 'msung99/maestro:0.1.0' }] } };
      await because({ writes: [serial] }, async () => {
        const made = await client.create(deployments, { metadata: { name, namespace: 'default' }, spec: { replicas: 1, selector: { matchLabels: { app: name } }, template } });
        const grown = await client.update(deployments, { ...made, spec: { ...made.spec, replicas: 2 } });
        await client.updateStatus(deployments, { ...grown, status: { replicas: 2, readyReplicas: 1 } });
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const { user, system } = process.cpuUsage(cpu);
  return { rate: WRITES / ((performance.now() - before) / 1000), microseconds: (user + system) / WRITES };
}

try {
  for (const durable of [false, true]) {
    await using withLedger = await start(true, durable);
    await using without = await start(false, durable);
    const user = { name: 'kubernetes-admin', groups: ['system:masters'] };
    const clients = [withLedger.client(user, 'bench'), without.client(user, 'bench')] as const;
    const rounds: readonly [Round[], Round[]] = [[], []];
    for (let i = -2; i < ROUNDS; i++) {
      // Each begins as often as it comes second.
      for (const which of i % 2 === 0 ? [0, 1] as const : [1, 0] as const) {
        const result = await round(clients[which]);
        await clients[which].deleteCollection(deployments, { namespace: 'default' });
        if (i >= 0) rounds[which].push(result);
      }
    }
    const [kept, plain] = rounds.map((all) => ({ rate: median(all.map(({ rate }) => rate)), microseconds: median(all.map(({ microseconds }) => microseconds)) })) as [Round, Round];
    // Of neighbours in time, so that what else the machine does meets both alike.
    const paired = (value: (round: Round) => number): string => median(rounds[0].map((round, i) => value(round) / value(rounds[1][i]!))).toFixed(3);
    const where = durable ? 'durable' : 'in memory';
    report([
      [`${where}: writes a second, with the ledger / without`, `${Math.round(kept.rate)} / ${Math.round(plain.rate)}, ratio ${paired(({ rate }) => rate)}`],
      [`${where}: processor time of a write, with / without`, `${kept.microseconds.toFixed(1)} / ${plain.microseconds.toFixed(1)} µs, ratio ${paired(({ microseconds }) => microseconds)}`],
    ]);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
