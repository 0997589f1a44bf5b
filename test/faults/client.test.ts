// What a client does wrong is told in upstream's words, by the server to every client and by `wherry kubectl` where kubectl finds it itself.
import { createPrivateKey } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TokenRequest } from '../../src/api/generated/authentication-v1.ts';
import { serviceAccounts } from '../../src/api/generated/resources.ts';
import { createAuthority } from '../../src/base/certificates.ts';
import { ClusterUnderTest, run, WHERRY, type Outcome } from '../../src/testing/cluster-under-test.ts';
import { plainError } from './plain-error.ts';

const REAL_KUBECTL = ['/usr/bin/kubectl', '/usr/local/bin/kubectl'].find((path) => existsSync(path));
const clients: Record<string, readonly string[]> = { ...(REAL_KUBECTL && { kubectl: [REAL_KUBECTL] }), 'wherry kubectl': [WHERRY, 'kubectl'] };

const cluster = new ClusterUnderTest('clients');
let server: string;
beforeAll(async () => {
  await cluster.start('--runtime', 'simulated');
  server = (await cluster.status()).server!.url;
});
afterAll(() => cluster[Symbol.asyncDispose]());

describe.each(Object.entries(clients))('%s', (name, client) => {
  const own = name.replace(' ', '-');
  const kubectl = (...args: string[]): Promise<Outcome> => run([...client, ...args], { env: cluster.env, timeoutMs: 20_000 });
  /** A manifest in a file, which is how people get them wrong. */
  const file = (fileName: string, content: string): string => {
    const path = join(cluster.folder, fileName);
    writeFileSync(path, content);
    return path;
  };

  test.each([
    ['broken.json', '{"apiVersion": "v1", "kind": "ConfigMap",', /^error: error parsing \S*broken\.json: /],
    ['broken.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n bad: [\n', /^error: error parsing \S*broken\.yaml: error converting YAML to JSON: yaml: line \d+: /],
    ['no-version.yaml', 'kind: ConfigMap\nmetadata: {name: a}\n', /^error: error validating "\S*no-version\.yaml": error validating data: apiVersion not set; if you choose to ignore these errors, turn validation off with --validate=false\n$/],
    ['no-kind.yaml', 'apiVersion: v1\nmetadata: {name: a}\n', /^error: error validating "\S*no-kind\.yaml": error validating data: kind not set; /],
    ['unknown-kind.yaml', 'apiVersion: v1\nkind: Boat\nmetadata: {name: a}\n', /^error: resource mapping not found for name: "a" namespace: "" from "\S*unknown-kind\.yaml": no matches for kind "Boat" in version "v1"\nensure CRDs are installed first\n$/],
    ['unknown-field.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndatum: {b: c}\n', /^Error from server \(BadRequest\): error when creating "\S*unknown-field\.yaml": ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "datum"\n$/],
    ['wrong-type.yaml', 'apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: http}]}\n', /^Error from server \(BadRequest\): error when creating "\S*wrong-type\.yaml": Service in version "v1" cannot be handled as a Service: /],
    ['invalid.yaml', 'apiVersion: v1\nkind: Pod\nmetadata: {name: A_}\nspec: {containers: []}\n', /^The Pod "A_" is invalid: \n\* metadata\.name: Invalid value: "A_": [^]*\n\* spec\.containers: Required value\n$/],
  ])('refuses %s', async (fileName, content, expected) => {
    for (const verb of ['create', 'apply']) expect(plainError(await kubectl(verb, '-f', file(fileName, content)))).toMatch(expected);
  });

  test('refuses what is too large', async () => {
    const configMap = (length: number): string => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'large' }, data: { a: 'x'.repeat(length) } });
    // Several times, for the answer must not depend on who is faster.
    for (let i = 0; i < 3; i++) {
      expect(plainError(await kubectl('create', '-f', file('too-large.json', configMap(4 * 2 ** 20))))).toMatch(/^Error from server \(RequestEntityTooLarge\): error when creating "\S*too-large\.json": Request entity too large: limit is 3145728\n$/);
    }
    expect(plainError(await kubectl('create', '-f', file('large.json', configMap(2 * 2 ** 20))))).toMatch(/^The ConfigMap "large" is invalid: .*Too long: may not be more than 1048576 bytes\n$/);
    expect((await kubectl('get', 'configmap', 'kube-root-ca.crt')).code).toBe(0);
  });

  test('a missing file, a missing object, an unknown resource', async () => {
    for (const verb of ['create', 'apply', 'delete']) expect(plainError(await kubectl(verb, '-f', join(cluster.folder, 'missing.yaml')))).toMatch(/^error: the path "\S+missing\.yaml" does not exist\n$/);
    for (const verb of ['get', 'describe', 'delete']) expect(plainError(await kubectl(verb, 'pod', 'missing'))).toBe('Error from server (NotFound): pods "missing" not found\n');
    expect(plainError(await kubectl('get', 'boats'))).toBe('error: the server doesn\'t have a resource type "boats"\n');
    expect(plainError(await kubectl('apply', '-f', 'http://127.0.0.1:59/a.yaml'))).toMatch(/The connection to the server 127\.0\.0\.1:59 was refused/);
  });

  test('a certificate of another authority is not trusted', async () => {
    const path = join(cluster.folder, `${own}.kubeconfig`);
    const other = Buffer.from((await createAuthority('another', { now: Date.now(), days: 1 })).certificate).toString('base64');
    writeFileSync(path, readFileSync(cluster.env.KUBECONFIG!, 'utf8').replace(/(certificate-authority-data:) .*/, `$1 ${other}`));
    expect(plainError(await kubectl('--kubeconfig', path, 'get', 'pods'))).toMatch(/Unable to connect to the server: tls: failed to verify certificate: x509: certificate signed by unknown authority.*\n$/);
  });

  test('no server, no such context, a damaged kubeconfig', async () => {
    expect(plainError(await kubectl('--server', 'https://127.0.0.1:1', 'get', 'pods'))).toMatch(/The connection to the server 127\.0\.0\.1:1 was refused - did you specify the right host or port\?\n$/);
    expect(plainError(await kubectl('--context', 'nowhere', 'get', 'pods'))).toMatch(/context.*nowhere/);
    expect(plainError(await kubectl('--kubeconfig', file('damaged', 'clusters: ['), 'get', 'pods'))).toMatch(/^error: error loading config file "\S+damaged": .+\n$/);
  });

  test('an expired token is not taken, nor one of another key, nor nonsense', async () => {
    const account = `${own}-tokens`;
    expect((await kubectl('create', 'serviceaccount', account)).code).toBe(0);
    const { serviceAccountKey } = JSON.parse(readFileSync(join(cluster.dataDir, 'pki.json'), 'utf8')) as { serviceAccountKey: string };
    using admin = cluster.client();
    const issued = await admin.createSubresource<TokenRequest>(serviceAccounts, { namespace: 'default', name: account }, 'token', { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} });
    const [head, claims] = issued.status!.token!.split('.').slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>);
    const now = Math.floor(Date.now() / 1000);
    const token = (key: string, expires: number): Promise<string> => new SignJWT({ ...claims, iat: now - 4000, nbf: now - 4000, exp: expires }).setProtectedHeader(head as unknown as { alg: string }).sign(createPrivateKey(key));
    const as = (bearer: string): Promise<Outcome> => kubectl('--kubeconfig', '/dev/null', '--server', server, '--insecure-skip-tls-verify', '--token', bearer, 'get', 'pods');
    // The same token with time left is known, and only lacks the right.
    expect(plainError(await as(await token(serviceAccountKey, now + 600)))).toMatch(new RegExp(`^Error from server \\(Forbidden\\): pods is forbidden: User "system:serviceaccount:default:${account}" cannot list resource "pods" in API group "" in the namespace "default"\n$`));
    const otherKey = (await createAuthority('another', { now: Date.now(), days: 1 })).key;
    for (const bearer of [await token(serviceAccountKey, now - 60), await token(otherKey, now + 600), 'nonsense']) {
      expect(plainError(await as(bearer))).toMatch(/^error: You must be logged in to the server \(.*\)\n$/);
    }
  });

  test('a service account without rights is told which it lacks', async () => {
    const as = ['--as', 'system:serviceaccount:default:nobody'];
    const lacks = (what: string): string => `Error from server (Forbidden): ${what} in API group "" in the namespace "default"\n`;
    expect(plainError(await kubectl('get', 'pods', ...as))).toBe(lacks('pods is forbidden: User "system:serviceaccount:default:nobody" cannot list resource "pods"'));
    expect(plainError(await kubectl('run', 'a', '--image=a', ...as))).toBe(lacks('pods is forbidden: User "system:serviceaccount:default:nobody" cannot create resource "pods"'));
    expect(plainError(await kubectl('delete', 'pod', 'a', ...as))).toBe(lacks('pods "a" is forbidden: User "system:serviceaccount:default:nobody" cannot delete resource "pods"'));
  });
});
