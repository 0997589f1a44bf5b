import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { freePort } from '../testing/free-port.ts';
import { haproxyConfiguration } from './haproxy-configuration.ts';
import { MIRROR_SCRIPT } from './mirror-script.ts';
import type { Backend, Cors, Listener, Routing, Rule } from './routing.ts';

const to = (...names: string[]): Rule['shares'] => names.map((backend, i) => ({ backend, weight: i + 1 }));
const listener = (name: string, port: number, rules: readonly Rule[], more: Partial<Listener> = {}): Listener => ({ name, mode: 'http', binds: [{ port, tls: false }], certificates: [], rules, otherwise: 'nothing', ...more });
const nothing: Backend = { do: 'respond', status: 404, text: "it's not here" };
const written = (routing: Routing): string => haproxyConfiguration(routing, { address: '127.0.0.1', certificateList: () => '/x/list', mirrorScript: () => '/x/mirror.lua' });
const own = (text: string): string[] => text.slice(text.indexOf('frontend')).split('\n').filter((line) => line && !/X-(Forwarded|Real)|set-var\(txn.host\)|forwardfor/.test(line)).map((line) => line.trim());

const HOST = { name: 'a.example', labels: 'any' as const };
const rules: Rule[] = [
  { match: { host: HOST, path: { type: 'exact', value: '/exact' } }, shares: to('web') },
  { match: { host: HOST, path: { type: 'prefix', value: '/api' }, method: 'POST', headers: [{ name: 'X-Kind', value: "it's 100%", regex: false }], query: [{ name: 'q', value: 'a|b', regex: true }] }, shares: to('web', 'other') },
  { match: { host: { name: '*.b.example', labels: 'one' }, path: { type: 'prefix', value: '/' } }, shares: to('web') },
  { match: { host: { name: '*.c.example', labels: 'any' } }, shares: to('moved') },
];
const routing: Routing = {
  listeners: [listener('front', 18_080, rules), listener('through', 18_443, [{ match: { host: HOST }, shares: to('pass') }], { mode: 'tls', otherwise: 'refused' })],
  backends: new Map<string, Backend>([
    ['nothing', nothing], ['refused', { do: 'forward', mode: 'tls', places: [] }], ['pass', { do: 'forward', mode: 'tls', places: [{ address: '10.96.0.9', port: 443 }] }],
    ['web', {
      do: 'forward', mode: 'http', places: [{ address: '10.96.0.1', port: 80 }], timeoutMs: 500, requestHeaders: { set: [['X-Set', "100% of 'it'"]], add: [['X-Add', 'a b']], remove: ['X-Gone'] }, responseHeaders: { set: [['X-Answer', 'yes']], add: [], remove: [] },
      rewrite: { hostname: 'other.example', path: { do: 'replace prefix', prefix: '/api', by: '/v2/' } },
    }],
    ['other', { do: 'forward', mode: 'http', places: [{ address: '10.96.0.2', port: 80 }], http2: true, rewrite: { path: { do: 'replace prefix', prefix: '/api', by: '' } } }],
    ['moved', { do: 'redirect', code: 301, scheme: 'https', hostname: 'new.example', port: 8443, path: { do: 'replace', path: '/100%' } }],
  ]),
};

