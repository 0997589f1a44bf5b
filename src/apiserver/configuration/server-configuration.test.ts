import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import { expect, test } from 'vitest';
import { serviceAccounts } from '../../api/generated/resources.ts';
import { issueCertificate, type KeyPair } from '../../base/certificates.ts';
import { startTestHttpsApiServer, type HttpsAccess } from '../../testing/api-server.ts';
import { readServerConfiguration } from './server-configuration.ts';

interface Answer {
  readonly code: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly json: any;
}

function ask(https: HttpsAccess, method: string, path: string, { body, headers = {}, identity }: { body?: object; headers?: Record<string, string>; identity?: KeyPair | undefined } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request(https.url + path, { method, ca: https.authority, agent: false, headers: { 'content-type': 'application/json', ...headers }, ...(identity && { key: identity.key, cert: identity.certificate }) }, (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
      answer.on('end', () => resolve({ code: answer.statusCode!, headers: answer.headers, get json() { return JSON.parse(text); } }));
    }).on('error', reject).end(body && JSON.stringify(body));
  });
}

test('requests are written down as the audit policy says', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'audit-'));
  try {
    const auditLog = join(folder, 'log', 'audit.log');
    const configuration = readServerConfiguration(`
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  nonResourceURLs: ['/livez*', /version]
- level: Metadata
  resources: [{ group: '', resources: [secrets] }]
- level: RequestResponse
  verbs: [create, delete, patch]
  omitManagedFields: true
- level: Request
  users: [bob]
`, 'test');
    await using api = await startTestHttpsApiServer({ configuration, auditLog });
    const { https } = api;
    const bob = await https.certificateFor({ name: 'bob', groups: ['sailors'] });
    const identity = https.admin;
    await ask(https, 'GET', '/version', { identity });
    await ask(https, 'POST', '/api/v1/namespaces/default/secrets', { identity, body: { metadata: { name: 's' }, data: { a: 'aGVsbG8=' } } });
    await ask(https, 'POST', '/api/v1/namespaces/default/configmaps', { identity, headers: { 'audit-id': 'mine', 'user-agent': 'tester/1', 'x-forwarded-for': '10.1.2.3' }, body: { metadata: { name: 'c' }, data: { a: 'b' } } });
    await ask(https, 'GET', '/api/v1/pods', { identity: bob });
    await ask(https, 'GET', '/api/v1/pods', { identity });
    await ask(https, 'DELETE', '/api/v1/namespaces/default/configmaps/nothing', { identity, headers: { 'impersonate-user': 'alice', 'impersonate-group': 'system:masters' } });
    await ask(https, 'PATCH', '/api/v1/nodes/x', { headers: { authorization: 'Bearer nonsense', 'content-type': 'application/merge-patch+json' }, body: {} });
    await ask(https, 'GET', '/api/v1/namespaces/default/secrets?watch=1&timeoutSeconds=1', { identity });
    const events = (): any[] => readFileSync(auditLog, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
    const overHttps = () => events().filter(({ sourceIPs }) => sourceIPs);
    await expect.poll(() => overHttps().length).toBe(7);
    const [secret, configMap, forbidden, missing, unknown, ...watch] = overHttps();
    expect(secret).toMatchObject({ kind: 'Event', apiVersion: 'audit.k8s.io/v1', level: 'Metadata', stage: 'ResponseComplete', verb: 'create', user: { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] }, sourceIPs: ['127.0.0.1'], responseStatus: { metadata: {}, code: 201 } });
    expect(secret.objectRef).toEqual({ resource: 'secrets', namespace: 'default', name: 's', apiVersion: 'v1' });
    expect(secret).not.toHaveProperty('requestObject');
    expect(configMap).toMatchObject({
      level: 'RequestResponse', auditID: 'mine', userAgent: 'tester/1', sourceIPs: ['10.1.2.3', '127.0.0.1'], requestObject: { data: { a: 'b' } }, responseObject: { kind: 'ConfigMap', metadata: { name: 'c' } },
      annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': '' },
    });
    expect(configMap.responseObject.metadata).not.toHaveProperty('managedFields');
    expect(configMap.requestReceivedTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(forbidden).toMatchObject({ level: 'Request', user: { username: 'bob' }, responseStatus: { status: 'Failure', reason: 'Forbidden', code: 403 }, annotations: { 'authorization.k8s.io/decision': 'forbid' } });
    expect(missing).toMatchObject({ user: { username: 'kubernetes-admin' }, impersonatedUser: { username: 'alice' }, responseStatus: { code: 404 }, responseObject: { kind: 'Status', reason: 'NotFound' } });
    expect(unknown).toMatchObject({ user: { username: '' }, verb: 'patch', responseStatus: { code: 401 } });
    expect(watch.map(({ stage, auditID }) => [stage, auditID === watch[0].auditID])).toEqual([['ResponseStarted', true], ['ResponseComplete', true]]);
    // Admission notes what it thinks, and components in the server's process are written down like others.
    await api.admin.create(serviceAccounts, { metadata: { name: 'default', namespace: 'kube-public' } });
    await ask(https, 'POST', '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies', { identity, body: {
      metadata: { name: 'images' }, spec: {
        matchConstraints: { resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }] },
        validations: [{ expression: "object.spec.containers.all(c, c.image.startsWith('ours/'))", message: 'not ours' }], auditAnnotations: [{ key: 'first', valueExpression: 'object.spec.containers[0].image' }],
      },
    } });
    await ask(https, 'POST', '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings', { identity, body: { metadata: { name: 'images' }, spec: { policyName: 'images', validationActions: ['Audit'] } } });
    await ask(https, 'PATCH', '/api/v1/namespaces/kube-public', { identity, headers: { 'content-type': 'application/merge-patch+json' }, body: { metadata: { labels: { 'pod-security.kubernetes.io/audit': 'restricted' } } } });
    await ask(https, 'POST', '/api/v1/namespaces/kube-public/pods', { identity, body: { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'theirs/c' }] } } });
    await expect.poll(() => events().at(-1).objectRef?.resource).toBe('pods');
    const { annotations } = events().at(-1);
    expect(annotations).toMatchObject({ 'pod-security.kubernetes.io/enforce-policy': 'privileged:latest', 'pod-security.kubernetes.io/audit-violations': expect.stringContaining('would violate PodSecurity "restricted:latest": allowPrivilegeEscalation != false'), 'images/first': 'theirs/c' });
    expect(JSON.parse(annotations['validation.policy.admission.k8s.io/validation_failure'])).toEqual([{ message: 'not ours', policy: 'images', binding: 'images', expressionIndex: 0, validationActions: ['Audit'] }]);
    expect(events().find(({ objectRef }) => objectRef?.resource === 'serviceaccounts' && objectRef.namespace === 'kube-public')).toMatchObject({ verb: 'create', user: { username: 'kubernetes-admin' }, requestURI: '/api/v1/namespaces/kube-public/serviceaccounts', responseObject: { kind: 'ServiceAccount' } });
    expect((await ask(https, 'GET', '/version', { identity, headers: { 'audit-id': 'x'.repeat(100) } })).headers['audit-id']).toBe('x'.repeat(64));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('tokens of a configured issuer are those of users', async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const next = await generateKeyPair('ES256');
  const keys: { current: object[] } = { current: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }] };
  await using outer = await startTestHttpsApiServer();
  const serving = await issueCertificate(outer.https.signer, { commonName: 'issuer', addresses: ['127.0.0.1'], usages: ['server auth'], days: 1, now: Date.now() });
  const issuer = createServer({ key: serving.key, cert: serving.certificate }, (asked, answer) => {
    answer.end(JSON.stringify(asked.url === '/keys' ? { keys: keys.current } : { issuer: url, jwks_uri: `${url}/keys` }));
  });
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${(issuer.address() as AddressInfo).port}`;
  const configuration = readServerConfiguration(`
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer:
    url: ${url}
    audiences: [boats, ships]
    audienceMatchPolicy: MatchAny
    certificateAuthority: |
