import { gzipSync } from 'node:zlib';
import { builtInResources } from '../../src/api/resources.ts';
import { PATIENCE_MS, type Arena, type Attack, type Received, type Sent } from './attack.ts';
import { RawConnection } from './raw-connection.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const JSON_TYPE = { 'content-type': 'application/json' };
const MERGE = { 'content-type': 'application/merge-patch+json' };
const STRATEGIC = { 'content-type': 'application/strategic-merge-patch+json' };
const JSON_PATCH = { 'content-type': 'application/json-patch+json' };
const YAML = { 'content-type': 'application/yaml' };
const APPLY = { 'content-type': 'application/apply-patch+yaml' };
const PROTOBUF = { 'content-type': 'application/vnd.kubernetes.protobuf' };

/** Sends, and takes only the codes for what the client did wrong (or right). */
async function expect4xx(arena: Arena, request: Sent, allowed: (status: number) => boolean = (status) => status >= 400 && status < 500): Promise<Received> {
  const answer = await arena.send(request);
  if (!allowed(answer.status) && !AS_UPSTREAM.test(answer.body)) arena.wrong(`${request.method ?? 'GET'} ${request.path.slice(0, 100)} ${String(request.body ?? '').slice(0, 100)}: ${answer.status} ${answer.body.slice(0, 200)}`);
  return answer;
}
const served = (status: number): boolean => status >= 200 && status < 500;

/** Upstream answers these with a 500, and clients know its words: an applied object that does not fit its type, a directive of a strategic merge that there is not. */
const AS_UPSTREAM = /failed to create typed patch object|unknown patch type/;

const configMap = (name: string, data: object = {}): string => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data });
const garbage = (arena: Arena, length: number): Buffer => Buffer.from(Array.from({ length }, () => arena.pick(256)));

/** Any JSON value, often one that is at an edge of something. */
export function anyValue(arena: Arena, depth = 0): unknown {
  const edges: readonly unknown[] = [
    null, true, false, 0, -1, 1.5, 2 ** 31, 2 ** 53, -(2 ** 63), 1e308, '', ' ', 'a', '\0', '\ud800', 'é'.repeat(300), '__proto__', '0x', '1e9', '10Gi', '-1', '9999999999999999999999', '2026-99-99T99:99:99Z', '../..', '{{.}}', '${x}', '*', 'a/b/c',
    '(a+)+$', '%00', 'A'.repeat(arena.pick(5000)), [], {},
  ];
  const kind = arena.pick(depth > 4 ? 6 : 10);
  if (kind < 6) return arena.one(edges);
  if (kind < 8) return Array.from({ length: arena.pick(4) }, () => anyValue(arena, depth + 1));
  return Object.fromEntries(Array.from({ length: arena.pick(5) }, () => [arena.one(NAMES), anyValue(arena, depth + 1)]));
}

const NAMES = [
  'metadata', 'spec', 'status', 'name', 'namespace', 'labels', 'annotations', 'containers', 'template', 'selector', 'matchLabels', 'matchExpressions', 'key', 'operator', 'values', 'rules', 'ports', 'image', 'env', 'resources', 'limits', 'requests', 'data', 'kind',
  'apiVersion', 'ownerReferences', 'finalizers', 'managedFields', 'fieldsV1', 'replicas', 'type', 'volumes', 'items', '__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '$patch', '$retainKeys', '$deleteFromPrimitiveList/finalizers', '$setElementOrder/containers', '',
];

