// The thread of bench/fairness.ts that never stops asking.
import type { ConnectionOptions } from 'node:tls';
import { parentPort, workerData } from 'node:worker_threads';
import { LoadConnection, requestBytes } from './load.ts';

export interface Noise {
  readonly connections: number;
  readonly path: string;
  readonly options: ConnectionOptions;
}

const { connections, path, options } = workerData as Noise;
const list = requestBytes({ path });
const answers: Record<number, number> = { 200: 0, 429: 0 };
let going = true;
const crowd = await Promise.all(Array.from({ length: connections }, () => LoadConnection.open(options)));
parentPort!.once('message', () => (going = false));
parentPort!.postMessage('begun');
await Promise.all(crowd.map(async (connection) => {
  while (going) {
    const { status } = await connection.send(list);
    if (status !== 200 && status !== 429) throw new Error(`status ${status}`);
    answers[status]!++;
  }
}));
parentPort!.postMessage(answers);
for (const connection of crowd) connection[Symbol.dispose]();