it('says each condition once, tells what is done to a request, and escapes what has a meaning', () => {
  expect(own(written(routing))).toEqual([
    'frontend front', 'bind 127.0.0.1:18080',
    'acl c0 var(txn.host) -m str a.example', "acl c1 path -m str -- '/exact'", "acl c2 path -m str -- '/api'", "acl c2 path -m beg -- '/api/'", 'acl c3 method POST', `acl c4 req.fhdr(X-Kind) -m str -- 'it'\\''s 100%'`,
    "acl c5 url_param(q),url_dec -m reg -- '^(?:a|b)$'", "acl c6 var(txn.host) -m reg '^[^.]+\\.b\\.example$'", 'acl c7 var(txn.host) -m end .c.example',
    'http-request set-var(txn.lot) rand(3) if c0 c2 c3 c4 c5 !{ var(txn.lot) -m found }',
    'use_backend web if c0 c1', 'use_backend web if c0 c2 c3 c4 c5 { var(txn.lot) -m int lt 1 }', 'use_backend other if c0 c2 c3 c4 c5 { var(txn.lot) -m int lt 3 }', 'use_backend web if c6', 'use_backend moved if c7', 'default_backend nothing',
    'frontend through', 'mode tcp', 'bind 127.0.0.1:18443', 'tcp-request inspect-delay 5s', 'tcp-request content reject unless { req.ssl_hello_type 1 }', 'acl c0 var(txn.host) -m str a.example', 'use_backend pass if c0', 'default_backend refused',
    'backend moved', "http-request set-path '/100%%'", "http-request redirect location 'https://new.example:8443%[pathq]' code 301",
    'backend nothing', `http-request return status 404 content-type text/plain string 'it'\\''s not here'`,
    'backend other', 'http-request set-var(txn.rest) path,bytes(4)', "http-request set-path '%[var(txn.rest)]' if { var(txn.rest) -m len gt 0 }", 'http-request set-path / unless { var(txn.rest) -m len gt 0 }', 'server s0 10.96.0.2:80 proto h2',
    'backend pass', 'mode tcp', 'server s0 10.96.0.9:443', 'backend refused', 'mode tcp', 'tcp-request content reject',
    'backend web', 'timeout server 500ms', `http-request set-header X-Set '100%% of '\\''it'\\'''`, "http-request add-header X-Add 'a b'", 'http-request del-header X-Gone', "http-request set-header Host 'other.example'",
    'http-request set-var(txn.rest) path,bytes(4)', "http-request set-path '/v2%[var(txn.rest)]'", "http-response set-header X-Answer 'yes'", 'server s0 10.96.0.1:80',
  ]);
});

