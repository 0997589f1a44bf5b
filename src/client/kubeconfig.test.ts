import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { putContext, removeContext, useContext } from './kubeconfig-file.ts';
import { resolveContext } from './kubeconfig.ts';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'kubeconfig-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const entry = { name: 'wherry', server: 'https://127.0.0.1:6443', ca: 'CA', certificate: 'CERT', key: 'KEY' };
const FOREIGN = `# mine, do not touch
apiVersion: v1
kind: Config
clusters:
- cluster:
    server: https://example.invalid # work
    certificate-authority: ca.pem
  name: work
contexts:
- context: {cluster: work, user: me, namespace: team}
  name: work
current-context: work
users:
- name: me
  user:
    tokenFile: token
`;

test('a new file is private and holds a usable context', () => {
  const path = join(folder, 'deep', 'config');
  putContext(path, entry);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(resolveContext({ env: { KUBECONFIG: path } })).toEqual({
    contextName: 'wherry', namespace: 'default', connection: { server: entry.server, ca: 'CA', certificate: 'CERT', key: 'KEY' },
  });
});

test('names that an older YAML reads as no texts are quoted', () => {
  for (const name of ['on', 'yes', 'no', 'null', '1', '1:20']) {
    const path = join(folder, `config-${name}`);
    putContext(path, { ...entry, name });
    expect(readFileSync(path, 'utf8')).toContain(`current-context: "${name}"\n`);
  }
});

test('what others wrote survives our coming and going', () => {
  const path = join(folder, 'config');
  const link = join(folder, 'link');
  writeFileSync(path, FOREIGN, { mode: 0o640 });
  symlinkSync(path, link);
  putContext(link, entry);
  putContext(link, { ...entry, server: 'https://127.0.0.1:7777' });
  const both = readFileSync(path, 'utf8');
  expect(both).toContain('# mine, do not touch');
  expect(both).toContain('https://example.invalid # work');
  expect(both.match(/name: wherry/g)).toHaveLength(3);
  expect(resolveContext({ env: {}, kubeconfig: path }).connection.server).toBe('https://127.0.0.1:7777');
  expect(statSync(path).mode & 0o777).toBe(0o640);
  removeContext(path, 'wherry');
  expect(readFileSync(path, 'utf8')).toBe(FOREIGN.replace('current-context: work', 'current-context: ""').replace('context: {cluster: work, user: me, namespace: team}', 'context: { cluster: work, user: me, namespace: team }'));
  removeContext(path, 'wherry');
  useContext(path, 'work');
  expect(() => useContext(path, 'nope')).toThrow('no context exists with the name: "nope"');
});

test('files are found beside the kubeconfig that names them, and flags go before it', () => {
  const path = join(folder, 'config');
  writeFileSync(path, FOREIGN);
  writeFileSync(join(folder, 'ca.pem'), 'WORK CA');
  writeFileSync(join(folder, 'token'), 'secret\n');
  const { connection, ...at } = resolveContext({ env: { KUBECONFIG: path } });
  expect(at).toEqual({ contextName: 'work', namespace: 'team' });
  const token = connection.token as () => string;
  expect({ ...connection, token: token() }).toEqual({ server: 'https://example.invalid', ca: 'WORK CA', token: 'secret' });
  writeFileSync(join(folder, 'token'), 'renewed\n');
  expect(token()).toBe('renewed');
  expect(resolveContext({ env: { KUBECONFIG: path }, namespace: 'x', token: 'other', insecureSkipTlsVerify: true })).toMatchObject({
    namespace: 'x', connection: { token: 'other', insecureSkipTlsVerify: true },
  });
  expect(() => resolveContext({ env: { KUBECONFIG: path }, context: 'nope' })).toThrow('context was not found for specified context: nope');
});

test('a program gives the credentials when they are needed, is told of the cluster, and is asked again when they have expired', () => {
  const script = join(folder, 'login.sh');
  const asked = join(folder, 'asked');
  writeFileSync(script, `#!/bin/sh\necho "$KUBERNETES_EXEC_INFO $WHO" >> ${asked}\necho '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"'$(wc -l < ${asked})'","expirationTimestamp":"2020-01-01T00:00:00Z"}}'\n`, { mode: 0o755 });
  const path = join(folder, 'exec-config');
  writeFileSync(path, JSON.stringify({
    'current-context': 'cloud', contexts: [{ name: 'cloud', context: { cluster: 'cloud', user: 'me' } }], clusters: [{ name: 'cloud', cluster: { server: 'https://cloud.invalid' } }],
    users: [{ name: 'me', user: { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: './login.sh', env: [{ name: 'WHO', value: 'boatman' }], provideClusterInfo: true, interactiveMode: 'Never' } } }],
  }));
  const { connection } = resolveContext({ env: {}, kubeconfig: path });
  expect(existsSync(asked)).toBe(false);
  const { token } = { ...connection } as { readonly token?: unknown };
  const first = (token as () => string)();
  expect(Number((token as () => string)())).toBeGreaterThan(Number(first));
  const told = readFileSync(asked, 'utf8').split('\n')[0]!;
  expect(told).toContain('"server":"https://cloud.invalid"');
  expect(told).toMatch(/ boatman$/);
  rmSync(script);
  expect(() => ({ ...resolveContext({ env: {}, kubeconfig: path }).connection })).toThrow('executable ' + script + ' not found');
});

