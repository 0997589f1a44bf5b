import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttp2, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, credentials, Server, ServerCredentials, status, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { GrpcConnection } from './connection.ts';
import { GrpcError, GrpcStatus } from './grpc-error.ts';
import { MessageTypes } from './message-types.ts';
import { GrpcServer } from './server.ts';
import { service } from './service.ts';

const types = new MessageTypes({ Text: 'text=1:string' });
const echo = service('test.Echo', types, {
  Say: { request: 'Text', response: 'Text' }, Fail: { request: 'Text', response: 'Text' }, Wait: { request: 'Text', response: 'Text' },
  Count: { request: 'Text', response: 'Text', responseStream: true },
});

const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'wherry-grpc-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
};

interface Told { deadline: Date | number; header: string[] }

/** A server by the reference implementation in JavaScript. */
async function serve(path: string, told: Partial<Told> & { cancelled?: () => void } = {}): Promise<Server> {
  const server = new Server({ 'grpc.max_send_message_length': -1 });
  server.addService(echo as never, {
    Say: (call: any, callback: any) => {
      told.deadline = call.getDeadline();
      told.header = call.metadata.get('who');
      callback(null, call.request.text === 'much' ? { text: 'x'.repeat(3_000_000) } : call.request);
    },
    Fail: (_call: any, callback: any) => callback({ code: status.NOT_FOUND, details: 'no such thing: “é”, 100 %' }),
    Wait: (call: any) => call.on('cancelled', () => told.cancelled?.()),
    Count: (call: any) => {
      for (let i = 0; i < Number(call.request.text); i++) call.write({ text: String(i) });
      if (call.request.text !== '0') call.end();
      else call.on('cancelled', () => told.cancelled?.());
    },
  } satisfies UntypedServiceImplementation);
  await new Promise<void>((resolve, reject) => server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve())));
  onTestFinished(() => server.forceShutdown());
  return server;
}

const connection = (path: string, options?: { largestMessage?: number }): GrpcConnection => {
  const made = new GrpcConnection(`unix:${path}`, systemClock, options);
  onTestFinished(() => made[Symbol.dispose]());
  return made;
};

test('calls methods, one after the other and at once, large answers included', async () => {
  const path = join(folder(), 's');
  const told: Partial<Told> = {};
  await serve(path, told);
  const client = connection(path);
  expect(await client.call(echo['Say']!, { text: 'hello' }, { timeoutMs: 5_000, headers: { who: 'me' } })).toEqual({ text: 'hello' });
  expect(told.header).toEqual(['me']);
  expect(Number(told.deadline)).toBeLessThanOrEqual(Date.now() + 5_000);
  const texts = Array.from({ length: 300 }, (_, i) => `${i}`);
  expect(await Promise.all(texts.map((text) => client.call<{ text: string }>(echo['Say']!, { text })))).toEqual(texts.map((text) => ({ text })));
  expect((await client.call<{ text: string }>(echo['Say']!, { text: 'much' })).text).toHaveLength(3_000_000);
  await expect(connection(path, { largestMessage: 1_000 }).call(echo['Say']!, { text: 'much' })).rejects.toMatchObject({ code: GrpcStatus.ResourceExhausted });
});

test('tells what a call ended with', async () => {
  const path = join(folder(), 's');
  let cancellations = 0;
  await serve(path, { cancelled: () => { cancellations++; } });
  const client = connection(path);
  await expect(client.call(echo['Fail']!, {})).rejects.toMatchObject({ code: 5, details: 'no such thing: “é”, 100 %' });
  await expect(client.call({ ...echo['Say']!, path: '/test.Echo/None' }, {})).rejects.toMatchObject({ code: GrpcStatus.Unimplemented });
  await expect(client.call(echo['Wait']!, {}, { timeoutMs: 20 })).rejects.toMatchObject({ code: GrpcStatus.DeadlineExceeded });
  const stopping = new AbortController();
  const waiting = client.call(echo['Wait']!, {}, { signal: stopping.signal });
  stopping.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  await expect(client.call(echo['Say']!, {}, { signal: stopping.signal })).rejects.toThrow('enough');
  await expect.poll(() => cancellations).toBeGreaterThan(0);
});

test('a stream tells its messages in order and ends, or is ended by who listens', async () => {
  const path = join(folder(), 's');
  let cancelled = false;
  await serve(path, { cancelled: () => { cancelled = true; } });
  const client = connection(path);
  const texts: string[] = [];
  await client.stream<{ text: string }>(echo['Count']!, { text: '1000' }, {}, ({ text }) => texts.push(text));
  expect(texts).toEqual(Array.from({ length: 1000 }, (_, i) => String(i)));
  const stopping = new AbortController();
  const open = client.stream(echo['Count']!, { text: '0' }, { signal: stopping.signal }, () => undefined);
  await client.call(echo['Say']!, {});
  stopping.abort(new Error('heard enough'));
  await expect(open).rejects.toThrow('heard enough');
  await expect.poll(() => cancelled).toBe(true);
  await expect(client.stream(echo['Count']!, { text: '5' }, {}, () => { throw new Error('cannot use this'); })).rejects.toThrow('cannot use this');
});