const deepJson: Attack = {
  name: 'deep JSON',
  async run(arena) {
    const depth = 10 ** (2 + arena.pick(4));
    const expected = depth > 500 ? undefined : served;
    const [open, close] = arena.one([['[', ']'], ['{"a":', '}'], ['{"spec":[', ']}']]);
    const body = `${open.repeat(depth)}1${close.repeat(depth)}`;
    const wrapped = arena.one([body, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"deep"},"data":${body}}`, `{"metadata":{"name":"deep","annotations":${body}}}`]);
    await expect4xx(arena, arena.one<Sent>([
      { method: 'POST', path: CONFIG_MAPS, headers: JSON_TYPE, body: wrapped }, { method: 'PATCH', path: `${CONFIG_MAPS}/target`, headers: arena.one([MERGE, STRATEGIC, JSON_PATCH, APPLY]), body: wrapped },
      { method: 'POST', path: `${CONFIG_MAPS}?fieldValidation=Strict`, headers: JSON_TYPE, body: wrapped }, { method: 'POST', path: '/apis/fuzz.example.com/v1/namespaces/default/things', headers: JSON_TYPE, body: wrapped },
      { method: 'DELETE', path: `${CONFIG_MAPS}/nothing`, headers: JSON_TYPE, body: wrapped },
    ]), expected);
  },
};

const prototypeKeys: Attack = {
  name: 'prototype keys',
  async run(arena) {
    const key = arena.one(['__proto__', 'constructor', 'prototype']);
    const name = `proto-${arena.pick(1e6)}`;
    const data = `{"${key}":{"polluted":"yes"}}`;
    await expect4xx(arena, { method: 'POST', path: CONFIG_MAPS, headers: JSON_TYPE, body: `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"${name}","labels":${data}},"data":${data},"${key}":{"polluted":"yes"}}` }, served);
    await expect4xx(arena, { method: 'PATCH', path: `${CONFIG_MAPS}/target`, headers: arena.one([MERGE, STRATEGIC]), body: `{"${key}":{"polluted":"yes"},"metadata":${data},"data":{"${key}":"polluted"}}` }, served);
    await expect4xx(arena, { method: 'PATCH', path: `${CONFIG_MAPS}/target`, headers: JSON_PATCH, body: JSON.stringify([{ op: 'add', path: `/${key}/polluted`, value: 'yes' }, { op: 'add', path: `/metadata/labels/${key}`, value: 'x' }]) }, served);
    await expect4xx(arena, { method: 'PATCH', path: `${CONFIG_MAPS}/applied?fieldManager=fuzz&force=true`, headers: APPLY, body: `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"applied","labels":${data}},"data":{"${key}":"x"}}` }, served);
    await expect4xx(arena, { path: arena.one([`/${key}`, `/api/v1/${key}`, `/apis/${key}/v1/${key}`, `/api/v1/namespaces/${key}/${key}/${key}`, `${CONFIG_MAPS}?labelSelector=${key}%3Da&fieldSelector=${key}%3Da`]) }, served);
  },
};

const patterns: Attack = {
  name: 'catastrophic patterns',
  async run(arena) {
    const name = `thing-${arena.pick(1e6)}`;
    await expect4xx(arena, { method: 'POST', path: '/apis/fuzz.example.com/v1/namespaces/default/things', headers: JSON_TYPE, body: JSON.stringify({ apiVersion: 'fuzz.example.com/v1', kind: 'Thing', metadata: { name }, spec: { pattern: `${'a'.repeat(1000 + arena.pick(20_000))}!`, cel: `${'a'.repeat(1000)}!` } }) });
    const selector = arena.one([`${'a,'.repeat(5000)}b`, `a in (${'b,'.repeat(20_000)}c)`, `${'!'.repeat(1000)}a`, `a=${'b'.repeat(10_000)}`, '('.repeat(5000), `x notin (${','.repeat(5000)})`]);
    await expect4xx(arena, { path: `${CONFIG_MAPS}?${arena.one(['labelSelector', 'fieldSelector'])}=${encodeURIComponent(selector).slice(0, 12_000)}` }, served);
    const quantity = arena.one([`${'9'.repeat(10_000)}Gi`, `1e${'9'.repeat(1000)}`, `0.${'0'.repeat(10_000)}1`, `${'1'.repeat(5000)}.${'1'.repeat(5000)}`]);
    await expect4xx(arena, { method: 'POST', path: '/api/v1/namespaces/default/resourcequotas', headers: JSON_TYPE, body: JSON.stringify({ metadata: { name: `q-${arena.pick(1e6)}` }, spec: { hard: { cpu: quantity } } }) }, served);
    const schedule = arena.one(['* '.repeat(2000), `${'*/'.repeat(1000)}1`, '0-59/1,'.repeat(3000), '@every 1ns', 'TZ=../../etc/passwd * * * * *']);
    await expect4xx(arena, { method: 'POST', path: '/apis/batch/v1/namespaces/default/cronjobs', headers: JSON_TYPE, body: JSON.stringify({ metadata: { name: 'c' }, spec: { schedule, jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'c' }] } } } } } }) }, served);
  },
};

const hugePatches: Attack = {
  name: 'huge patches',
  async run(arena) {
    const many = 1000 + arena.pick(20_000);
    const operations = arena.one([
      Array.from({ length: many }, (_, i) => ({ op: 'add', path: `/data/k${i}`, value: 'v' })), Array.from({ length: many }, () => ({ op: 'test', path: '/data', value: {} })),
      // Each copies all that there is into itself: twice as much every time.
      [{ op: 'add', path: '/data/a', value: 'x'.repeat(1000) }, ...Array.from({ length: 60 }, (_, i) => ({ op: 'copy', from: '/data', path: `/data/c${i}` }))],
      [{ op: 'add', path: '/metadata/annotations', value: { a: 'x' } }, ...Array.from({ length: 60 }, (_, i) => ({ op: 'copy', from: '', path: `/metadata/annotations/c${i}` }))],
      [{ op: 'move', from: '', path: '/data/x' }], [{ op: 'add', path: `/data${'/a'.repeat(5000)}`, value: 1 }], [{ op: 'remove', path: '' }], [{ op: 'replace', path: '', value: anyValue(arena) }], [{ op: 'add', path: '/metadata/finalizers/-', value: 1 }], anyValue(arena),
    ]);
    await expect4xx(arena, { method: 'PATCH', path: `${CONFIG_MAPS}/target`, headers: JSON_PATCH, body: JSON.stringify(operations) }, served);
    const merge = Object.fromEntries(Array.from({ length: many }, (_, i) => [`k${i}`, arena.one<unknown>(['v', null, {}, 1])]));
    await expect4xx(arena, { method: 'PATCH', path: `${CONFIG_MAPS}/target`, headers: arena.one([MERGE, STRATEGIC]), body: JSON.stringify({ data: merge, metadata: { managedFields: anyValue(arena), ownerReferences: anyValue(arena) } }) }, served);
    await expect4xx(arena, { method: 'PATCH', path: `${CONFIG_MAPS}/applied?fieldManager=${arena.one(['fuzz', 'x'.repeat(200), ''])}&force=true`, headers: APPLY, body: JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied', managedFields: anyValue(arena) }, data: merge }) }, served);
    const body = configMap('large', { a: 'x'.repeat(arena.one([1024 * 1024, 4 * 1024 * 1024, 10 * 1024 * 1024])) });
    await expect4xx(arena, { method: 'POST', path: CONFIG_MAPS, headers: JSON_TYPE, body }, served);
  },
};

const bombs: Attack = {
  name: 'bombs',
  async run(arena) {
    const levels = Array.from({ length: 9 + arena.pick(20) }, (_, i) => `a${i}: &a${i} [${i === 0 ? 'x' : Array(10).fill(`*a${i - 1}`).join(', ')}]`).join('\n');
    await expect4xx(arena, { method: 'POST', path: CONFIG_MAPS, headers: YAML, body: `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bomb}\n${levels}\n` });
    await expect4xx(arena, { method: 'PATCH', path: `${CONFIG_MAPS}/applied?fieldManager=fuzz`, headers: APPLY, body: `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: applied}\n${levels}\n` });
    await expect4xx(arena, { method: 'POST', path: CONFIG_MAPS, headers: YAML, body: arena.one([`${'- '.repeat(arena.one([1000, 100_000]))}a`, `${'{a: '.repeat(arena.one([100, 50_000]))}`, '&a [*a]', '!!js/function "x"', '<<: *x', `? ${'['.repeat(10_000)}`, '%YAML 9.9\n---\na', '---\n---\n---\n', '\t\t\t', 'a: &x {<<: *x}', Buffer.from(garbage(arena, 500)).toString('latin1')]) }, served);
    const zipped = gzipSync(Buffer.alloc(20 * 1024 * 1024));
    await expect4xx(arena, { method: 'POST', path: CONFIG_MAPS, headers: { ...JSON_TYPE, 'content-encoding': arena.one(['gzip', 'deflate', 'br', 'zstd', 'gzip, gzip']) }, body: zipped });
    await expect4xx(arena, { path: '/openapi/v2', headers: { 'accept-encoding': `${'gzip,'.repeat(1000)}br`, accept: 'application/json' } }, served);
  },
};

const protobuf: Attack = {
  name: 'protobuf garbage',
  async run(arena) {
    const magic = Buffer.from('k8s\0');
    const varint = (value: number): number[] => (value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))]);
    const field = (number: number, bytes: Uint8Array): Buffer => Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(bytes.length)]), bytes]);
    const typed = field(1, Buffer.concat([field(1, Buffer.from('v1')), field(2, Buffer.from(arena.one(['ConfigMap', 'Pod', 'DeleteOptions', '', '__proto__'])))]));
    let nested: Buffer = garbage(arena, 20);
    for (let i = arena.one([3, 100, 5000]); i > 0 && nested.length < 200_000; i--) nested = field(1 + arena.pick(3), nested);
    const body = Buffer.concat([magic, ...arena.one([
      [garbage(arena, arena.pick(2000))], [typed, field(2, garbage(arena, arena.pick(2000)))], [typed, field(2, nested)], [typed, Buffer.from([0x12, 0xff, 0xff, 0xff, 0xff, 0x7f])], [Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])], [], [typed],
      [typed, field(2, Buffer.alloc(100_000, 0x80))], [typed, field(2, Buffer.alloc(10_000, 0x0b))],
    ])]);
    await expect4xx(arena, { method: 'POST', path: arena.one([CONFIG_MAPS, '/api/v1/namespaces/default/pods', '/apis/apps/v1/namespaces/default/deployments']), headers: { ...PROTOBUF, accept: arena.one(['application/json', 'application/vnd.kubernetes.protobuf', 'application/vnd.kubernetes.protobuf;type=watch']) }, body });
  },
};

const headers: Attack = {
  name: 'header abuse',
  async run(arena) {
    const odd = arena.one<Readonly<Record<string, string>>>([
      { accept: 'application/json;'.repeat(500) }, { accept: `${'*/*;q=0.1,'.repeat(1000)}` }, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,'.repeat(100) }, { accept: `${'a/b,'.repeat(2000)}` }, { accept: 'application/json;as=__proto__' },
      { authorization: `Bearer ${'a.'.repeat(3000)}` }, { authorization: 'Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2t1YmVybmV0ZXMuZGVmYXVsdC5zdmMuY2x1c3Rlci5sb2NhbCJ9.' }, { authorization: 'Bearer [[[' }, { authorization: 'Basic !!!!' }, { authorization: 'Bearer abcdef.0123456789abcdef' },
      { 'impersonate-user': 'a', 'impersonate-extra-%zz': 'x' }, { 'impersonate-group': 'system:masters' }, { 'impersonate-user': 'system:serviceaccount::' }, { 'impersonate-uid': 'x' }, { 'impersonate-user': 'x'.repeat(8000) }, { 'impersonate-user': 'a', 'impersonate-extra-__proto__': 'x' },
      { 'audit-id': 'x'.repeat(8000) }, { 'content-type': `application/json; ${'a=b;'.repeat(2000)}` }, { 'content-type': '__proto__' }, { 'if-none-match': '"x",'.repeat(2000) }, { 'user-agent': '\u00ff'.repeat(2000) }, { 'wherry-cause': '9'.repeat(5000) }, { 'wherry-cause': '1,'.repeat(3000) },
      { 'x-remote-user': 'root', 'x-remote-group': 'system:masters' }, { 'accept-encoding': 'gzip;q=nan' }, { host: 'x'.repeat(3000) }, { expect: '100-continue' }, { expect: '999-nonsense' }, { range: 'bytes=0-0' }, { 'kubectl-command': '\u00e9' },
    ]);
    const as = arena.one(['admin', 'user', 'nobody'] as const);
    await expect4xx(arena, { method: arena.one(['GET', 'POST', 'PATCH', 'DELETE']), path: arena.one([CONFIG_MAPS, `${CONFIG_MAPS}/nothing`, '/apis', '/livez', '/api/v1/pods']), headers: { ...JSON_TYPE, ...odd }, as }, served);
    // More than Node takes: refused before anybody looks at them.
    using raw = await RawConnection.open(arena.server, arena.server.admin);
    await raw.write(`GET /livez HTTP/1.1\r\nHost: x\r\n${arena.one([`X: ${'a'.repeat(100_000)}`, Array.from({ length: 3000 }, (_, i) => `X-${i}: a`).join('\r\n')])}\r\n\r\n`);
    const status = await raw.status(PATIENCE_MS);
    if (status === undefined || status >= 500) arena.wrong(`too many headers: ${status}`);
  },
};

const urls: Attack = {
  name: 'URL abuse',
  async run(arena) {
    const path = arena.one([
      '//', '/../../etc/passwd', '/api/v1/../../livez', '/%', '/%zz', '/%00', '/api/v1/namespaces/%2e%2e/pods/%2f', `/${'a/'.repeat(5000)}`, `/api/v1/namespaces/${'x'.repeat(10_000)}/pods`, '/apis/apps//v1', '/api/v1/pods?watch=maybe', '/api/v1/pods?limit=-1',
      '/api/v1/pods?limit=9999999999999999999999', '/api/v1/pods?limit=NaN', '/api/v1/pods?resourceVersion=-1', '/api/v1/pods?resourceVersion=99999999999999999999', '/api/v1/pods?resourceVersion=x', '/api/v1/pods?continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6LTEsInN0YXJ0IjoiLi4vLi4ifQ',
      '/api/v1/pods?continue=!!!', '/api/v1/pods?continue=bnVsbA', `/api/v1/pods?${'a=b&'.repeat(3000)}`, '/api/v1/pods?fieldSelector=a%3D%3D%3Db', '/api/v1/pods?fieldSelector=spec.nodeName%3D%5C', '/api/v1/pods?timeoutSeconds=-5&watch=1&timeout=1ms', '/api/v1/pods?timeout=99999999h',
      '/api/v1/pods?resourceVersionMatch=Exact', '/api/v1/namespaces/default/pods/x/log?tailLines=-1', '/api/v1/namespaces/default/pods/x/exec', '/api/v1/namespaces/default/services/x:y:z/proxy/../..', '/api/v1/namespaces/default/pods/%20/proxy', '/api/v1/nodes/x/proxy/exec',
      '/api/v1/watch', '/api/v1/watch/watch/pods', '/openapi/v3/../v2', '/openapi/v3/apis/__proto__', '/openapi/v3?hash=x', '/metrics/../livez', '/livez/etcd/etcd', '/livez?exclude=x&exclude=etcd&verbose', '/debug/api_priority_and_fairness/dump_requests?includeRequestDetails=1',
      '/debug/pprof/profile', `/api/v1/namespaces/default/configmaps/${encodeURIComponent('a/b/../c\0')}`, '/apis/apps/v1/namespaces/default/deployments/x/scale?dryRun=Some', '/api/v1/namespaces/default/configmaps/target?pretty=\u0000', '*', '/.well-known/../openid/v1/jwks', '/api/v1/pods?labelSelector=%ff%fe',
    ]);
    const method = arena.one(['GET', 'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'PURGE']);
    using raw = await RawConnection.open(arena.server, arena.one([arena.server.admin, arena.server.user, undefined]));
    await raw.write(`${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${method === 'GET' ? '' : 'Content-Type: application/json\r\nContent-Length: 2\r\n'}\r\n${method === 'GET' ? '' : '{}'}`);
    const status = await raw.status(PATIENCE_MS);
    // A pod that is not there cannot be reached: 503 is its word for that.
    if (status === undefined || (status >= 500 && status !== 503)) arena.wrong(`${method} ${path.slice(0, 100)}: ${status}`);
  },
};

const framing: Attack = {
  name: 'broken framing',
  async run(arena) {
    using raw = await RawConnection.open(arena.server, arena.server.admin);
    const post = `POST ${CONFIG_MAPS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`;
    await raw.write(arena.one<string | Uint8Array>([
      `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /livez HTTP/1.1\r\n\r\n`, `${post}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}`, `${post}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, `${post}Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
      `${post}Content-Length: -1\r\n\r\n{}`, `${post}Content-Length: 99999999999999999999\r\n\r\n{}`, `${post}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`, `${post}\r\n{}`, 'GET\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '\r\n\r\n\r\n', garbage(arena, 2000),
      `GET /livez HTTP/1.1\r\nHost: x\r\nUpgrade: ${arena.one(['websocket', 'SPDY/3.1', 'h2c', 'x'])}\r\nConnection: Upgrade\r\nSec-WebSocket-Key: !\r\nSec-WebSocket-Version: 99\r\n\r\n`,
      `GET /api/v1/pods?watch=1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n${garbage(arena, 200).toString('latin1')}`,
      `GET /api/v1/namespaces/default/pods/x/exec?command=a HTTP/1.1\r\nHost: x\r\nUpgrade: SPDY/3.1\r\nConnection: Upgrade\r\n\r\n`, 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(200), `CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n`,
    ]));
    const status = await raw.status(1000);
    if (status !== undefined && status >= 500 && status !== 501 && status !== 503 && status !== 505) arena.wrong(`broken framing: ${status}`);
  },
};

const slowBodies: Attack = {
  name: 'slow and aborted requests',
  async run(arena) {
    const connections = await Promise.all(Array.from({ length: Math.min(WAVE, arena.crowd / 4) }, () => RawConnection.open(arena.server, arena.one([arena.server.admin, arena.server.user]))));
    const body = configMap(`slow-${arena.pick(1e6)}`, { a: 'x'.repeat(2000) });
    for (const raw of connections) await raw.write(`${arena.one(['POST', 'PATCH', 'PUT'])} ${CONFIG_MAPS}${arena.one(['', '/target'])} HTTP/1.1\r\nHost: x\r\nContent-Type: ${arena.one(['application/json', 'application/merge-patch+json'])}\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, arena.pick(body.length))}`);
    for (let i = 0; i < 5; i++) for (const raw of connections) await raw.write(arena.one([' ', '{', '"']));
    for (const raw of connections) raw[Symbol.dispose]();
    const aborted = await Promise.all(Array.from({ length: 10 }, () => RawConnection.open(arena.server, arena.server.admin)));
    for (const raw of aborted) void raw.write(arena.one([`GET ${CONFIG_MAPS} HTTP/1.1\r\nHost: x\r\n\r\n`, 'GET /api/v1/pods?watch=1 HTTP/1.1\r\nHost: x\r\n\r\n', 'GET /openapi/v2 HTTP/1.1\r\nHost: x\r\n\r\n', 'GET /apis HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n']).repeat(3));
    for (const raw of aborted) raw[Symbol.dispose]();
  },
};

/** Small objects, of which nobody else makes large ones: a thousand watchers are told each time. */
const WATCHED = '/api/v1/namespaces/kube-public/configmaps';
/** So many connections are opened at once: the system takes few more in before they are accepted. */
const WAVE = 100;

const watches: Attack = {
  name: 'many watches',
  async run(arena) {
    const openOne = async (): Promise<RawConnection> => {
      const raw = await RawConnection.open(arena.server, arena.server.admin);
      await raw.write(`GET ${WATCHED}?${arena.one(['watch=1', 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true', 'watch=1&fieldSelector=metadata.name%3Dtarget', 'watch=1&resourceVersion=1', 'watch=1&resourceVersion=999999999'])} HTTP/1.1\r\nHost: x\r\nAccept: ${arena.one(['application/json', 'application/json;as=Table;v=v1;g=meta.k8s.io', 'application/vnd.kubernetes.protobuf;stream=watch', 'application/yaml'])}\r\n\r\n`);
      return raw;
    };
    const open: RawConnection[] = [];
    while (open.length < arena.crowd) open.push(...(await Promise.all(Array.from({ length: Math.min(WAVE, arena.crowd - open.length) }, openOne))));
    for (let i = 0; i < 20; i++) await expect4xx(arena, { method: 'PATCH', path: `${WATCHED}/target`, headers: MERGE, body: JSON.stringify({ data: { n: String(i), m: 'x'.repeat(1000) } }) }, served);
    const codes = await Promise.all(open.map((raw) => raw.status(PATIENCE_MS)));
    for (const code of codes) if (code === undefined || ![200, 410, 504].includes(code)) arena.wrong(`watch: ${code}`);
    for (const raw of open) raw[Symbol.dispose]();
  },
};