${outer.https.authority.trimEnd().replaceAll(/^/gm, '      ')}
  claimValidationRules:
  - { claim: hd, requiredValue: example.com }
  - { expression: 'claims.exp - claims.nbf <= 86400', message: too long }
  claimMappings:
    username: { claim: email, prefix: 'oidc:' }
    groups: { expression: 'claims.roles.split(",").map(r, "oidc:" + r)' }
    uid: { claim: sub }
    extra: [{ key: example.com/tenant, valueExpression: claims.tenant }]
  userValidationRules:
  - { expression: "!user.username.startsWith('oidc:root')", message: no roots }
anonymous: { enabled: true, conditions: [{ path: /livez }] }
`, 'test');
  await using api = await startTestHttpsApiServer({ configuration });
  const { https, admin } = api;
  const now = Math.floor(Date.now() / 1000);
  const good: JWTPayload = { iss: url, aud: 'boats', sub: '42', email: 'ann@example.com', email_verified: true, hd: 'example.com', roles: 'sailors,cooks', tenant: 'north', nbf: now - 10, exp: now + 600 };
  const token = (claims: JWTPayload, key = privateKey, kid = 'one'): Promise<string> => new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid }).sign(key);
  const whoAmI = async (text: string): Promise<unknown> => {
    const { code, json } = await ask(https, 'POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { headers: { authorization: `Bearer ${text}` }, body: {} });
    return code === 201 ? json.status.userInfo : code;
  };
  expect(await whoAmI(await token(good))).toEqual({ username: 'oidc:ann@example.com', uid: '42', groups: ['oidc:sailors', 'oidc:cooks', 'system:authenticated'], extra: { 'example.com/tenant': ['north'] } });
  for (const [what, claims] of [
    ['another audience', { ...good, aud: 'planes' }], ['out of time', { ...good, exp: now - 60 }], ['without an end', { ...good, exp: undefined }], ['another domain', { ...good, hd: 'evil.com' }], ['too long', { ...good, exp: now + 100_000 }],
    ['unverified', { ...good, email_verified: false }], ['nobody', { ...good, email: '' }], ['root', { ...good, email: 'root@example.com' }],
  ] as [string, JWTPayload][]) expect([what, await whoAmI(await token(JSON.parse(JSON.stringify(claims))))]).toEqual([what, 401]);
  expect(await whoAmI(await token(good, next.privateKey))).toBe(401);
  expect(await whoAmI((await token(good)).replace(/\.[^.]*$/, '.'))).toBe(401);
  const review = (text: string, audiences?: string[]) => admin.create({ group: 'authentication.k8s.io', version: 'v1', resource: 'tokenreviews', kind: 'TokenReview', namespaced: false }, { metadata: {}, spec: { token: text, ...(audiences && { audiences }) } } as never) as Promise<any>;
  expect((await review(await token(good), ['boats', 'cars'])).status).toMatchObject({ authenticated: true, audiences: ['boats'], user: { username: 'oidc:ann@example.com' } });
  expect((await review(await token({ ...good, hd: 'evil.com' }))).status.error).toContain('required claim hd value does not match');
  // Anonymous is who may be, and only there.
  expect((await ask(https, 'GET', '/livez')).code).toBe(200);
  expect((await ask(https, 'GET', '/readyz')).code).toBe(401);
  await new Promise((resolve) => {
    issuer.close(resolve);
    issuer.closeAllConnections();
  });
});

test.each([
  ['kind: Pod', 'a document of the kind Pod in undefined is not known'],
  ['apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: All }]', 'rules[0].level: must be one of None, Metadata, Request, RequestResponse'],
  ['apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: None, nonResourceURLs: [version] }]', 'must begin with a'],
  ['apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt: [{ issuer: { url: "http://x", audiences: [a] }, claimMappings: {} }]', 'issuer.url: URL scheme must be https'],
  ['a: [', 'test: '],
])('%s is refused', (text, message) => {
  expect(() => readServerConfiguration(text, 'test')).toThrow(message);
});

test('a webhook says who may do what, in its place among the authorizers', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'authorization-'));
  const asked: any[] = [];
  const webhook = createHttpServer((incoming, answer) => {
    let text = '';
    incoming.on('data', (piece: Buffer) => (text += piece.toString()));
    incoming.on('end', () => {
      const { spec } = JSON.parse(text);
      asked.push(spec);
      if (spec.user === 'broken') return answer.writeHead(403).end();
      const denied = spec.resourceAttributes?.name === 'secret';
      answer.end(JSON.stringify({ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', status: { allowed: !denied && spec.groups.includes('sailors'), denied, reason: denied ? 'not that one' : 'the captain says so' } }));
    });
  });
  try {
    await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve));
    const kubeConfigFile = join(folder, 'webhook.yaml');
    writeFileSync(kubeConfigFile, JSON.stringify({
      'current-context': 'a', contexts: [{ name: 'a', context: { cluster: 'c', user: 'u' } }], clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${(webhook.address() as AddressInfo).port}/authorize` } }], users: [{ name: 'u', user: { token: 't' } }],
    }));
    const configuration = readServerConfiguration(`
apiVersion: apiserver.config.k8s.io/v1
kind: AuthorizationConfiguration
authorizers:
- type: Webhook
  name: captain
  webhook:
    timeout: 3s
    authorizedTTL: 1m
    unauthorizedTTL: 1m
    subjectAccessReviewVersion: v1
    matchConditionSubjectAccessReviewVersion: v1
    failurePolicy: Deny
    connectionInfo: { type: KubeConfigFile, kubeConfigFile: ${kubeConfigFile} }
    matchConditions:
    - expression: has(request.resourceAttributes)
    - expression: "!('system:serviceaccounts:kube-system' in request.groups)"
- { type: Node, name: node }
- { type: RBAC, name: rbac }
`, 'test');
    await using api = await startTestHttpsApiServer({ configuration });
    const { https } = api;
    const as = (name: string, ...groups: string[]) => https.certificateFor({ name, groups });
    const bob = await as('bob', 'sailors');
    const maps = '/api/v1/namespaces/default/configmaps';
    expect((await ask(https, 'GET', maps, { identity: bob })).code).toBe(200);
    expect((await ask(https, 'GET', maps, { identity: bob })).code).toBe(200);
    expect(asked).toEqual([{ user: 'bob', groups: ['sailors', 'system:authenticated'], extra: expect.anything(), resourceAttributes: { verb: 'list', version: 'v1', resource: 'configmaps', namespace: 'default' } }]);
    await ask(https, 'GET', `${maps}?fieldSelector=metadata.namespace!%3Dx`, { identity: bob });
    expect(asked.at(-1).resourceAttributes.fieldSelector).toEqual({ requirements: [{ key: 'metadata.namespace', operator: 'NotIn', values: ['x'] }] });
    expect((await ask(https, 'GET', `${maps}/secret`, { identity: bob })).json).toMatchObject({ code: 403, message: 'configmaps "secret" is forbidden: User "bob" cannot get resource "configmaps" in API group "" in the namespace "default": not that one' });
    expect((await ask(https, 'GET', maps, { identity: await as('eve', 'pirates') })).json.message).toMatch(/in the namespace "default": the captain says so$/);
    expect((await ask(https, 'GET', maps, { identity: await as('broken') })).code).toBe(403);
    const before = asked.length;
    expect((await ask(https, 'GET', '/version', { identity: await as('eve') })).code).toBe(200);
    expect((await ask(https, 'GET', maps, { identity: https.admin })).code).toBe(200);
    expect(asked.length).toBe(before);
    const review = await ask(https, 'POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { identity: bob, body: { spec: { resourceAttributes: { verb: 'delete', resource: 'pods', namespace: 'x' } } } });
    expect(review.json.status).toEqual({ allowed: true, reason: 'the captain says so' });
    // Expressions, which cannot wait, ask as well.
    await ask(https, 'POST', '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies', { identity: https.admin, body: { metadata: { name: 'p' }, spec: {
      matchConstraints: { resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }] }, matchConditions: [{ name: 'm', expression: "authorizer.group('').resource('pods').check('list').allowed()" }],
      validations: [{ expression: "!authorizer.group('').resource('configmaps').namespace('default').name('free').check('paint').allowed()", message: 'a painter' }],
    } } });
    await ask(https, 'POST', '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings', { identity: https.admin, body: { metadata: { name: 'p' }, spec: { policyName: 'p', validationActions: ['Deny'] } } });
    expect((await ask(https, 'POST', maps, { identity: bob, body: { metadata: { name: 'x' } } })).json.message).toMatch(/denied request: a painter$/);
    expect((await ask(https, 'POST', maps, { identity: https.admin, body: { metadata: { name: 'y' } } })).json.message).toMatch(/denied request: a painter$/);
  } finally {
    webhook.closeAllConnections();
    await new Promise((resolve) => webhook.close(resolve));
    rmSync(folder, { recursive: true });
  }
});

