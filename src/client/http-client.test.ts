import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pods } from '../api/generated/resources.ts';
import { createAuthority, issueCertificate, type KeyPair } from '../base/certificates.ts';
import { ConnectionError } from './connection-error.ts';
import { createHttpClient, type HttpClient } from './http-client.ts';

// What the API server answers is tested with the API server; here are the wire's own faults, which it will not make for us.
let authority: KeyPair;
let server: Server;
let client: HttpClient;
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeAll(async () => {
  authority = await createAuthority('test', { now: Date.now() });
  const serving = await issueCertificate(authority, { commonName: 'server', addresses: ['127.0.0.1'], usages: ['server auth'], days: 1, now: Date.now() });
  const user = await issueCertificate(authority, { commonName: 'alice', usages: ['client auth'], days: 1, now: Date.now() });
  server = createServer({ cert: serving.certificate, key: serving.key, ca: authority.certificate, requestCert: true }, (q, r) => answer(q, r));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  client = createHttpClient({ server: url(), ca: authority.certificate, certificate: user.certificate, key: user.key, token: 'secret', userAgent: 'test', timeoutMs: 500 });
});
afterAll(async () => {
  client[Symbol.dispose]();
  server.closeAllConnections();
  await new Promise((resolve) => void server.close(resolve));
});
const url = (): string => `https://127.0.0.1:${(server.address() as AddressInfo).port}`;

test('sends who it is, where the object is, and the object', async () => {
  let seen: unknown;
  answer = async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    seen = {
      line: `${request.method} ${request.url}`, type: request.headers['content-type'], token: request.headers.authorization, agent: request.headers['user-agent'],
      peer: (request.socket as TLSSocket).getPeerCertificate().subject.CN, body: JSON.parse(body),
    };
    response.end('{"metadata":{"name":"a"}}');
  };
  await client.patch(pods, { namespace: 'default', name: 'a' }, { type: 'application/apply-patch+yaml', body: { x: 'ü' }, force: true }, { fieldManager: 'me', subresource: 'status' });
  expect(seen).toEqual({
    line: 'PATCH /api/v1/namespaces/default/pods/a/status?fieldManager=me&force=true', type: 'application/apply-patch+yaml', token: 'Bearer secret', agent: 'test', peer: 'alice', body: { x: 'ü' },
  });
});

test('refusals are StatusErrors, also those of a proxy between', async () => {
  answer = (_, response) => void response.writeHead(404).end(JSON.stringify({ kind: 'Status', message: 'pods "a" not found', reason: 'NotFound', code: 404 }));
  await expect(client.get(pods, { namespace: 'default', name: 'a' })).rejects.toMatchObject({ name: 'StatusError', reason: 'NotFound', code: 404, message: 'pods "a" not found' });
  answer = (_, response) => void response.writeHead(503).end('<html>busy</html>');
  await expect(client.list(pods)).rejects.toMatchObject({ name: 'StatusError', reason: 'ServiceUnavailable', message: '<html>busy</html>' });
});

test('a watch yields events cut anywhere, and ends with the server\'s fault', async () => {
  answer = async (request, response) => {
    expect(request.url).toBe('/api/v1/pods?watch=true&resourceVersion=5&allowWatchBookmarks=true');
    const text = ['{"type":"ADDED","object":{"metadata":{"name":"ä"}}}', '{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}', ''].join('\n');
    for (const byte of Buffer.from(text)) {
      response.write(Buffer.of(byte));
      if (byte % 7 === 0) await new Promise((resolve) => void setImmediate(resolve));
    }
    response.end();
  };
  const seen: unknown[] = [];
  const watching = (async () => {
    for await (const event of await client.watch(pods, { resourceVersion: '5', allowWatchBookmarks: true })) seen.push(event);
  })();
  await expect(watching).rejects.toMatchObject({ reason: 'Expired' });
  expect(seen).toEqual([{ type: 'ADDED', object: { metadata: { name: 'ä' } } }]);
});

test('an aborted watch ends and lets go of its connection', async () => {
  const closed = Promise.withResolvers<void>();
  answer = (_, response) => {
    response.on('close', () => closed.resolve());
    response.write('{"type":"ADDED","object":{}}\n');
  };
  const stop = new AbortController();
  const seen: unknown[] = [];
  for await (const event of await client.watch(pods, { signal: stop.signal })) {
    seen.push(event);
    stop.abort();
  }
  expect(seen).toHaveLength(1);
  await closed.promise;
});

test('a kept connection that the server closes meanwhile is no fault', async () => {
  const sockets = new Set<Socket>();
  answer = (request, response) => {
    if (sockets.has(request.socket)) return void request.socket.destroy();
    sockets.add(request.socket);
    response.end('{"items":[]}');
  };
  await client.list(pods);
  await expect(client.list(pods)).resolves.toEqual({ items: [] });
});

test('no server, a stranger\'s server and a silent server each say so', async () => {
  using nobody = createHttpClient({ server: 'https://127.0.0.1:1', userAgent: 'test' });
  await expect(nobody.list(pods)).rejects.toThrow('The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?');
  using trusting = createHttpClient({ server: url(), userAgent: 'test' });
  await expect(trusting.list(pods)).rejects.toThrow('x509: certificate signed by unknown authority');
  answer = () => {};
  const silent = client.list(pods);
  await expect(silent).rejects.toBeInstanceOf(ConnectionError);
  await expect(silent).rejects.toThrow('within 500 ms');
});

test('an answer that stops in its middle fails in time, is told as cut off, or ends when the caller does', async () => {
  answer = (_, response) => void response.writeHead(200, { 'content-length': 100 }).write('{"items":');
  const stalled = client.list(pods);
  await expect(stalled).rejects.toBeInstanceOf(ConnectionError);
  await expect(stalled).rejects.toThrow('within 500 ms');
  const stop = new AbortController();
  answer = (_, response) => {
    response.writeHead(200, { 'content-length': 100 }).write('{"items":');
    setImmediate(() => stop.abort(new Error('enough')));
  };
  await expect(client.raw('GET', '/x', { signal: stop.signal })).rejects.toThrow('enough');
  answer = (request, response) => {
    response.writeHead(200, { 'content-length': 100 }).write('{"items":');
    setImmediate(() => request.socket.destroy());
  };
  await expect(client.list(pods)).rejects.toBeInstanceOf(ConnectionError);
});
