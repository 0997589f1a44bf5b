import { generateKeyPairSync } from 'node:crypto';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { expect, test } from 'vitest';
import type { Secret, ServiceAccount } from '../../api/generated/core-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { createAuthority, issueCertificate } from '../../base/certificates.ts';
import { systemClock } from '../../base/clock.ts';
import { silentLog } from '../../base/log.ts';
import { systemRandom } from '../../base/random.ts';
import { createMemoryEngine } from '../../storage/memory.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { storedObjects } from '../authz/stored-objects.ts';
import { createAuthenticator } from './authenticator.ts';
import { BootstrapTokens } from './bootstrap-tokens.ts';
import { impersonate } from './impersonation.ts';
import { ServiceAccountTokens } from './service-account-tokens.ts';

const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace: 'a', name: 'bot', uid: 'sa-uid' } } as unknown as ServiceAccount;
const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'a', name: 'p', uid: 'pod-uid' }, spec: { containers: [] } } as never;

async function world() {
  const clock = new FakeClock();
  const engine = createMemoryEngine<KubeObject>({ clock: systemClock, log: silentLog });
  const put = (key: string, object: unknown): Promise<unknown> => engine.put(`/registry/core/${key}`, () => object as KubeObject);
  await put('serviceaccounts/a/bot', account);
  await put('pods/a/p', pod);
  const objects = storedObjects(engine, (o) => o);
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  const tokens = new ServiceAccountTokens({ key, clock, random: systemRandom, objects });
  const authenticator = createAuthenticator({ tokens, bootstrapTokens: new BootstrapTokens(objects, clock) });
  const bearer = (token: string) => authenticator.authenticate({ authorization: `Bearer ${token}` });
  return { clock, engine, put, tokens, authenticator, bearer };
}

test('a bound token proves its account until pod, account or time is gone', async () => {
  const { clock, engine, put, tokens, bearer } = await world();
  const token = await tokens.issue({ serviceAccount: account, audiences: tokens.audiences, expirationSeconds: 600, pod, node: { name: 'n', uid: 'node-uid' } });
  const user = await bearer(token);
  expect(user).toMatchObject({
    name: 'system:serviceaccount:a:bot', uid: 'sa-uid', groups: ['system:serviceaccounts', 'system:serviceaccounts:a', 'system:authenticated'],
    extra: { 'authentication.kubernetes.io/pod-name': ['p'], 'authentication.kubernetes.io/pod-uid': ['pod-uid'], 'authentication.kubernetes.io/node-name': ['n'] },
  });
  await engine.delete('/registry/core/pods/a/p');
  await expect(bearer(token)).rejects.toMatchObject({ code: 401, reason: 'Unauthorized' });
  await put('pods/a/p', { ...(pod as object), metadata: { namespace: 'a', name: 'p', uid: 'another' } });
  await expect(tokens.verify(token)).rejects.toThrow('pod UID (another) does not match service account pod ref claim (pod-uid)');
  await put('pods/a/p', pod);
  await bearer(token);
  await clock.advance(600_000 + 60_000);
  await expect(tokens.verify(token)).rejects.toThrow('service account token has expired');
});

test('a token for others, of others or bent proves nothing here', async () => {
  const { tokens, bearer } = await world();
  const stranger = (await world()).tokens;
  const vault = await tokens.issue({ serviceAccount: account, audiences: ['vault'], expirationSeconds: 600 });
  await expect(bearer(vault)).rejects.toMatchObject({ code: 401 });
  expect((await tokens.verify(vault, ['vault', 'x'])).audiences).toEqual(['vault']);
  await expect(bearer(await stranger.issue({ serviceAccount: account, audiences: tokens.audiences, expirationSeconds: 600 }))).rejects.toMatchObject({ code: 401 });
  await expect(bearer('nonsense')).rejects.toMatchObject({ code: 401 });
  const [head, body] = vault.split('.');
  await expect(tokens.verify(`${head}.${body}.`, ['vault'])).rejects.toThrow('invalid bearer token');
  const published = createLocalJWKSet(JSON.parse(JSON.stringify(await tokens.keySet())));
  expect((await jwtVerify(vault, published, { audience: 'vault', currentDate: new Date(Date.UTC(2026, 0, 1)) })).payload.sub).toBe('system:serviceaccount:a:bot');
});

