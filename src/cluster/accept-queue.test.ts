import { expect, it } from 'vitest';
import { waitingConnections } from './accept-queue.ts';

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const row = (state: string, queues: string): string => `   0: 00000000:1F90 00000000:0000 ${state} ${queues} 00:00000000 00000000     0        0 101 1 0 100 0 0 10 0`;

it.each([
  ['nothing listens', [], 0],
  ['a listener with nobody at the door', [row('0A', '00000000:00000000')], 0],
  ['two listeners with 3 and 17 connections that nobody took yet', [row('0A', '00000000:00000003'), row('0A', '00000000:00000011')], 20],
  ['bytes that an accepted connection has not read are another matter', [row('01', '00000000:00000400'), row('0A', '00000000:00000000')], 0],
  ['a handshake that is not done', [row('03', '00000000:00000000'), row('0A', '00000000:00000001')], 2],
])('%s', (_, rows, expected) => expect(waitingConnections(`${[HEAD, ...rows].join('\n')}\n`)).toBe(expected));
