import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { StatusError } from '../../api/errors.ts';
import type { KubeObject } from '../../api/object.ts';
import { createAuthority, issueCertificate, readCertificate } from '../../base/certificates.ts';
import { systemClock } from '../../base/clock.ts';
import { silentLog } from '../../base/log.ts';
import { createMemoryEngine } from '../../storage/memory.ts';
import type { TLSSocket } from 'node:tls';
import { storedObjects } from '../authz/stored-objects.ts';
import { KubeletConnections } from './kubelet-connections.ts';
import { podLog } from './pod-log.ts';
import { podStreams } from './pod-streams.ts';
import type { ConnectCall, SubresourceHandler, SubresourceServices } from './subresource-handler.ts';

interface World extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly seen: string[];
}

/** A server with nothing but the handlers under test, and a kubelet of two dozen lines that echoes what is spoken on an upgraded connection. */
async function world(refused = false): Promise<World> {
  const now = Date.now();
  const authority = await createAuthority('ca', { now });
  const serving = await issueCertificate(authority, { commonName: 'n', addresses: ['127.0.0.1'], usages: ['server auth'], days: 1, now });
  const client = await issueCertificate(authority, { commonName: 'apiserver', usages: ['client auth'], days: 1, now });
  const seen: string[] = [];
  const kubelet = createTlsServer({ key: serving.key, cert: serving.certificate, ca: authority.certificate, requestCert: true, rejectUnauthorized: true }, (request, response) => {
    seen.push(`${request.method} ${request.url} by ${readCertificate((request.socket as TLSSocket).getPeerCertificate().raw).commonName}`);
    if (request.url!.includes('previous')) return void response.writeHead(400).end('previous terminated container "c" in pod "p" not found');
    response.writeHead(200, { 'content-type': 'text/plain' });
    response.write('first\n');
    if (!request.url!.includes('follow')) response.end('last\n');
  });
  kubelet.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    seen.push(`${request.method} ${request.url} ${request.headers.upgrade} auth=${request.headers.authorization}`);
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\nhello ');
    socket.on('data', (data) => socket.write(data.toString().toUpperCase()));
    socket.on('end', () => socket.end());
  });
  await new Promise<void>((resolve) => kubelet.listen(0, '127.0.0.1', resolve));
  const engine = createMemoryEngine<KubeObject>({ clock: systemClock, log: silentLog });
  const kubeletPort = (kubelet.address() as AddressInfo).port;
  const put = (key: string, object: unknown): Promise<unknown> => engine.put(`/registry/core/${key}`, () => object as KubeObject);
  await put('nodes/n', { metadata: { name: 'n' }, status: { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }], daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } } } });
  await put('pods/a/p', { metadata: { namespace: 'a', name: 'p' }, spec: { nodeName: 'n', containers: [{ name: 'c' }] } });
  await put('pods/a/two', { metadata: { namespace: 'a', name: 'two' }, spec: { nodeName: 'n', initContainers: [{ name: 'i' }], containers: [{ name: 'c' }, { name: 'd' }] } });
  const objects = storedObjects(engine, (o) => o);
  const kubelets = new KubeletConnections({ objects, authority: authority.certificate, client });
  const authorizer = { authorize: ({ verb }: { verb: string }) => ({ allowed: verb !== 'create' || !refused, reason: '' }) };
  const services = { objects, kubelets, log: silentLog, authorizer, admission: { mutate: async () => undefined, validate: async () => {} } } as unknown as SubresourceServices;
  const handlers: readonly SubresourceHandler[] = [podLog(services), ...podStreams(services)];

  const serve = async (request: IncomingMessage, answer: Pick<ConnectCall, 'response' | 'upgrade'>): Promise<void> => {
    const url = new URL(request.url!, 'http://x');
    const [, , , , namespace, , name, subresource] = url.pathname.split('/');
    const info = { isResourceRequest: true, path: url.pathname, verb: 'get', group: '', version: 'v1', resource: 'pods', subresource: subresource!, tail: '', namespace: namespace!, name: name! };
    const context = { user: { name: 'u', groups: [] }, userAgent: '', signal: new AbortController().signal, warn() {} };
    try {
      await handlers.find((h) => h.subresource === subresource)!.connect!({ context, info, query: url.searchParams, request, ...answer });
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      const text = JSON.stringify(error.status);
      if (answer.response) answer.response.writeHead(error.code).end(text);
      else answer.upgrade!.socket.end(`HTTP/1.1 ${error.code} Fault\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`);
    }
  };
  const server = createServer((request, response: ServerResponse) => void serve(request, { response }));
  server.on('upgrade', (request, socket, head) => void serve(request, { upgrade: { socket, head } }));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/api/v1/namespaces/a/pods`, port, seen,
    async [Symbol.asyncDispose]() {
      kubelets[Symbol.dispose]();
      for (const s of [server, kubelet]) {
        s.closeAllConnections();
        await new Promise((resolve) => s.close(resolve));
      }
    },
  };
}

test('an upgraded connection reaches the kubelet and carries bytes both ways', async () => {
  await using w = await world();
  const socket = connect(w.port, '127.0.0.1');
  socket.write('POST /api/v1/namespaces/a/pods/p/exec?command=sh&command=-c&stdin=true&stdout=true&tty=false HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n');
  let received = '';
  const until = (text: string): Promise<void> => new Promise((resolve) => {
    const look = (): void => {
      if (received.includes(text)) resolve();
      else socket.once('data', () => setImmediate(look));
    };
    look();
  });
  socket.on('data', (data) => (received += data.toString()));
  await until('hello ');
  socket.write('abc');
  await until('ABC');
  expect(received).toContain('101 Switching Protocols');
  expect(received).toContain('X-Stream-Protocol-Version: v4.channel.k8s.io');
  expect(w.seen).toEqual(['POST /exec/a/p/c?input=1&output=1&command=sh&command=-c SPDY/3.1 auth=undefined']);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.end();
  await closed;
});

test('logs are passed through, faults are worded', async () => {
  await using w = await world();
  const get = async (path: string): Promise<string> => {
    const response = await fetch(`${w.url}/${path}`);
    const text = await response.text();
    return `${response.status} ${response.ok ? text : (JSON.parse(text) as { message: string }).message}`;
  };
  expect(await get('p/log?tailLines=5&timestamps=true&container=c')).toBe('200 first\nlast\n');
  expect(w.seen).toEqual(['GET /containerLogs/a/p/c?timestamps=true&tailLines=5 by apiserver']);
  expect(await get('p/log?previous=true')).toBe('400 previous terminated container "c" in pod "p" not found');
  expect(await get('two/log')).toBe('400 a container name must be specified for pod two, choose one of: [i c d]');
  expect(await get('two/log?container=x')).toBe('400 container x is not valid for pod two');
  expect(await get('p/log?tailLines=-1')).toContain('tailLines: Invalid value: -1');
  expect(await get('none/log')).toBe('404 pods "none" not found');
  const aborting = new AbortController();
  const following = await fetch(`${w.url}/p/log?follow=true`, { signal: aborting.signal });
  expect(Buffer.from((await following.body!.getReader().read()).value!).toString()).toBe('first\n');
  aborting.abort();
});

test('logs over a web socket', async () => {
  await using w = await world();
  const socket = new WebSocket(`${w.url.replace('http', 'ws')}/p/log?container=c`, ['binary.k8s.io']);
  const pieces: Buffer[] = [];
  await new Promise((resolve, reject) => socket.on('message', (data) => pieces.push(data as Buffer)).on('close', resolve).on('error', reject));
  expect(socket.protocol).toBe('binary.k8s.io');
  expect(Buffer.concat(pieces).toString()).toBe('first\nlast\n');
});

test('a reader gets no shell over a web socket', async () => {
  await using w = await world(true);
  const socket = new WebSocket(`${w.url.replace('http', 'ws')}/p/exec?container=c&command=sh`, ['v5.channel.k8s.io']);
  const refusal = await new Promise((resolve) => socket.on('error', (error) => resolve(error.message)));
  expect(refusal).toBe('Unexpected server response: 403');
  expect(w.seen).toEqual([]);
});

test('SPDY within a web socket is taken out of it for the kubelet', async () => {
  await using w = await world();
  const socket = connect(w.port, '127.0.0.1');
  socket.write('GET /api/v1/namespaces/a/pods/p/portforward HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: SPDY/3.1+portforward.k8s.io\r\n\r\n');
  let received = Buffer.alloc(0);
  const until = (text: string): Promise<void> => new Promise((resolve) => {
    const look = (): void => (received.includes(text) ? resolve() : void socket.once('data', () => setImmediate(look)));
    look();
  });
  socket.on('data', (data: Buffer) => (received = Buffer.concat([received, data])));
  await until('hello ');
  expect(received.toString()).toContain('101 Switching Protocols');
  expect(received.toString()).toContain('Sec-WebSocket-Protocol: SPDY/3.1+portforward.k8s.io');
  // One binary message of three bytes under a mask of zeros, as a client sends it.
  socket.write(Buffer.concat([Buffer.from([0x82, 0x83, 0, 0, 0, 0]), Buffer.from('abc')]));
  await until('ABC');
  expect(w.seen).toEqual(['POST /portForward/a/p SPDY/3.1 auth=undefined']);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.destroy();
  await closed;
});