test('certificates, bootstrap tokens, secrets of accounts, nobody', async () => {
  const { authenticator, bearer, put, tokens } = await world();
  const authority = await createAuthority('ca', { now: Date.now() });
  const { certificate } = await issueCertificate(authority, { commonName: 'anna', organizations: ['dev', 'ops'], usages: ['client auth'], days: 1, now: Date.now() });
  const der = Buffer.from(certificate.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  expect(await authenticator.authenticate({ clientCertificate: der })).toMatchObject({ name: 'anna', groups: ['dev', 'ops', 'system:authenticated'] });
  expect(await authenticator.authenticate({})).toEqual({ name: 'system:anonymous', groups: ['system:unauthenticated'] });
  expect((await authenticator.authenticate({ authorization: 'Basic eDp5' })).name).toBe('system:anonymous');
  const data = (fields: Record<string, string>) => Object.fromEntries(Object.entries(fields).map(([k, v]) => [k, Buffer.from(v).toString('base64')]));
  await put('secrets/kube-system/bootstrap-token-abcdef', {
    metadata: { namespace: 'kube-system', name: 'bootstrap-token-abcdef' }, type: 'bootstrap.kubernetes.io/token',
    data: data({ 'token-id': 'abcdef', 'token-secret': '0123456789abcdef', 'usage-bootstrap-authentication': 'true', 'auth-extra-groups': 'system:bootstrappers:x' }),
  });
  expect(await bearer('abcdef.0123456789abcdef')).toEqual({ name: 'system:bootstrap:abcdef', groups: ['system:bootstrappers', 'system:bootstrappers:x', 'system:authenticated'] });
  await expect(bearer('abcdef.0123456789abcdeX')).rejects.toMatchObject({ code: 401 });
  await expect(bearer('abcdef.0123456789abcde0')).rejects.toMatchObject({ code: 401 });
  const secret = { metadata: { namespace: 'a', name: 's', uid: 'u' } } as unknown as Secret;
  const lasting = await tokens.issueForSecret(account, secret);
  await expect(bearer(lasting)).rejects.toMatchObject({ code: 401 });
  await put('secrets/a/s', { ...secret, data: data({ token: lasting }) });
  expect((await bearer(lasting)).name).toBe('system:serviceaccount:a:bot');
});

test('acting as another takes the right to each part of him', async () => {
  const asked: string[] = [];
  const authorizer = { authorize: ({ verb, resource }: { verb: string; resource?: { resource: string; name: string; subresource: string } }) => {
    asked.push(`${verb} ${resource!.resource}/${resource!.subresource} ${resource!.name}`);
    return { allowed: resource!.name !== 'system:masters', reason: '' };
  } };
  const admin = { name: 'admin', groups: [] };
  expect(await impersonate(admin, {}, authorizer)).toBe(admin);
  expect(await impersonate(admin, { 'impersonate-user': 'eve', 'impersonate-group': ['dev'], 'impersonate-uid': '7', 'impersonate-extra-scopes%2fa': ['x', 'y'] }, authorizer))
    .toEqual({ name: 'eve', uid: '7', groups: ['dev', 'system:authenticated'], extra: { 'scopes/a': ['x', 'y'] } });
  expect(asked).toEqual(['impersonate users/ eve', 'impersonate groups/ dev', 'impersonate uids/ 7', 'impersonate userextras/scopes/a x', 'impersonate userextras/scopes/a y']);
  expect((await impersonate(admin, { 'impersonate-user': 'system:serviceaccount:a:bot' }, authorizer)).groups).toEqual(['system:serviceaccounts', 'system:serviceaccounts:a', 'system:authenticated']);
  await expect(impersonate(admin, { 'impersonate-user': 'eve', 'impersonate-group': 'system:masters' }, authorizer)).rejects.toThrow('cannot impersonate resource "groups"');
  await expect(impersonate(admin, { 'impersonate-group': 'dev' }, authorizer)).rejects.toThrow('without impersonating a user');
});
