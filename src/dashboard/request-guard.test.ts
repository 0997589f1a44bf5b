import { expect, test } from 'vitest';
import { isClusterPath, refusalOf, refusalOfPath } from './request-guard.ts';

const own = { host: '127.0.0.1:9000' };
const page = { ...own, origin: 'http://127.0.0.1:9000', 'sec-fetch-site': 'same-origin' };

test.each([
  ['the page reads', 'GET', '/api/v1/pods', own, false, undefined],
  [
    'the page reads, in a browser that says where from',
    'GET',
    '/api/v1/pods',
    { ...own, 'sec-fetch-site': 'same-origin' },
    false,
    undefined,
  ],
  ['the page writes', 'PATCH', '/api/v1/pods/x', page, false, undefined],
  [
    'the page writes at the other name',
    'POST',
    '/api/v1/pods',
    { host: 'localhost:9000', origin: 'http://localhost:9000' },
    false,
    undefined,
  ],
  ['the page opens a WebSocket', 'GET', '/live', page, true, undefined],
  [
    'the address is typed in',
    'GET',
    '/login?token=x',
    { ...own, 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
    false,
    undefined,
  ],
  [
    'the address is clicked elsewhere',
    'GET',
    '/login?token=x',
    { ...own, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
    false,
    undefined,
  ],
  ['a foreign name resolves to us', 'GET', '/', { host: 'evil.example:9000' }, false, 421],
  ['a name that begins like ours', 'GET', '/', { host: '127.0.0.1:9000.evil.example' }, false, 421],
  ['another port', 'GET', '/', { host: '127.0.0.1:9001' }, false, 421],
  ['no host', 'GET', '/', {}, false, 421],
  ['another site writes', 'POST', '/api/v1/pods', { ...own, origin: 'https://evil.example' }, false, 403],
  [
    'another local server writes',
    'POST',
    '/api/v1/pods',
    { ...own, origin: 'http://127.0.0.1:3000', 'sec-fetch-site': 'same-site' },
    false,
    403,
  ],
  ['a sandboxed page writes', 'DELETE', '/api/v1/pods/x', { ...own, origin: 'null' }, false, 403],
  ['our page at the other name writes', 'POST', '/api/v1/pods', { ...own, origin: 'http://localhost:9000' }, false, 403],
  ['somebody writes who does not say where from', 'DELETE', '/api/v1/pods/x', own, false, 403],
  ['another site opens a WebSocket', 'GET', '/api/v1/namespaces/a/pods/b/exec', { ...own, origin: 'https://evil.example' }, true, 403],
  ['a WebSocket does not say where from', 'GET', '/live', own, true, 403],
  [
    'another local server reads',
    'GET',
    '/api/v1/secrets',
    { ...own, 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' },
    false,
    403,
  ],
  [
    'another site opens an API path as a page',
    'GET',
    '/api/v1/pods',
    { ...own, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
    false,
    403,
  ],
  [
    'another site frames the page',
    'GET',
    '/',
    { ...own, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
    false,
    403,
  ],
] as const)('%s', (_what, method, url, headers, upgrade, status) => {
  expect(refusalOf({ method, url, headers, upgrade }, 9000)?.status).toBe(status);
});

test.each([
  ['/api/v1/namespaces/default/pods/web/log?follow=true', undefined],
  ['/api/v1/namespaces/proxy/pods', undefined],
  ['/apis/apps/v1/namespaces/default/deployments/proxy/scale', undefined],
  ['/api/v1/namespaces/default/pods/proxy', undefined],
  ['/api/v1/namespaces/default/pods/web/proxy/', 403],
  ['/api/v1/namespaces/default/services/web:80/proxy/index.html', 403],
  ['/api/v1/namespaces/default/pods/web/%70roxy/', 403],
  ['/api/v1/nodes/boat/proxy/logs/', 403],
  ['/api/../metrics', 400],
  ['/api/%2e%2e/metrics', 400],
  ['/api/v1/namespaces/a%2Fb/pods', 400],
  ['/api/%zz', 400],
])('%s', (url, status) => {
  expect(refusalOfPath(url)?.status).toBe(status);
});

test('only the API passes', () => {
  expect(
    ['/api', '/api/v1', '/apis/apps/v1', '/version', '/openapi/v3', '/healthz?verbose', '/wherry/v1/ledger'].every(isClusterPath),
  ).toBe(true);
  expect(['/', '/live', '/why', '/apiary', '/versions', '/metrics', '/debug/pprof', '/logs/'].some(isClusterPath)).toBe(false);
});