it.runIf(spawnSync('haproxy', ['-v']).status === 0)('is taken by HAProxy, however much a match asks', () => {
  const values = (what: string) => Array.from({ length: 16 }, (_, i) => ({ name: `${what}-${i}`, value: `${i} of "16" 'values' # \\ $HOME`, regex: i % 2 === 1 }));
  const most: Rule = { match: { host: HOST, path: { type: 'regex', value: "/it's/[^ ]+" }, method: 'GET', headers: values('X'), query: values('q') }, shares: to('web', 'other') };
  const folder = mkdtempSync(join(tmpdir(), 'haproxy-'));
  try {
    writeFileSync(join(folder, 'cfg'), written({ ...routing, listeners: [...routing.listeners, listener('most', 18_081, [most])] }));
    const { status, stderr } = spawnSync('haproxy', ['-c', '-f', join(folder, 'cfg')], { encoding: 'utf8' });
    expect([status, stderr.split('\n').filter((line) => /ALERT|WARNING/.test(line))]).toEqual([0, []]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it.runIf(spawnSync('haproxy', ['-v']).status === 0)('answers pages of other origins, and sends copies, as HAProxy does it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'haproxy-'));
  const seen: string[] = [];
  const serve = async (name: string): Promise<{ readonly port: number } & AsyncDisposable> => {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
        seen.push(`${name} ${request.method} ${request.url} ${request.headers.host} ${String(request.headers['x-set'])} ${Buffer.concat(chunks).toString()}`);
        response.writeHead(200, { 'access-control-allow-origin': 'the backend says so' }).end(name);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { port: (server.address() as AddressInfo).port, async [Symbol.asyncDispose]() { server.close(); server.closeAllConnections(); } };
  };
  await using main = await serve('main');
  await using copy = await serve('copy');
  const place = ({ port }: { readonly port: number }) => ({ address: '127.0.0.1', port });
  const cors: Cors = { origins: ['https://a.example', 'https://*.b.example'], methods: ['GET', 'PUT'], headers: ['x-one', 'x-two'], exposed: ['x-three'], maxAgeSeconds: 60, credentials: true };
  const open: Cors = { origins: ['*'], methods: ['*'], headers: ['*'], exposed: [], maxAgeSeconds: 5, credentials: false };
  const under = (value: string, backend: string): Rule => ({ match: { path: { type: 'prefix', value } }, shares: to(backend) });
  const port = await freePort();
  const text = haproxyConfiguration({
    listeners: [listener('front', port, [under('/cors', 'cors'), under('/open', 'open'), under('/copied', 'copied'), under('/never', 'never')])],
    backends: new Map<string, Backend>([
      ['nothing', nothing], ['cors', { do: 'forward', mode: 'http', places: [place(main)], cors }], ['open', { do: 'forward', mode: 'http', places: [place(main)], cors: open }],
      ['copied', { do: 'forward', mode: 'http', places: [place(main)], requestHeaders: { set: [['x-set', 'set']], add: [], remove: [] }, mirrors: [{ place: place(copy), share: [100, 100] }] }],
      ['never', { do: 'forward', mode: 'http', places: [place(main)], mirrors: [{ place: place(copy), share: [0, 100] }, { place: { address: '127.0.0.1', port: 1 }, share: [1, 1] }] }],
    ]),
  }, { address: '127.0.0.1', certificateList: () => '', mirrorScript: () => join(folder, 'mirror.lua') });
  writeFileSync(join(folder, 'mirror.lua'), MIRROR_SCRIPT);
  writeFileSync(join(folder, 'cfg'), text.replace(/^ {2}stats socket .*\n/m, ''));
  const haproxy = spawn('haproxy', ['-db', '-f', join(folder, 'cfg')], { stdio: 'ignore' });
  try {
    const ask = async (path: string, method: string, headers: Record<string, string> = {}, body?: string): Promise<string> => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers, ...(body !== undefined && { body }) });
      const said = [...response.headers].filter(([name]) => name.startsWith('access-control')).map(([name, value]) => `${name.slice('access-control-'.length)}: ${value}`).toSorted();
      return [`${response.status} ${await response.text()}`.trim(), ...said].join(' | ');
    };
    while ((await ask('/', 'GET').catch(() => '')) === '') await new Promise((resolve) => setTimeout(resolve, 20));
    const preflight = (origin: string, method = 'PUT') => ({ origin, 'access-control-request-method': method, 'access-control-request-headers': 'x-one, x-two' });
    const told = 'allow-credentials: true | allow-headers: x-one, x-two | allow-methods: GET, PUT';
    expect(await ask('/cors', 'OPTIONS', preflight('https://a.example'))).toBe(`204 | ${told} | allow-origin: https://a.example | expose-headers: x-three | max-age: 60`);
    expect(await ask('/cors', 'OPTIONS', preflight('https://x.y.b.example'))).toContain('allow-origin: https://x.y.b.example');
    for (const origin of ['https://a.example.org', 'http://a.example', 'https://b.example', 'https://x.b.example:8443']) expect(await ask('/cors', 'OPTIONS', preflight(origin))).toBe('204');
    expect(await ask('/cors', 'GET', { origin: 'https://a.example' })).toBe('200 main | allow-credentials: true | allow-origin: https://a.example | expose-headers: x-three');
    expect(await ask('/cors', 'GET', { origin: 'https://other.example' })).toBe('200 main');
    expect(await ask('/cors', 'GET')).toBe('200 main');
    expect(await ask('/open', 'OPTIONS', preflight('https://any.example:1234', 'PATCH'))).toBe('204 | allow-headers: x-one, x-two | allow-methods: PATCH | allow-origin: https://any.example:1234 | max-age: 5');
    expect(await ask('/open', 'OPTIONS', { origin: 'https://any.example' })).toBe('200 main | allow-origin: https://any.example');
    seen.length = 0;
    expect(await ask('/copied?a=b', 'POST', { 'content-type': 'text/plain' }, 'body')).toBe('200 main | allow-origin: the backend says so');
    while (seen.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(seen.toSorted()).toEqual([`copy POST /copied?a=b 127.0.0.1:${port} set body`, `main POST /copied?a=b 127.0.0.1:${port} set body`]);
    expect(await ask('/never', 'GET')).toContain('200 main');
    expect(await ask('/copied', 'GET')).toContain('200 main');
    while (seen.length < 5) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(seen.slice(2).map((one) => one.split(' ')[0]).toSorted()).toEqual(['copy', 'main', 'main']);
    // Where a copy would not be whole there is none.
    expect(await ask('/copied', 'PUT', {}, 'x'.repeat(100_000))).toContain('200 main');
    expect(await ask('/copied', 'GET')).toContain('200 main');
    while (seen.length < 8) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(seen.slice(5).map((one) => one.split(' ').slice(0, 2).join(' ')).toSorted()).toEqual(['copy GET', 'main GET', 'main PUT']);
  } finally {
    haproxy.kill('SIGKILL');
    await once(haproxy, 'exit');
    rmSync(folder, { recursive: true });
  }
});
