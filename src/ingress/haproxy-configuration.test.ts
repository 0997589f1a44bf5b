import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { haproxyConfiguration } from './haproxy-configuration.ts';
import type { Backend, Listener, Routing, Rule } from './routing.ts';

const to = (...names: string[]): Rule['shares'] => names.map((backend, i) => ({ backend, weight: i + 1 }));
const listener = (name: string, port: number, rules: readonly Rule[], more: Partial<Listener> = {}): Listener => ({ name, mode: 'http', binds: [{ port, tls: false }], certificates: [], rules, otherwise: 'nothing', ...more });
const nothing: Backend = { do: 'respond', status: 404, text: "it's not here" };
const written = (routing: Routing): string => haproxyConfiguration(routing, { address: '127.0.0.1', certificateList: () => '/x/list' });
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
