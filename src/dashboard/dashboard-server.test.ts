import { once } from 'node:events';
import { request, type IncomingHttpHeaders } from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { pods } from '../api/generated/resources.ts';
import { systemClock } from '../base/clock.ts';
import { silentLog } from '../base/log.ts';
import { systemRandom } from '../base/random.ts';
import { createHttpClient, type HttpClient } from '../client/http-client.ts';
import { startTestHttpsApiServer } from '../testing/api-server.ts';
import { startDashboard, type Dashboard } from './dashboard-server.ts';
import { isForeign } from '../why/is-foreign.ts';
import type { Actions, Course } from './background/step.ts';
import type { Frame } from './rows/row.ts';

/** As long as a busy machine needs. */
const poll: typeof expect.poll = (look, options) => expect.poll(look, { timeout: 20_000, ...options });

let api: Awaited<ReturnType<typeof startTestHttpsApiServer>>;
let dashboard: Dashboard;
let cookie: string;
const stack = new AsyncDisposableStack();

beforeAll(async () => {
  api = stack.use(await startTestHttpsApiServer());
  const { url, authority, admin } = api.https;
  const http = stack.use(createHttpClient({ server: url, ca: authority, ...admin, userAgent: 'wherry-dashboard' }));
  const page = new Map([
    ['index.html', Buffer.from('<p>the page</p>')],
    ['page-1.js', Buffer.from('1')],
  ]);
  dashboard = stack.use(
    await startDashboard({
      http,
      contextName: 'test',
      namespace: 'default',
      port: 0,
      page,
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
    }),
  );
  const answer = await ask('GET', new URL(dashboard.invite()).pathname + new URL(dashboard.invite()).search);
  cookie = answer.headers['set-cookie']![0]!.split(';')[0]!;
});
afterAll(() => stack.disposeAsync());

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

function ask(method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port: dashboard.port, method, path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks).toString() }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const origin = (): string => `http://127.0.0.1:${dashboard.port}`;
const newPod = (name: string): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers: [{ name: 'c', image: 'i' }] } });

test('the address logs in once, by a cookie that scripts and other sites do not get', async () => {
  const { pathname, search } = new URL(dashboard.invite());
  const first = await ask('GET', pathname + search);
  expect(first.status).toBe(200);
  expect(first.headers['set-cookie']).toEqual([
    expect.stringMatching(new RegExp(`^wherry-dashboard-${dashboard.port}=[\\w-]{43}; Path=/; HttpOnly; SameSite=Strict$`)),
  ]);
  const second = await ask('GET', pathname + search);
  expect(second.status).toBe(401);
  expect(second.headers['set-cookie']).toBeUndefined();
  expect(second.body).toContain('wherry dashboard');
});

test('a browser that fetches ahead does not use the address up', async () => {
  const { pathname, search } = new URL(dashboard.invite());
  expect((await ask('GET', pathname + search, { 'sec-purpose': 'prefetch' })).headers['set-cookie']).toBeUndefined();
  expect((await ask('GET', pathname + search)).headers['set-cookie']).toHaveLength(1);
});

test.each([
  '/',
  '/page-1.js',
  '/api/v1/pods',
  '/version',
  '/why?path=/api/v1/namespaces/default',
  '/background',
  '/logs?source=default/a/b',
  '/forwards',
  '/tunnel',
])('without a session %s is not shown', async (path) => {
  for (const headers of [{}, { cookie: `wherry-dashboard-${dashboard.port}=guess` }, { authorization: 'Bearer x' }])
    expect((await ask('GET', path, headers as Record<string, string>)).status).toBe(401);
});

test('with a session the page comes, with scripts of its own only', async () => {
  const { status, headers, body } = await ask('GET', '/', { cookie });
  expect([status, body]).toEqual([200, '<p>the page</p>']);
  expect(headers['content-security-policy']).toContain("script-src 'self';");
  expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
  expect(headers['access-control-allow-origin']).toBeUndefined();
});

test('the API is used as the user of the kubeconfig, whatever the request claims', async () => {
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
  const { status, headers, body } = await ask(
    'POST',
    '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    { cookie, origin: origin(), 'content-type': 'application/json', authorization: 'Bearer x', 'impersonate-user': 'somebody' },
    JSON.stringify(review),
  );
  expect(status).toBe(201);
  expect(JSON.parse(body).status.userInfo.username).toBe('kubernetes-admin');
  expect(headers['content-security-policy']).toContain('sandbox');
});