const server = 'https://x.invalid';
test.each([
  ['basic authentication', {}, { username: 'a', password: 'b' }, { headers: { authorization: `Basic ${Buffer.from('a:b').toString('base64')}` } }],
  ['impersonation', {}, { as: 'jane', 'as-groups': ['x', 'y'], 'as-uid': '7', 'as-user-extra': { Reason: ['one', 'two'] } }, { headers: { 'Impersonate-User': 'jane', 'Impersonate-Group': ['x', 'y'], 'Impersonate-Uid': '7', 'Impersonate-Extra-reason': ['one', 'two'] } }],
  ['a proxy', { 'proxy-url': 'socks5://10.0.0.1:1080' }, {}, { proxy: 'socks5://10.0.0.1:1080' }],
  ['a name of the certificate, unverified', { 'tls-server-name': 'k8s', 'insecure-skip-tls-verify': true }, { token: 't' }, { tlsServerName: 'k8s', insecureSkipTlsVerify: true, token: 't' }],
  ['no credentials where there is no TLS', { server: 'http://x.invalid' }, { token: 't', as: 'jane' }, { server: 'http://x.invalid', headers: { 'Impersonate-User': 'jane' } }],
  ['a token of OpenID Connect', {}, { 'auth-provider': { name: 'oidc', config: { 'id-token': 'i' } } }, { token: 'i' }],
])('a context may have %s', (_what, cluster, user, expected) => {
  const config = { 'current-context': 'c', contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }], clusters: [{ name: 'c', cluster: { server, ...cluster } }], users: [{ name: 'u', user }] };
  expect(resolveContext({ env: {}, config }).connection).toEqual({ server, ...expected });
});

const plugin = { apiVersion: 'client.authentication.k8s.io/v1', command: 'x', interactiveMode: 'Never' };
test.each([
  [{ 'proxy-url': 'ftp://x' }, {}, `invalid 'proxy-url' "ftp://x" for cluster "c": unsupported scheme "ftp", must be http, https, or socks5`],
  [{ 'proxy-url': 'http://%zz' }, {}, `invalid 'proxy-url' "http://%zz" for cluster "c": could not parse: http://%zz`],
  [{ 'certificate-authority': '/nonexistent' }, {}, 'unable to read certificate-authority /nonexistent for c due to open /nonexistent: no such file or directory'],
  [{ 'certificate-authority-data': 'Q0E=', 'insecure-skip-tls-verify': true }, {}, 'specifying a root certificates file with the insecure flag is not allowed'],
  [{ server: '' }, {}, 'no server found for cluster "c"'],
  [{}, { token: 't', username: 'a' }, 'more than one authentication method found for u; found [token basicAuth], only one is allowed'],
  [{}, { 'as-groups': ['x'] }, 'requesting uid, groups or user-extra for u without impersonating a user'],
  [{}, { 'client-certificate-data': 'Q0E=' }, 'client-key-data or client-key must be specified for u to use the clientCert authentication method.'],
  [{}, { exec: { ...plugin, interactiveMode: 'Maybe' } }, 'invalid interactiveMode for u: "Maybe"'],
  [{}, { exec: { ...plugin, command: '' } }, 'command must be specified for u to use exec authentication plugin'],
  [{}, { exec: { ...plugin, apiVersion: 'x/v9' } }, 'exec plugin: invalid apiVersion "x/v9"'],
  [{}, { 'auth-provider': { name: 'zz' } }, 'no Auth Provider found for name "zz"'],
  [{ server: '' }, { token: 't', password: 'p' }, 'Error in configuration: \n* more than one authentication method found for u; found [token basicAuth], only one is allowed\n* no server found for cluster "c"'],
])('%j with %j is refused as kubectl does', (cluster, user, message) => {
  const config = { 'current-context': 'c', contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }], clusters: [{ name: 'c', cluster: { server, ...cluster } }], users: [{ name: 'u', user }] };
  expect(() => resolveContext({ env: {}, config })).toThrow(expect.objectContaining({ message }));
});

test('several files are one, the first counting; none at all is the field\'s old default', () => {
  const first = join(folder, 'a');
  const second = join(folder, 'b');
  putContext(first, entry);
  putContext(second, { ...entry, name: 'other', server: 'https://other' });
  const env = { KUBECONFIG: `${first}:${second}:${folder}/absent` };
  expect(resolveContext({ env }).contextName).toBe('wherry');
  expect(resolveContext({ env, context: 'other' }).connection.server).toBe('https://other');
  expect(resolveContext({ env: { HOME: folder } }).connection).toEqual({ server: 'http://localhost:8080' });
});

test('a file that cannot be read is not written over', () => {
  const path = join(folder, 'config');
  writeFileSync(path, 'clusters: [unclosed');
  expect(() => putContext(path, entry)).toThrow(`error loading config file "${path}"`);
  expect(readFileSync(path, 'utf8')).toBe('clusters: [unclosed');
});