test('a server that is away is Unavailable, and found again when it is back; what was under way ends', async () => {
  const path = join(folder(), 's');
  const client = connection(path);
  await expect(client.call(echo['Say']!, {})).rejects.toMatchObject({ code: GrpcStatus.Unavailable });
  const server = await serve(path);
  const waiting = client.call(echo['Wait']!, {});
  expect(await client.call(echo['Say']!, { text: 'a' })).toEqual({ text: 'a' });
  server.forceShutdown();
  await expect(waiting).rejects.toMatchObject({ name: 'GrpcError' });
  rmSync(path, { force: true });
  await expect(client.call(echo['Say']!, {})).rejects.toMatchObject({ code: GrpcStatus.Unavailable });
  await serve(path);
  expect(await client.call(echo['Say']!, { text: 'b' })).toEqual({ text: 'b' });
  const last = client.call(echo['Wait']!, {});
  client[Symbol.dispose]();
  await expect(last).rejects.toMatchObject({ name: 'GrpcError' });
  await expect(client.call(echo['Say']!, {})).rejects.toMatchObject({ code: GrpcStatus.Unavailable, details: 'the connection was closed here' });
});

test('a connection can be followed: it is made at once, and again after it broke', async () => {
  const path = join(folder(), 's');
  const server = await serve(path);
  const told: boolean[] = [];
  const client = connection(path);
  client.followConnection((isConnected) => told.push(isConnected));
  await expect.poll(() => told).toEqual([true]);
  server.forceShutdown();
  await expect.poll(() => told).toEqual([true, false]);
  rmSync(path, { force: true });
  await serve(path);
  await expect.poll(() => told, { timeout: 5_000 }).toEqual([true, false, true]);
});

test('a server of our own answers the reference client and ours', async () => {
  const path = join(folder(), 's');
  await using server = new GrpcServer(echo, {
    Say: ({ text }: { text: string }) => ({ text: `${text}!` }),
    Fail: () => Promise.reject(new GrpcError(5, 'no such thing: “é”, 100 %')),
    Wait: () => { throw new Error('it broke'); },
  });
  await new Promise<void>((resolve, reject) => server.listen(path, resolve, reject));
  const ours = connection(path);
  expect(await ours.call(echo['Say']!, { text: 'x'.repeat(1_000_000) })).toEqual({ text: `${'x'.repeat(1_000_000)}!` });
  await expect(ours.call(echo['Wait']!, {})).rejects.toMatchObject({ code: GrpcStatus.Unknown, details: 'it broke' });
  const theirs = new Client(`unix:${path}`, credentials.createInsecure());
  onTestFinished(() => theirs.close());
  const ask = (name: string, text: string): Promise<object> => new Promise((resolve, reject) => {
    const { path: method, requestSerialize, responseDeserialize } = echo[name]!;
    theirs.makeUnaryRequest(method, requestSerialize, responseDeserialize, { text }, (error, answer) => (error ? reject(error) : resolve(answer!)));
  });
  expect(await ask('Say', 'hello')).toEqual({ text: 'hello!' });
  await expect(ask('Fail', '')).rejects.toMatchObject({ code: status.NOT_FOUND, details: 'no such thing: “é”, 100 %' });
  await expect(ask('Count', '')).rejects.toMatchObject({ code: status.UNIMPLEMENTED });
});

/** Answers as no gRPC server should. */
async function misbehave(answer: (stream: ServerHttp2Stream) => void): Promise<GrpcConnection> {
  const path = join(folder(), 's');
  const server: Http2Server = createHttp2();
  server.on('session', (session) => onTestFinished(() => session.destroy()));
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    stream.resume();
    answer(stream);
  });
  await new Promise<void>((resolve) => { server.listen(path, resolve); });
  onTestFinished(() => void server.close());
  return connection(path);
}

test.each<[string, (stream: ServerHttp2Stream) => void, number, RegExp]>([
  ['another protocol', (stream) => { stream.respond({ ':status': 503 }); stream.end('busy'); }, GrpcStatus.Unavailable, /HTTP status 503/],
  ['no status', (stream) => { stream.respond({ ':status': 200 }); stream.end(Buffer.from([0, 0, 0, 0, 0])); }, GrpcStatus.Unavailable, /./],
  ['no message', (stream) => { stream.respond({ ':status': 200, 'grpc-status': 0 }); stream.end(); }, GrpcStatus.Internal, /holds no message/],
  ['a refusal', (stream) => stream.close(7), GrpcStatus.Unavailable, /./],
  ['a reset', (stream) => stream.close(2), GrpcStatus.Internal, /./],
  ['a compressed message', (stream) => { stream.respond({ ':status': 200 }); stream.write(Buffer.from([1, 0, 0, 0, 1, 9])); }, GrpcStatus.Internal, /compressed/],
  ['an enormous message', (stream) => { stream.respond({ ':status': 200 }); stream.write(Buffer.from([0, 255, 0, 0, 0])); }, GrpcStatus.ResourceExhausted, /larger than max/],
  ['half a message, then nothing more', (stream) => { stream.respond({ ':status': 200 }); stream.write(Buffer.from([0, 0])); stream.session!.destroy(); }, GrpcStatus.Unavailable, /./],
])('a server that answers with %s', async (_, answer, code, details) => {
  const client = await misbehave(answer);
  await expect(client.call(echo['Say']!, { text: 'x' })).rejects.toMatchObject({ code, details: expect.stringMatching(details) });
});
