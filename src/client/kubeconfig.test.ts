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
  expect(resolveContext({ env: { KUBECONFIG: path } })).toEqual({
    contextName: 'work', namespace: 'team', connection: { server: 'https://example.invalid', ca: 'WORK CA', token: 'secret' },
  });
  expect(resolveContext({ env: { KUBECONFIG: path }, namespace: 'x', token: 'other', insecureSkipTlsVerify: true })).toMatchObject({
    namespace: 'x', connection: { token: 'other', insecureSkipTlsVerify: true },
  });
  expect(() => resolveContext({ env: { KUBECONFIG: path }, context: 'nope' })).toThrow('context "nope" does not exist');
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