test('the page is told whose cluster it is: on another Kubernetes no tunnel of ours helps', async () => {
  expect(JSON.parse((await ask('GET', '/tunnel', { cookie })).body)).toEqual({ possible: false, open: false, foreign: false });
  const answering = (compiler: string): HttpClient => ({ raw: async () => ({ body: Buffer.from(JSON.stringify({ compiler })) }) }) as unknown as HttpClient;
  expect([await isForeign(answering('gc')), await isForeign(answering('node'))]).toEqual([true, false]);
});

test('another origin changes nothing, though it came with the cookie', async () => {
  for (const foreign of ['https://evil.example', `http://127.0.0.1:${dashboard.port + 1}`, 'null']) {
    expect(
      (await ask('POST', '/api/v1/namespaces/default/pods', { cookie, origin: foreign, 'content-type': 'text/plain' }, newPod('evil')))
        .status,
    ).toBe(403);
  }
  expect((await ask('GET', '/api/v1/secrets', { cookie, host: `evil.example:${dashboard.port}` })).status).toBe(421);
  await expect(api.admin.get(pods, { namespace: 'default', name: 'evil' })).rejects.toThrow('not found');
});

test('what the background view is made of: actions, and the course of one', async () => {
  const made = await ask(
    'POST',
    '/api/v1/namespaces/default/pods',
    { cookie, origin: origin(), 'content-type': 'application/json' },
    newPod('watched'),
  );
  expect(made.status).toBe(201);
  const { body } = await ask('GET', '/background', { cookie });
  const [action] = (JSON.parse(body) as Actions).actions;
  expect(action).toMatchObject({
    first: { station: 'client', you: true, act: 'create', kind: 'Pod', name: 'watched', did: 'made the pod watched, of i' },
    steps: 1,
    failed: false,
  });
  const course = JSON.parse((await ask('GET', `/background?course=${action!.revision}`, { cookie })).body) as Course;
  expect(course.steps.map(({ id }) => id)).toEqual([action!.first.id]);
  const ofObject = JSON.parse((await ask('GET', '/background?path=/api/v1/namespaces/default/pods/watched', { cookie })).body) as Course;
  expect(ofObject.steps[0]).toEqual(action!.first);
  expect((await ask('GET', '/background?path=/why', { cookie })).status).toBe(422);
});

test('a port of a pod is opened for our own page only, and where our cookie does not go', async () => {
  const query = '/forwards?namespace=default&pod=watched&port=8080';
  for (const headers of [{ cookie }, { cookie, origin: 'https://evil.example' }] as Record<string, string>[])
    expect((await ask('POST', query, headers)).status).toBe(403);
  expect((await ask('POST', '/forwards?namespace=default&pod=../x&port=1', { cookie, origin: origin() })).status).toBe(422);
  const opened = JSON.parse((await ask('POST', query, { cookie, origin: origin() })).body) as { readonly address: string };
  expect(new URL(opened.address).hostname).toBe('127.0.0.2');
  expect(JSON.parse((await ask('GET', '/forwards', { cookie })).body)).toEqual([
    { namespace: 'default', pod: 'watched', port: 8080, address: opened.address },
  ]);
  expect((await ask('DELETE', query, { cookie, origin: origin() })).status).toBe(200);
  await expect(fetch(opened.address)).rejects.toThrow();
});

test('a WebSocket of another origin, or without a session, is refused', async () => {
  const statusOf = async (headers: Record<string, string>): Promise<number> => {
    const socket = new WebSocket(`ws://127.0.0.1:${dashboard.port}/live`, { headers });
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { readonly statusCode: number }];
    socket.on('error', () => {
      /* It was never opened. */
    });
    socket.terminate();
    return response.statusCode;
  };
  expect(await statusOf({ cookie, origin: 'https://evil.example' })).toBe(403);
  expect(await statusOf({ cookie })).toBe(403);
  expect(await statusOf({ origin: origin() })).toBe(401);
});