test('pod security and quotas have the defaults, exemptions and limits of the admission configuration', async () => {
  const configuration = readServerConfiguration(`
apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
- name: PodSecurity
  configuration:
    apiVersion: pod-security.admission.config.k8s.io/v1
    kind: PodSecurityConfiguration
    defaults: { enforce: baseline, warn: restricted, warn-version: v1.30 }
    exemptions: { namespaces: [kube-system], usernames: [root], runtimeClasses: [] }
- name: ResourceQuota
  configuration:
    apiVersion: apiserver.config.k8s.io/v1
    kind: ResourceQuotaConfiguration
    limitedResources:
    - { resource: services, matchContains: [services.loadbalancers] }
    - { resource: pods, matchScopes: [{ scopeName: PriorityClass, operator: In, values: [system-cluster-critical] }] }
`, 'test');
  await using api = await startTestHttpsApiServer({ configuration });
  const { https } = api;
  const create = (namespace: string, name: string, identity = https.admin) => ask(https, 'POST', `/api/v1/namespaces/${namespace}/pods`, { identity, body: { metadata: { name }, spec: { hostNetwork: name === 'host', containers: [{ name: 'c', image: 'i' }] } } });
  expect((await create('default', 'host')).json.message).toBe('pods "host" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)');
  const plain = await create('default', 'plain');
  expect([plain.code, plain.headers['warning']]).toEqual([201, expect.stringContaining('would violate PodSecurity \\"restricted:v1.30\\"')]);
  expect((await create('kube-system', 'host')).code).toBe(201);
  expect((await create('default', 'host', await https.certificateFor({ name: 'root', groups: ['system:masters'] }))).code).toBe(201);
  const balanced = (namespace: string) => ask(https, 'POST', `/api/v1/namespaces/${namespace}/services`, { identity: https.admin, body: { metadata: { name: 'lb' }, spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } } });
  expect((await balanced('default')).json).toMatchObject({ code: 403, message: 'services "lb" is forbidden: insufficient quota to consume: services.loadbalancers' });
  const critical = await ask(https, 'POST', '/api/v1/namespaces/default/pods', { identity: https.admin, body: { metadata: { name: 'critical' }, spec: { priorityClassName: 'system-cluster-critical', containers: [{ name: 'c', image: 'i' }] } } });
  expect(critical.json).toMatchObject({ code: 500, message: 'insufficient quota to match these scopes: [{PriorityClass In [system-cluster-critical]}]' });
  const quota = { metadata: { name: 'q' }, spec: { hard: { 'services.loadbalancers': '1' } } };
  await ask(https, 'POST', '/api/v1/namespaces/default/resourcequotas', { identity: https.admin, body: quota });
  await ask(https, 'PUT', '/api/v1/namespaces/default/resourcequotas/q/status', { identity: https.admin, body: { ...quota, status: { hard: quota.spec.hard, used: { 'services.loadbalancers': '0' } } } });
  expect((await balanced('default')).code).toBe(201);
  const labelled = await ask(https, 'PATCH', '/api/v1/namespaces/kube-system', { identity: https.admin, headers: { 'content-type': 'application/merge-patch+json' }, body: { metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } } });
  expect(labelled.headers['warning']).toContain('namespace \\"kube-system\\" is exempt from Pod Security, and the policy (enforce=restricted:latest) will be ignored');
});

