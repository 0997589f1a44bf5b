// Asks a DNS server, from the network it runs in: `dns-client.ts ADDRESS PORT COUNT WINDOW NAME…`, with so many questions under way at a time.
// Prints what became of them as JSON.
import { encode } from 'dns-packet';
import { createSocket } from 'node:dgram';

export interface Outcome {
  readonly answered: number;
  /** No answer within a second. */
  readonly lost: number;
  /** Answers that had no record. */
  readonly empty: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

const [address, port, count, window, ...names] = process.argv.slice(2) as [string, string, string, string, ...string[]];
const questions = names.map((name) => encode({ type: 'query', id: 0, flags: 1 << 8, questions: [{ name, type: 'A' }] }));
const total = Number(count);
const sent = new Float64Array(65_536);
const latencies: number[] = [];
let next = 0;
let lost = 0;
let empty = 0;
const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
const ask = (): void => {
  if (next >= total) return;
  const id = next % 65_536;
  const bytes = Buffer.from(questions[next++ % questions.length]!);
  bytes.writeUInt16BE(id);
  sent[id] = performance.now();
  socket.send(bytes);
};
const began = performance.now();
const finish = (): void => {
  const sorted = Float64Array.from(latencies).sort();
  const outcome: Outcome = {
    answered: latencies.length, lost, empty, perSecond: (latencies.length * 1000) / (performance.now() - began), p50: sorted[Math.floor(sorted.length / 2)]!, p99: sorted[Math.floor(sorted.length * 0.99)]!,
  };
  console.log(JSON.stringify(outcome));
  process.exit();
};
socket.on('message', (bytes) => {
  const id = bytes.readUInt16BE(0);
  if (sent[id] === 0) return;
  latencies.push(performance.now() - sent[id]!);
  sent[id] = 0;
  if (bytes.readUInt16BE(6) === 0) empty++;
  if (latencies.length + lost >= total) finish();
  else ask();
});
socket.connect(Number(port), address, () => {
  for (let i = 0; i < Number(window); i++) ask();
});
setInterval(() => {
  const now = performance.now();
  for (let id = 0; id < Math.min(next, 65_536); id++) {
    if (sent[id] === 0 || now - sent[id]! < 1_000) continue;
    sent[id] = 0;
    lost++;
    ask();
  }
  if (latencies.length + lost >= total) finish();
}, 200);
