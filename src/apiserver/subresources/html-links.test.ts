import { expect, test } from 'vitest';
import { rewriteLinks } from './html-links.ts';
import { folderOf, splitSchemeNamePort, throughProxy } from './proxies.ts';

test('links of a page lead back through the proxy', () => {
  const from = new URL('http://10.244.1.5:80/dir/page');
  const rewrite = (html: string): string => rewriteLinks(html, (link) => throughProxy(link, from, '/api/v1/namespaces/a/pods/p:80/proxy', 'localhost:8001'));
  const table: readonly [string, string][] = [
    ['<a href="/rewriteme">test</a>', '<a href="/api/v1/namespaces/a/pods/p:80/proxy/rewriteme">test</a>'],
    ["<A class=x HREF='/q?a=1&amp;b=2#c'>", '<A class=x HREF="/api/v1/namespaces/a/pods/p:80/proxy/q?a=1&amp;b=2#c">'],
    ['<img src=/i.png alt="/not/this">', '<img src="/api/v1/namespaces/a/pods/p:80/proxy/i.png" alt="/not/this">'],
    ['<a href="relative">', '<a href="relative">'],
    ['<a href="http://10.244.1.5:80/x">', '<a href="/api/v1/namespaces/a/pods/p:80/proxy/x">'],
    ['<a href="http://elsewhere/x">', '<a href="http://elsewhere/x">'],
    ['<!-- <a href="/x"> --> /text <p title="/y">', '<!-- <a href="/x"> --> /text <p title="/y">'],
  ];
  for (const [html, expected] of table) expect(rewrite(html)).toBe(expected);
});

test('names in front of /proxy', () => {
  expect(splitSchemeNamePort('p')).toEqual({ scheme: '', name: 'p', port: '' });
  expect(splitSchemeNamePort('p:80')).toEqual({ scheme: '', name: 'p', port: '80' });
  expect(splitSchemeNamePort('https:p:http')).toEqual({ scheme: 'https', name: 'p', port: 'http' });
  expect(splitSchemeNamePort('https:p:')).toEqual({ scheme: 'https', name: 'p', port: '' });
  expect(splitSchemeNamePort('ftp:p:1')).toBeUndefined();
});

test.each([
  ['GET', '/api/v1/namespaces/a/pods/p/proxy?x=1', '/api/v1/namespaces/a/pods/p/proxy/?x=1'],
  ['HEAD', '/api/v1/nodes/n/proxy', '/api/v1/nodes/n/proxy/'],
  ['GET', '/api/v1/namespaces/a/pods/p/proxy/?x=1', undefined],
  ['POST', '/api/v1/namespaces/a/pods/p/proxy', undefined],
])('%s %s is sent to %s', (method, url, folder) => {
  expect(folderOf(method, url)).toBe(folder);
});