test.each([
  ['AuthorizationConfiguration', 'authorizers: []', 'at least one authorization mode must be defined'],
  ['AuthorizationConfiguration', 'authorizers: [{ type: RBAC, name: a }, { type: RBAC, name: b }]', 'RBAC is there twice'],
  ['AuthorizationConfiguration', 'authorizers: [{ type: Webhook, name: a }]', 'required when type=Webhook'],
  ['AdmissionConfiguration', 'plugins: [{ name: Nothing }]', 'no such plugin can be configured'],
])('%s: %s', (kind, text, fault) => {
  expect(() => readServerConfiguration(`apiVersion: apiserver.config.k8s.io/v1\nkind: ${kind}\n${text}\n`, 'test')).toThrow(fault);
});

test('authentication, authorization and encryption change while the server runs; what cannot be used changes nothing', async () => {
  const read = (text: string) => readServerConfiguration(text.replaceAll(/^kind: (\w+)Configuration$/gm, 'apiVersion: apiserver.config.k8s.io/v1\nkind: $1Configuration'), 'test');
  await using api = await startTestHttpsApiServer();
  const { https } = api;
  const code = async (path: string, identity?: KeyPair) => (await ask(https, 'GET', path, { identity })).code;
  const bob = await https.certificateFor({ name: 'bob', groups: [] });
  expect([await code('/version'), await code('/api/v1/nodes', bob)]).toEqual([200, 403]);
  await api.server.configure(read('kind: AuthenticationConfiguration\nanonymous: { enabled: false }\n---\nkind: AuthorizationConfiguration\nauthorizers: [{ type: AlwaysAllow, name: a }]\n'));
  expect([await code('/version'), await code('/api/v1/nodes', bob)]).toEqual([401, 200]);
  await api.server.configure(read('kind: AuthenticationConfiguration\nanonymous: { enabled: true }\n---\nkind: AuthorizationConfiguration\nauthorizers: [{ type: Webhook, name: w, webhook: { timeout: 1s, subjectAccessReviewVersion: v1, failurePolicy: Deny, connectionInfo: { type: KubeConfigFile, kubeConfigFile: /nowhere/at/all } } }]\n'));
  expect([await code('/version'), await code('/api/v1/nodes', bob)]).toEqual([200, 200]);
  const metrics = await new Promise<string>((resolve, reject) => request(`${https.url}/metrics`, { ca: https.authority, agent: false, key: https.admin.key, cert: https.admin.certificate }, (answer) => {
    let text = '';
    answer.on('data', (piece: Buffer) => (text += piece.toString()));
    answer.on('end', () => resolve(text));
  }).on('error', reject).end());
  for (const [of, status, count] of [['authentication', 'success', 2], ['authorization', 'success', 1], ['authorization', 'failure', 1]]) {
    expect(metrics).toMatch(new RegExp(`^apiserver_${of}_config_controller_automatic_reloads_total\\{apiserver_id_hash="sha256:[0-9a-f]{64}",status="${status}"\\} ${count}$`, 'm'));
  }
  await api.server.configure({});
  expect([await code('/version'), await code('/api/v1/nodes', bob)]).toEqual([200, 403]);
});

