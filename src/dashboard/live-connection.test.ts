import { expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { FakeClock } from '../testing/fake-clock.ts';
import { LiveConnection, TICK_MS } from './live-connection.ts';
import { tableNames, type LiveTables, type TableListener } from './live-tables.ts';
import type { Frame } from './rows/row.ts';

/** Tables of one's own, and a socket that keeps what it is sent. */
function setUp(rows: Record<string, string>) {
  const pods = new Map(Object.entries(rows).map(([id, name]) => [id, JSON.stringify({ id, name })]));
  let listener: TableListener | undefined;
  const tables = {
    rows: (table: string) => (table === 'pods' ? pods : new Map<string, string>()),
    isSynced: () => true,
    problem: (table: string) => (table === 'nodes' ? 'forbidden' : undefined),
    subscribe(given: TableListener) {
      listener = given;
      return {
        [Symbol.dispose]: () => {
          listener = undefined;
        },
      };
    },
  } as unknown as LiveTables;
  const frames: Frame[] = [];
  const socket = { bufferedAmount: 0, send: (text: string) => void frames.push(JSON.parse(text) as Frame) };
  const clock = new FakeClock();
  const connection = new LiveConnection({
    socket: socket as unknown as WebSocket,
    tables,
    clock,
    hello: { context: 'c', server: 's', namespace: 'n', history: [], version: 'v' },
  });
  const put = (id: string, name?: string): void => {
    if (name === undefined) pods.delete(id);
    else pods.set(id, JSON.stringify({ id, name }));
    listener?.changed('pods', id);
  };
  return { frames, socket, clock, connection, put };
}

test('everything there is comes first, in one frame', () => {
  const { frames } = setUp({ 'a/1': 'one', 'a/2': 'two' });
  expect(frames).toHaveLength(2);
  expect(frames[0]!.hello?.context).toBe('c');
  expect(frames[1]!.put).toEqual({
    pods: [
      { id: 'a/1', name: 'one' },
      { id: 'a/2', name: 'two' },
    ],
  });
  expect(frames[1]!.synced).toEqual(tableNames);
  expect(frames[1]!.problems).toMatchObject({ nodes: 'forbidden', pods: null });
});

test('what happens within a tick is one frame, and of each row only what it is at its end', async () => {
  const { frames, clock, put } = setUp({ 'a/1': 'one' });
  for (let i = 0; i < 100; i++) put('a/1', `one ${i}`);
  put('a/2', 'short-lived');
  put('a/2');
  put('a/3', 'three');
  expect(frames).toHaveLength(2);
  await clock.advance(TICK_MS);
  expect(frames.slice(2)).toEqual([
    {
      put: {
        pods: [
          { id: 'a/1', name: 'one 99' },
          { id: 'a/3', name: 'three' },
        ],
      },
      drop: { pods: ['a/2'] },
    },
  ]);
  await clock.advance(TICK_MS * 10);
  expect(frames).toHaveLength(3);
});

test('a page that does not keep up gets what is, once it does', async () => {
  const { frames, socket, clock, put } = setUp({});
  socket.bufferedAmount = 100 << 20;
  for (let i = 0; i < 20; i++) {
    put('a/1', `state ${i}`);
    await clock.advance(TICK_MS);
  }
  expect(frames).toHaveLength(2);
  socket.bufferedAmount = 0;
  await clock.advance(TICK_MS);
  expect(frames[2]).toEqual({ put: { pods: [{ id: 'a/1', name: 'state 19' }] } });
});

test('who left hears nothing more', async () => {
  const { frames, clock, connection, put } = setUp({});
  put('a/1', 'one');
  connection[Symbol.dispose]();
  put('a/2', 'two');
  await clock.advance(TICK_MS * 2);
  expect(frames).toHaveLength(2);
});
