import { expect, it } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { connectionsTaken, untilAccepted, waitingConnections } from './accept-queue.ts';

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const row = (state: string, queues: string): string => `   0: 00000000:1F90 00000000:0000 ${state} ${queues} 00:00000000 00000000     0        0 101 1 0 100 0 0 10 0`;

it.each([
  ['nothing listens', [], 0],
  ['a listener with nobody at the door', [row('0A', '00000000:00000000')], 0],
  ['two listeners with 3 and 17 connections that nobody took yet', [row('0A', '00000000:00000003'), row('0A', '00000000:00000011')], 20],
  ['bytes that an accepted connection has not read are another matter', [row('01', '00000000:00000400'), row('0A', '00000000:00000000')], 0],
  ['a handshake that is not done', [row('03', '00000000:00000000'), row('0A', '00000000:00000001')], 2],
])('%s', (_, rows, expected) => expect(waitingConnections(`${[HEAD, ...rows].join('\n')}\n`)).toBe(expected));

it('counts the connections that others opened', () => {
  expect(connectionsTaken('Ip: Forwarding\nIp: 1\nTcp: RtoAlgorithm RtoMin ActiveOpens PassiveOpens AttemptFails\nTcp: 1 200 7 1042 0\nUdp: InDatagrams\nUdp: 3\n')).toBe(1042);
  expect(connectionsTaken('')).toBe(0);
});

it.each([
  ['nobody comes', [[0, 5], [0, 5], [0, 5], [0, 5]], 60],
  ['one waits, and is taken', [[1, 5], [0, 5], [0, 5], [0, 5]], 60],
  ['another node still sends clients', [[0, 5], [0, 6], [0, 7], [0, 7], [0, 7], [0, 7]], 100],
  ['some come for ever', Array.from({ length: 100 }, (_, i) => [0, i]), 200],
  ['the processes are gone', [[0, 5]], 20],
] as const)('waits while %s', async (_, looks, expectedMs) => {
  const clock = new FakeClock();
  const began = clock.monotonic();
  let at = 0;
  const look = (): { waiting: number; taken: number } | undefined => {
    const found = looks[at++];
    return found && { waiting: found[0]!, taken: found[1]! };
  };
  let ended: number | undefined;
  void untilAccepted(() => [1], { clock, patienceMs: 200, signal: new AbortController().signal, look }).then(() => { ended = clock.monotonic() - began; });
  for (let i = 0; i < 20; i++) await clock.advance(20);
  expect(ended).toBe(expectedMs);
});