test('audit events go to the server of a kubeconfig', async () => {
  const got: any[] = [];
  const sink = createHttpServer((incoming, answer) => {
    let text = '';
    incoming.on('data', (piece: Buffer) => (text += piece.toString()));
    incoming.on('end', () => {
      got.push({ token: incoming.headers.authorization, ...JSON.parse(text) });
      answer.end();
    });
  });
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
  const configuration = readServerConfiguration(`
{ apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{ level: Metadata, users: [bob] }] }
---
apiVersion: v1
kind: Config
current-context: a
contexts: [{ name: a, context: { cluster: c, user: u } }]
clusters: [{ name: c, cluster: { server: 'http://127.0.0.1:${(sink.address() as AddressInfo).port}/events' } }]
users: [{ name: u, user: { token: secret } }]
`, 'test');
  {
    await using api = await startTestHttpsApiServer({ configuration });
    await ask(api.https, 'GET', '/api/v1/pods', { identity: await api.https.certificateFor({ name: 'bob', groups: [] }) });
  }
  // Without TLS nobody is shown the token.
  expect(got).toMatchObject([{ token: undefined, kind: 'EventList', apiVersion: 'audit.k8s.io/v1', items: [{ stage: 'RequestReceived', user: { username: 'bob' } }, { stage: 'ResponseComplete', responseStatus: { code: 403 } }] }]);
  sink.closeAllConnections();
  await new Promise((resolve) => sink.close(resolve));
});