const writable = builtInResources.filter(({ verbs, group }) => verbs.includes('create') && group !== 'admissionregistration.k8s.io' && group !== 'apiregistration.k8s.io');

const brokenObjects: Attack = {
  name: 'broken objects',
  async run(arena) {
    const { group, version, resource, kind, namespaced } = arena.one(writable);
    const root = group ? `/apis/${group}/${version}` : `/api/${version}`;
    const path = `${root}/${namespaced ? 'namespaces/default/' : ''}${resource}`;
    const name = `o-${arena.pick(1e6)}`;
    const object = { apiVersion: group ? `${group}/${version}` : version, kind, metadata: { name, ...(arena.pick(3) === 0 && (anyValue(arena) as object)) }, spec: anyValue(arena), ...(arena.pick(2) === 0 && { [arena.one(NAMES)]: anyValue(arena) }) };
    const query = arena.one(['', '?fieldValidation=Strict', '?dryRun=All', '?fieldManager=%F0%9F%92%A9']);
    const headers = arena.one([JSON_TYPE, JSON_TYPE, YAML]);
    const may = (status: number): boolean => served(status) || status === 503;
    await expect4xx(arena, { method: 'POST', path: path + query, headers, body: arena.pick(10) === 0 ? JSON.stringify(anyValue(arena)) : JSON.stringify(object) }, may);
    await expect4xx(arena, { method: 'PUT', path: `${path}/${name}${query}`, headers, body: JSON.stringify({ ...object, metadata: { name } }) }, may);
    const patch = JSON.stringify(arena.one([{ spec: anyValue(arena), metadata: anyValue(arena) }, anyValue(arena), { [arena.one(NAMES)]: anyValue(arena) }]));
    await expect4xx(arena, { method: 'PATCH', path: `${path}/${name}${arena.one(['', '/status', '/scale'])}`, headers: arena.one([MERGE, STRATEGIC, JSON_PATCH, { ...APPLY }]), body: patch }, may);
    await expect4xx(arena, { path: `${path}?limit=3`, headers: { accept: arena.one(['application/json', 'application/json;as=Table;v=v1;g=meta.k8s.io', 'application/vnd.kubernetes.protobuf', 'application/yaml', 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io']) } }, served);
    await expect4xx(arena, { method: 'DELETE', path: `${path}/${name}`, headers: JSON_TYPE, body: JSON.stringify(anyValue(arena)) }, may);
  },
};

const brokenText: Attack = {
  name: 'broken text',
  async run(arena) {
    const body = arena.one<string | Uint8Array>([
      Buffer.from([0xff, 0xfe, 0x7b, 0x00]), '{"a":1,}', '{"a":"\\ud800"}', '{"a":1}{"b":2}', 'nul', '', ' ', '[]', '"x"', '1', 'null', '\ufeff{}', '{"metadata":{"name":"\u0000"}}', `{"a":${'9'.repeat(100_000)}}`, '{"a":1e999999}', '{"a":-}', '{"metadata":{"name":"a","name":"b"},"metadata":{}}', `{${'"a":1,'.repeat(50_000)}"a":1}`,
      `"${'\\u0000'.repeat(10_000)}"`, garbage(arena, 1000), `{"${'k'.repeat(1_000_000)}":1}`,
    ]);
    await expect4xx(arena, { method: arena.one(['POST', 'PUT', 'PATCH']), path: arena.one([CONFIG_MAPS, `${CONFIG_MAPS}/target`, `${CONFIG_MAPS}/target?fieldValidation=Strict`, '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', '/apis/apps/v1/namespaces/default/deployments/x/scale']), headers: arena.one([JSON_TYPE, MERGE, STRATEGIC, JSON_PATCH, APPLY, YAML]), body }, served);
  },
};

export const attacks: readonly Attack[] = [deepJson, prototypeKeys, patterns, hugePatches, bombs, protobuf, headers, urls, framing, slowBodies, watches, brokenObjects, brokenText];
