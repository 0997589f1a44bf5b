import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ExecCredential } from '../../client/exec-credential.ts';
import { runKubectl } from '../kubectl.ts';

let home: string;
beforeEach(() => void (home = mkdtempSync(join(tmpdir(), 'kuberc-'))));
afterEach(() => rmSync(home, { recursive: true, force: true }));

async function kubectl(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  let [out, err] = ['', ''];
  const code = await runKubectl(argv, {
    out: (text) => void (out += text), err: (text) => void (err += text), readInput: async () => 'y\n', stdin: Readable.from([]), stdout: process.stdout, terminal: false, env: { HOME: home, ...env }, signal: new AbortController().signal,
  });
  return `${out}${err}= ${code}`;
}

const run = ['run', 'x', '--dry-run=client', '-o', 'jsonpath={.spec.containers[0].image} {.spec.containers[0].args} {.metadata.labels}'];

test('aliases and defaults are set, and count', async () => {
  const set = ['kuberc', 'set', '--section'];
  expect(await kubectl([...set, 'aliases', '--name', 'runx', '--command', 'run', '--option', 'image=nginx', '--appendarg', '--', '--appendarg', 'a b'])).toBe(`Updated ${home}/.kube/kuberc\n= 0`);
  expect(await kubectl([...set, 'defaults', '--command', 'run', '--option', 'labels=a=b'])).toBe(`Updated ${home}/.kube/kuberc\n= 0`);
  expect(readFileSync(join(home, '.kube/kuberc'), 'utf8')).toBe('aliases:\n- appendArgs:\n  - --\n  - a b\n  command: run\n  name: runx\n  options:\n  - default: nginx\n    name: image\napiVersion: kubectl.config.k8s.io/v1beta1\ndefaults:\n- command: run\n  options:\n  - default: a=b\n    name: labels\nkind: Preference\n');
  // The alias has its own options only, the verb its defaults; what is given goes before both.
  expect(await kubectl(['runx', ...run.slice(1)])).toBe('nginx ["a b"] {"run":"x"}= 0');
  expect(await kubectl(['runx', '--image=other', ...run.slice(1)])).toBe('other ["a b"] {"run":"x"}= 0');
  expect(await kubectl([...run, '--image=i'])).toBe('i  {"a":"b"}= 0');
  expect(await kubectl([...run, '--image=i', '-lc=d'])).toBe('i  {"c":"d"}= 0');
  expect(await kubectl([...run, '--image=i'], { KUBERC: 'off' })).toBe('i  {"run":"x"}= 0');
  expect(await kubectl([...set, 'defaults', '--command', 'run', '--option', 'labels=a=c'])).toBe('error: defaults for command "run" already exist, use --overwrite to replace\n= 1');
});

test.each([
  ['aliases:\n- name: a1\n  command: get\n', 'invalid alias name, can only include alphabetical characters'],
  ['defaults:\n- command: version\n  options:\n  - name: zz\n    default: x\n', 'invalid flag zz for command version'],
  ['defaults:\n- command: version\n  options:\n  - name: --client\n    default: "true"\n', 'flag name --client should be in long form without dashes'],
  ['aliases:\n- name: ab\n  command: get\n- name: ab\n  command: get\n', 'duplicate alias name ab'],
  ['credentialPluginPolicy: Allowlist\n', 'credential plugin policy set to "Allowlist", but allowlist is unspecified'],
  ['credentialPluginPolicy: DenyAll\ncredentialPluginAllowlist: []\n', 'misconfigured credential plugin allowlist: plugin policy is "DenyAll" but allowlist is non-nil'],
])('%j is refused', async (text, message) => {
  writeFileSync(join(home, 'rc'), `apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\n${text}`);
  expect(await kubectl(['version', '--client', '--kuberc', join(home, 'rc')])).toBe(`error occurred while applying preferences ${message}\n= 1`);
});

test('programs that are not allowed give no credentials', () => {
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: '/bin/true', interactiveMode: 'Never' };
  const current = (policy: string, allowed: string[]) => () => new ExecCredential(exec, { env: process.env, plugins: { policy, allowed } }).current();
  expect(current('DenyAll', [])).toThrow('plugin "/bin/true" not allowed: policy set to "DenyAll"');
  expect(current('Allowlist', ['/bin/false'])).toThrow('plugin "/bin/true" not allowed');
  expect(current('Allowlist', ['/bin/true'])).toThrow('exec plugin is configured to use API version');
});
