import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { notFound } from '../api/errors.ts';
import type { HttpClient } from '../client/http-client.ts';
import { readLogWish, sendLogs } from './merged-logs.ts';

const logs: Readonly<Record<string, readonly string[]>> = {
  a: ['2026-01-01T00:00:01Z one', '2026-01-01T00:00:03Z three  words'],
  b: ['2026-01-01T00:00:02Z two'],
};
const http: Pick<HttpClient, 'stream'> = {
  async stream(_method, path) {
    const pod = /pods\/(\w+)\/log/.exec(path)![1]!;
    if (!logs[pod]) throw notFound({ group: '', resource: 'pods' }, pod);
    return { status: 200, headers: {}, body: Readable.from(logs[pod].map((line) => Buffer.from(`${line}\n`))) as never };
  },
};

test('logs of several containers come as one stream; one that cannot be read does not end the others', async () => {
  const wish = readLogWish(new URLSearchParams('source=default/a/c&source=default/b/c&source=default/gone/c&source=nonsense&tail=5'));
  expect(wish).toEqual({
    sources: ['a', 'b', 'gone'].map((pod) => ({ namespace: 'default', pod, container: 'c' })),
    follow: false,
    previous: false,
    tail: 5,
  });
  const server = createServer((_request, response) => void sendLogs(http, wish, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const found = (await answer.text())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as [number, string, string]);
  server.close();
  expect(found.toSorted((a, b) => (a[1] < b[1] ? -1 : 1))).toEqual([
    [2, '', 'pods "gone" not found'],
    [0, '2026-01-01T00:00:01Z', 'one'],
    [1, '2026-01-01T00:00:02Z', 'two'],
    [0, '2026-01-01T00:00:03Z', 'three  words'],
  ]);
});