test('the live connection tells what is there, then what changes', async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${dashboard.port}/live`, { headers: { cookie, origin: origin() } });
  const names = new Set<string>();
  const synced = new Set<string>();
  socket.on('message', (data: Buffer) => {
    const frame = JSON.parse(data.toString()) as Frame;
    for (const { name } of frame.put?.pods ?? []) names.add(name);
    for (const id of frame.drop?.pods ?? []) names.delete(id.split('/')[1]!);
    for (const table of frame.synced ?? []) synced.add(table);
  });
  await poll(() => synced.has('pods')).toBe(true);
  const made = await ask(
    'POST',
    '/api/v1/namespaces/default/pods',
    { cookie, origin: origin(), 'content-type': 'application/json' },
    newPod('live'),
  );
  expect(made.status).toBe(201);
  await poll(() => names.has('live')).toBe(true);
  expect((await ask('DELETE', '/api/v1/namespaces/default/pods/live', { cookie, origin: origin() })).status).toBe(200);
  await poll(() => names.has('live')).toBe(false);
  socket.close();
  await once(socket, 'close');
});

/** The last that a page was told of each table's problem. */
async function watchProblems(of: Dashboard): Promise<{ readonly problems: Map<string, string | null>; close(): void }> {
  const { pathname, search } = new URL(of.invite());
  const host = `127.0.0.1:${of.port}`;
  const login = await fetch(`http://${host}${pathname}${search}`);
  const socket = new WebSocket(`ws://${host}/live`, {
    headers: { cookie: login.headers.getSetCookie()[0]!.split(';')[0]!, origin: `http://${host}` },
  });
  const problems = new Map<string, string | null>();
  socket.on('message', (data: Buffer) => {
    for (const [table, problem] of Object.entries((JSON.parse(data.toString()) as Frame).problems ?? {})) problems.set(table, problem);
  });
  await once(socket, 'open');
  return { problems, close: () => socket.terminate() };
}

test('who may not see something is told so', async () => {
  const { url, authority, certificateFor } = api.https;
  using http = createHttpClient({
    server: url,
    ca: authority,
    ...(await certificateFor({ name: 'guest', groups: [] })),
    userAgent: 'wherry-dashboard',
  });
  await using guest = await startDashboard({
    http,
    contextName: 'guest',
    namespace: 'default',
    port: 0,
    page: new Map(),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  });
  const { problems, close } = await watchProblems(guest);
  await poll(() => problems.get('pods')).toContain('User "guest" cannot list resource "pods"');
  close();
});

test('a cluster that goes away is told of, and so is its return', async () => {
  let alive = true;
  const behind = new URL(api.https.url);
  // What stands between us and the cluster, and can be cut.
  const between = createServer((near) => {
    if (!alive) return void near.destroy();
    const far = connect(Number(behind.port), behind.hostname);
    near.pipe(far).pipe(near);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const)
      one.on('error', () => other.destroy()).on('close', () => other.destroy());
    sockets.add(near);
  });
  const sockets = new Set<Socket>();
  between.listen(0, '127.0.0.1');
  await once(between, 'listening');
  using http = createHttpClient({
    server: `https://127.0.0.1:${(between.address() as AddressInfo).port}`,
    ca: api.https.authority,
    ...api.https.admin,
    userAgent: 'wherry-dashboard',
  });
  {
    await using other = await startDashboard({
      http,
      contextName: 'far',
      namespace: 'default',
      port: 0,
      page: new Map(),
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
    });
    const { problems, close } = await watchProblems(other);
    await poll(() => problems.get('pods')).toBeNull();
    alive = false;
    for (const socket of sockets) socket.destroy();
    await poll(() => problems.get('pods'), { timeout: 5000 }).toBeTypeOf('string');
    alive = true;
    await poll(() => problems.get('pods'), { timeout: 10_000 }).toBeNull();
    close();
  }
  between.close();
});

test('a dashboard ends although a WebSocket to the cluster is open', async () => {
  const { url, authority, admin } = api.https;
  using http = createHttpClient({ server: url, ca: authority, ...admin, userAgent: 'wherry-dashboard' });
  const other = await startDashboard({
    http,
    contextName: 'short',
    namespace: 'default',
    port: 0,
    page: new Map(),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  });
  const host = `127.0.0.1:${other.port}`;
  const login = await fetch(other.invite());
  const socket = new WebSocket(`ws://${host}/api/v1/namespaces?watch=true`, {
    headers: { cookie: login.headers.getSetCookie()[0]!.split(';')[0]!, origin: `http://${host}` },
  });
  const [event] = (await once(socket, 'message')) as [Buffer];
  expect(JSON.parse(event.toString())).toMatchObject({ type: 'ADDED' });
  const closed = once(socket, 'close');
  await other[Symbol.asyncDispose]();
  await closed;
}, 5000);

test('a watch streams through', async () => {
  const events = new Promise<string>((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port: dashboard.port, path: '/api/v1/namespaces?watch=true', headers: { cookie } },
      (response) =>
        response.once('data', (chunk: Buffer) => {
          resolve(chunk.toString());
          sent.destroy();
        }),
    );
    sent.on('error', (error) => {
      if (!sent.destroyed) reject(error);
    });
    sent.end();
  });
  expect(JSON.parse((await events).split('\n')[0]!)).toMatchObject({ type: 'ADDED', object: { kind: 'Namespace' } });
});
