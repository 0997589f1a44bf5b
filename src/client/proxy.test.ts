import { createServer as createHttpServer, request as httpRequest, type Server as HttpServer } from 'node:http';
import { createServer } from 'node:https';
import { connect, createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { pods } from '../api/generated/resources.ts';
import { createAuthority, issueCertificate } from '../base/certificates.ts';
import { createHttpClient, type HttpClientOptions } from './http-client.ts';
import { proxyOfEnvironment } from './proxy.ts';
import { socketTarget } from './socket-options.ts';

// An API server's stand-in behind TLS and one without, and three proxies in front: what went through each is noted.
const servers: Server[] = [];
const sockets = new Set<Socket>();
const seen: string[] = [];
let options: HttpClientOptions;
let ports: { readonly api: number; readonly plain: number; readonly http: number; readonly socks: number };

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.on('connection', (socket: Socket) => void sockets.add(socket));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function join(a: Socket, b: Socket): void {
  sockets.add(b);
  a.pipe(b).pipe(a);
  for (const [one, other] of [[a, b], [b, a]] as const) one.on('error', () => other.destroy()).on('close', () => other.destroy());
}

function httpProxy(): HttpServer {
  const server = createHttpServer((request, response) => {
    seen.push(`${request.method} ${new URL(request.url!).pathname} ${request.headers['proxy-authorization'] ?? '-'}`);
    const onward = httpRequest(request.url!, { method: request.method, headers: request.headers }, (answer) => void answer.pipe(response.writeHead(answer.statusCode!, answer.headers)));
    request.pipe(onward);
  });
  server.on('connect', (request, socket: Socket) => {
    seen.push(`CONNECT ${request.headers['proxy-authorization'] ?? '-'}`);
    if (request.url!.startsWith('refused')) return socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    const [host, port] = request.url!.split(':');
    const far = connect({ host: host!, port: Number(port) }, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      join(socket, far);
    });
  });
  return server;
}

/** Takes a user and a password, and speaks in as small pieces as it can. */
function socksProxy(): Server {
  return createTcpServer((socket) => {
    let step = 0;
    socket.on('data', function take(data: Buffer) {
      if (step === 0) socket.write(Buffer.from([5]), () => socket.write(Buffer.from([2])));
      else if (step === 1) {
        seen.push(`SOCKS ${data.subarray(2, 2 + data[1]!).toString()}`);
        socket.write(Buffer.from([1, 0]));
      } else {
        socket.off('data', take);
        const far = connect({ host: '127.0.0.1', port: data.readUInt16BE(data.length - 2) }, () => {
          socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
          join(socket, far);
        });
      }
      step++;
    });
  });
}

beforeAll(async () => {
  const authority = await createAuthority('test', { now: Date.now() });
  const serving = await issueCertificate(authority, { commonName: 'server', addresses: ['127.0.0.1'], usages: ['server auth'], days: 1, now: Date.now() });
  const api = createServer({ cert: serving.certificate, key: serving.key }, (request, response) => {
    if (!request.url!.includes('watch=')) return response.end(JSON.stringify({ kind: 'Pod', metadata: { name: request.url } }));
    response.write(`${JSON.stringify({ type: 'ADDED', object: { metadata: { name: 'seen' } } })}\n`);
  });
  const upgrades = new WebSocketServer({ server: api });
  upgrades.on('connection', (socket, request) => socket.send(`hello ${request.url} ${request.headers.authorization}`));
  const plain = createHttpServer((request, response) => void response.end(JSON.stringify({ kind: 'Pod', metadata: { name: request.url } })));
  ports = { api: await listen(api), plain: await listen(plain), http: await listen(httpProxy()), socks: await listen(socksProxy()) };
  options = { server: `https://127.0.0.1:${ports.api}/base`, ca: authority.certificate, token: 't', userAgent: 'test' };
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers) await new Promise((resolve) => void server.close(resolve));
});

test.each([
  ['http', (p: typeof ports) => `http://me:secret@127.0.0.1:${p.http}`, `CONNECT Basic ${Buffer.from('me:secret').toString('base64')}`],
  ['socks5', (p: typeof ports) => `socks5://me:secret@127.0.0.1:${p.socks}`, 'SOCKS me'],
] as const)('requests, watches and upgrades go through a proxy that speaks %s', async (_kind, proxy, noted) => {
  const through = { ...options, proxy: proxy(ports) };
  using client = createHttpClient(through);
  const from = seen.length;
  expect((await client.get(pods, { namespace: 'n', name: 'p' })).metadata.name).toBe('/base/api/v1/namespaces/n/pods/p');
  const abort = new AbortController();
  for await (const event of await client.watch(pods, { signal: abort.signal })) {
    expect(event.object.metadata.name).toBe('seen');
    abort.abort();
  }
  const { url, settings } = socketTarget(through, '/api/v1/x');
  const socket = new WebSocket(url, settings);
  expect(await new Promise((resolve, reject) => socket.on('message', (data: Buffer) => resolve(data.toString())).on('error', reject))).toBe('hello /base/api/v1/x Bearer t');
  socket.terminate();
  expect(seen.slice(from)).toEqual([noted, noted, noted]);
});

test('a proxy is asked for plain HTTP by the whole URL', async () => {
  using client = createHttpClient({ server: `http://127.0.0.1:${ports.plain}`, proxy: `http://127.0.0.1:${ports.http}`, userAgent: 'test' });
  expect((await client.get(pods, { namespace: 'n', name: 'p' })).metadata.name).toBe('/api/v1/namespaces/n/pods/p');
  expect(seen.at(-1)).toBe('GET /api/v1/namespaces/n/pods/p -');
});

test('what a proxy refuses, or that there is none, is told', async () => {
  using refused = createHttpClient({ ...options, server: 'https://refused:443', proxy: `http://127.0.0.1:${ports.http}` });
  await expect(refused.get(pods, { namespace: 'n', name: 'p' })).rejects.toThrow('Unable to connect to the server: Forbidden');
  using absent = createHttpClient({ ...options, proxy: 'http://127.0.0.1:1' });
  await expect(absent.get(pods, { namespace: 'n', name: 'p' })).rejects.toThrow('was refused');
});

test.each([
  ['https://api.example:6443', { HTTPS_PROXY: 'http://p:1' }, 'http://p:1'],
  ['https://api.example:6443', { https_proxy: 'p:1' }, 'http://p:1'],
  ['http://api.example', { HTTPS_PROXY: 'http://p:1' }, undefined],
  ['https://127.0.0.1:6443', { HTTPS_PROXY: 'http://p:1' }, undefined],
  ['https://localhost', { HTTPS_PROXY: 'http://p:1' }, undefined],
  ['https://api.example', { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'other, .example' }, undefined],
  ['https://api.example', { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'api.example:6443' }, 'http://p:1'],
  ['https://10.1.2.3', { HTTPS_PROXY: 'http://p:1', NO_PROXY: '10.0.0.0/8' }, undefined],
  ['https://11.1.2.3', { HTTPS_PROXY: 'http://p:1', NO_PROXY: '10.0.0.0/8' }, 'http://p:1'],
])('to %s with %j through %s', (server, env, expected) => expect(proxyOfEnvironment(env, new URL(server))).toBe(expected));
