import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { configMaps, deployments, deviceClasses, resourceClaims, mutatingAdmissionPolicies, mutatingAdmissionPolicyBindings, mutatingWebhookConfigurations, namespaces, pods, serviceAccounts, validatingAdmissionPolicies, validatingAdmissionPolicyBindings, validatingWebhookConfigurations } from '../../api/generated/resources.ts';
import { createAuthority, issueCertificate } from '../../base/certificates.ts';
import { systemClock } from '../../base/clock.ts';
import { silentLog, type Log } from '../../base/log.ts';
import { systemRandom } from '../../base/random.ts';
import { startApiServer } from '../start-api-server.ts';

interface Review {
  readonly request: { readonly uid: string; readonly operation: string; readonly name?: string; readonly object: { readonly metadata: { readonly name: string }; readonly data?: Record<string, string> } | null; readonly dryRun: boolean };
}
type Behaviour = (review: Review) => object | 'hang' | 'break';

const now = Date.now();
const authority = await createAuthority('ca', { now });
const serving = await issueCertificate(authority, { commonName: 'hook', addresses: ['127.0.0.1'], usages: ['server auth'], days: 1, now });
const serviceAccountKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;

async function world(behaviours: Record<string, Behaviour>) {
  const seen: Review[] = [];
  const hook = createServer({ key: serving.key, cert: serving.certificate }, (request, response) => {
    let text = '';
    request.on('data', (piece) => (text += String(piece)));
    request.on('end', () => {
      const review = JSON.parse(text) as Review;
      seen.push(review);
      const answer = behaviours[request.url!.split('?')[0]!.slice(1)]!(review);
      if (answer === 'hang') return;
      if (answer === 'break') response.writeHead(500).end('broken');
      else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid: review.request.uid, ...answer } }));
    });
  });
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
  const { port } = hook.address() as AddressInfo;
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warn: (text) => void warnings.push(text), child: () => log };
  const server = await startApiServer({ clock: systemClock, random: systemRandom, log, authority, serviceAccountKey, serviceCidr: '10.96.0.0/16', nodePorts: [30000, 32767], freezeObjects: true });
  const admin = server.client({ name: 'admin', groups: ['system:masters'] });
  const webhook = (path: string, more: object = {}): object => ({
    name: `${path}.example.com`, clientConfig: { url: `https://127.0.0.1:${port}/${path}`, caBundle: Buffer.from(authority.certificate).toString('base64') },
    rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }], sideEffects: 'None', admissionReviewVersions: ['v1'], ...more,
  });
  const map = (name: string, data: Record<string, string> = {}, labels: Record<string, string> = {}) => ({ metadata: { namespace: 'default', name, labels }, data });
  return {
    seen, warnings, admin, webhook, map,
    mutating: (...webhooks: object[]) => admin.create(mutatingWebhookConfigurations, { metadata: { name: 'm' }, webhooks } as never),
    validating: (...webhooks: object[]) => admin.create(validatingWebhookConfigurations, { metadata: { name: 'v' }, webhooks } as never),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      hook.closeAllConnections();
      await new Promise((resolve) => hook.close(resolve));
    },
  };
}

const patch = (operations: readonly object[]): object => ({ allowed: true, patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(operations)).toString('base64') });

test('mutation in order, asked again where wanted, and only where it applies', async () => {
  await using w = await world({
    first: ({ request }) => (request.object!.data?.['seen'] ? patch([{ op: 'replace', path: '/data/seen', value: 'second' }]) : { allowed: true, warnings: ['first was here'] }),
    second: () => patch([{ op: 'add', path: '/data', value: { seen: 'yes' } }, { op: 'add', path: '/nonsense', value: 1 }]),
  });
  await w.mutating(
    w.webhook('first', { reinvocationPolicy: 'IfNeeded' }),
    w.webhook('second', { objectSelector: { matchLabels: { ask: 'yes' } }, matchConditions: [{ name: 'c', expression: 'object.metadata.name != "skip-me" && request.userInfo.username == "admin"' }] }),
  );
  const created = await w.admin.create(configMaps, w.map('a', {}, { ask: 'yes' }));
  expect(created.data).toEqual({ seen: 'second' });
  expect(created).not.toHaveProperty('nonsense');
  expect(w.seen.map((r) => r.request.operation)).toEqual(['CREATE', 'CREATE', 'CREATE']);
  expect(w.warnings).toContain('first was here');
  expect((await w.admin.create(configMaps, w.map('skip-me', { k: 'v' }, { ask: 'yes' }))).data).toEqual({ k: 'v' });
  expect((await w.admin.create(configMaps, w.map('b', { k: 'v' }))).data).toEqual({ k: 'v' });
});

test('refusal, faults and failure policies', async () => {
  await using w = await world({
    deny: ({ request }) => (request.object!.metadata.name === 'bad' ? { allowed: false, status: { message: 'no bad names', code: 403, reason: 'Forbidden' } } : { allowed: true }),
    broken: () => 'break', slow: () => 'hang', wrong: () => ({ allowed: true, uid: 'other' }),
  });
  await w.validating(w.webhook('deny'));
  await expect(w.admin.create(configMaps, w.map('bad'))).rejects.toMatchObject({ code: 403, reason: 'Forbidden', message: 'admission webhook "deny.example.com" denied the request: no bad names' });
  await w.admin.create(configMaps, w.map('good'));
  const only = async (...webhooks: object[]): Promise<void> => {
    const v = await w.admin.get(validatingWebhookConfigurations, { name: 'v' });
    await w.admin.update(validatingWebhookConfigurations, { ...v, webhooks: webhooks as never });
  };
  await only(w.webhook('broken'));
  await expect(w.admin.create(configMaps, w.map('x'))).rejects.toThrow('Internal error occurred: failed calling webhook "broken.example.com": failed to call webhook: an error on the server ("broken")');
  await only(w.webhook('slow', { timeoutSeconds: 1 }));
  await expect(w.admin.create(configMaps, w.map('x'))).rejects.toThrow(/failed calling webhook "slow\.example\.com": failed to call webhook: Post "https:\/\/127\.0\.0\.1:\d+\/slow\?timeout=1s": context deadline exceeded/);
  await only(w.webhook('wrong'));
  await expect(w.admin.create(configMaps, w.map('x'))).rejects.toThrow('received invalid webhook response: expected response.uid=');
  await only(w.webhook('broken', { failurePolicy: 'Ignore' }));
  await w.admin.create(configMaps, w.map('x'));
  await only({ ...w.webhook('deny'), clientConfig: { service: { namespace: 'default', name: 'gone' } } });
  await expect(w.admin.create(configMaps, w.map('z'))).rejects.toThrow('failed calling webhook "deny.example.com": failed to call webhook: Post "https://gone.default.svc:443/?timeout=10s": service "gone" not found');
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as AddressInfo;
  closed.close();
  await once(closed, 'close');
  await only({ ...w.webhook('deny'), clientConfig: { url: `https://127.0.0.1:${port}/` } });
  await expect(w.admin.create(configMaps, w.map('z'))).rejects.toThrow(`dial tcp 127.0.0.1:${port}: connect: connection refused`);
  await expect(only(w.webhook('deny', { matchConditions: [{ name: 'c', expression: '... [' }] }))).rejects.toThrow('compilation failed');
});

test('validating policies with parameters, variables, messages and actions', async () => {
  await using w = await world({});
  await w.admin.create(configMaps, { metadata: { namespace: 'default', name: 'limits' }, data: { max: '3' } });
  await w.admin.create(validatingAdmissionPolicies, {
    metadata: { name: 'replicas' },
    spec: {
      failurePolicy: 'Fail', paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      matchConstraints: { resourceRules: [{ operations: ['CREATE', 'UPDATE'], apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'] }] },
      variables: [{ name: 'max', expression: 'int(params.data.max)' }],
      validations: [
        { expression: 'object.spec.replicas <= variables.max', messageExpression: '"at most %d replicas".format([variables.max])', reason: 'Forbidden' },
        { expression: 'namespaceObject.metadata.name == "default" || authorizer.group("apps").resource("deployments").check("delete").allowed()' },
      ],
    },
  });
  const binding = (name: string, actions: readonly string[], max = 'limits') => w.admin.create(validatingAdmissionPolicyBindings, {
    metadata: { name }, spec: { policyName: 'replicas', validationActions: actions, paramRef: { name: max, namespace: 'default', parameterNotFoundAction: 'Deny' } },
  });
  await binding('deny', ['Deny']);
  await binding('warn', ['Warn']);
  const deployment = (name: string, replicas: number) => w.admin.create(deployments, {
    metadata: { namespace: 'default', name }, spec: { replicas, selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } } },
  } as never);
  await deployment('small', 3);
  await expect(deployment('large', 4)).rejects.toMatchObject({
    code: 403, reason: 'Forbidden', message: 'deployments.apps "large" is forbidden: ValidatingAdmissionPolicy \'replicas\' with binding \'deny\' denied request: at most 3 replicas',
  });
  expect(w.warnings).toContain("Validation failed for ValidatingAdmissionPolicy 'replicas' with binding 'warn': at most 3 replicas");
  await w.admin.delete(configMaps, { namespace: 'default', name: 'limits' });
  await expect(deployment('small2', 1)).rejects.toThrow('denied request: failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction');
  await w.admin.create(namespaces, { metadata: { name: 'other' } } as never);
});

test('mutating policies merge and patch', async () => {
  await using w = await world({});
  const policy = async (name: string, mutation: object): Promise<void> => {
    await w.admin.create(mutatingAdmissionPolicies, {
      metadata: { name },
      spec: {
        failurePolicy: 'Fail', reinvocationPolicy: 'Never', mutations: [mutation], variables: [{ name: 'count', expression: 'object.spec.replicas + 1' }],
        matchConstraints: { resourceRules: [{ operations: ['CREATE'], apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'] }] },
      },
    } as never);
    await w.admin.create(mutatingAdmissionPolicyBindings, { metadata: { name }, spec: { policyName: name } } as never);
  };
  await policy('a', { patchType: 'ApplyConfiguration', applyConfiguration: { expression: `
    Object{
      metadata: Object.metadata{annotations: {"mutated-by": "admission-policy"}},
      spec: Object.spec{replicas: variables.count, template: Object.spec.template{spec: Object.spec.template.spec{
        containers: object.spec.template.spec.containers.map(c, Object.spec.template.spec.containers.item{name: c.name, imagePullPolicy: c.image == "i" ? "Never" : "Always"})}}}
    }` } });
  await policy('b', { patchType: 'JSONPatch', jsonPatch: { expression: '[JSONPatch{op: "add", path: "/metadata/labels", value: {"k": "v"}}, JSONPatch{op: "add", path: "/metadata/annotations/literal", value: "Object{x: 1}"}, JSONPatch{op: "add", path: "/metadata/annotations/" + jsonpatch.escapeKey("x/y"), value: string(variables.count)}]' } });
  const made = await w.admin.create(deployments, {
    metadata: { namespace: 'default', name: 'd' },
    spec: { replicas: 2, selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } } },
  } as never);
  expect(made.spec.replicas).toBe(3);
  expect(made.metadata.annotations).toEqual({ 'mutated-by': 'admission-policy', 'x/y': '4', literal: 'Object{x: 1}' });
  expect(made.metadata.labels).toEqual({ k: 'v' });
  expect(made.spec.template.spec!.containers).toMatchObject([{ name: 'c', image: 'i', imagePullPolicy: 'Never' }]);
  await expect(policy('c', { patchType: 'JSONPatch', jsonPatch: { expression: 'object.' } })).rejects.toThrow('spec.mutations[0].jsonPatch.expression: Invalid value: "object.": compilation failed');
});

test('expressions that cannot be compiled, or name variables that a policy does not have, are refused', async () => {
  await using w = await world({});
  const policy = (spec: object) => w.admin.create(validatingAdmissionPolicies, { metadata: { name: 'p' }, spec: { matchConstraints: { resourceRules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }] }, ...spec } } as never);
  await expect(policy({ validations: [{ expression: 'variables.r < 5' }] })).rejects.toThrow("compilation failed: ERROR: <input>:1:1: undeclared reference to 'variables' (in container '')\n | variables.r < 5\n | ^");
  await expect(policy({ variables: [{ name: 'a', expression: '1' }], validations: [{ expression: '"variables.x" == "" || variables.r < 5' }] })).rejects.toThrow("ERROR: <input>:1:33: undefined field 'r'");
  await expect(policy({ variables: [{ name: 'a', expression: '1' }], validations: [{ expression: 'variables.a < 5' }], auditAnnotations: [{ key: 'k', valueExpression: 'Bad_Value!' }] })).rejects.toThrow('spec.auditAnnotations[0].valueExpression');
  const selectors = (expression: string) => [{ cel: { expression } }];
  await expect(w.admin.create(deviceClasses, { metadata: { name: 'c' }, spec: { selectors: selectors('other') } })).rejects.toThrow('spec.selectors[0].cel.expression: Invalid value: "other": compilation failed');
  await w.admin.create(deviceClasses, { metadata: { name: 'c' }, spec: { selectors: selectors('device.driver == "x" && device.attributes["x"].model == "m"') } });
  const claim = (expression: string) => w.admin.create(resourceClaims, { metadata: { namespace: 'default', name: 'c' }, spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'c', selectors: selectors(expression) } }] } } });
  await expect(claim('device.')).rejects.toThrow('spec.devices.requests[0].exactly.selectors[0].cel.expression');
  await claim('device.capacity["x"].memory.compareTo(quantity("1Gi")) >= 0');
});

test('what a webhook adds is defaulted as if it had been sent, and it is shown the version that it names', async () => {
  await using w = await world({
    inject: () => patch([{ op: 'add', path: '/spec/containers/-', value: { name: 'sidecar', image: 's' } }]),
    unserved: () => ({ allowed: false }),
    scaler: ({ request }) => patch([{ op: 'replace', path: '/spec/metrics/0/resource/target/averageUtilization', value: (request as any).object.spec.metrics[0].resource.target.averageUtilization + 1 }]),
    // Reviews of v1beta1 say neither whose answer they are nor what kind of patch theirs is.
    old: () => ({ allowed: true, uid: '', patch: Buffer.from('[{"op":"add","path":"/metadata/labels/old","value":"yes"}]').toString('base64') }),
  });
  const rules = (apiGroups: string, apiVersions: string, resources: string): object => ({ rules: [{ operations: ['CREATE'], apiGroups: [apiGroups], apiVersions: [apiVersions], resources: [resources] }] });
  await w.mutating(
    w.webhook('inject', rules('', 'v1', 'pods')), w.webhook('unserved', rules('', 'v1beta1', 'configmaps')), w.webhook('scaler', rules('autoscaling', 'v2', 'horizontalpodautoscalers')),
    w.webhook('old', { admissionReviewVersions: ['v2', 'v1beta1'] }),
  );
  await w.admin.create(serviceAccounts, { metadata: { namespace: 'default', name: 'default' } });
  const pod = await w.admin.create(pods, { metadata: { namespace: 'default', name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } } as never);
  expect(pod.spec.volumes).toHaveLength(1);
  expect(pod.spec.containers.map(({ name, volumeMounts }) => [name, volumeMounts!.map(({ mountPath }) => mountPath)])).toEqual([['c', ['/var/run/secrets/kubernetes.io/serviceaccount']], ['sidecar', ['/var/run/secrets/kubernetes.io/serviceaccount']]]);
  expect((await w.admin.create(configMaps, w.map('a', {}, { ask: 'yes' }))).metadata.labels).toEqual({ ask: 'yes', old: 'yes' });
  await w.admin.create(mutatingAdmissionPolicies, { metadata: { name: 'm' }, spec: {
    failurePolicy: 'Fail', reinvocationPolicy: 'Never', matchConstraints: { resourceRules: [{ operations: ['CREATE'], apiGroups: ['autoscaling'], apiVersions: ['v2'], resources: ['horizontalpodautoscalers'] }] },
    mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{metadata: Object.metadata{labels: {"seen": object.spec.metrics[0].type}}}' } }],
  } } as never);
  await w.admin.create(mutatingAdmissionPolicyBindings, { metadata: { name: 'm' }, spec: { policyName: 'm' } } as never);
  const scaler = await w.admin.create({ group: 'autoscaling', version: 'v1', resource: 'horizontalpodautoscalers', kind: 'HorizontalPodAutoscaler', namespaced: true }, {
    metadata: { namespace: 'default', name: 'h' }, spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }, maxReplicas: 2, targetCPUUtilizationPercentage: 50 },
  } as never) as any;
  expect([scaler.apiVersion, scaler.metadata.labels, scaler.spec.targetCPUUtilizationPercentage]).toEqual(['autoscaling/v1', { seen: 'Resource' }, 51]);
  const review = w.seen.find(({ request }) => request.name === 'h') as any;
  expect(review.request).toMatchObject({ resource: { version: 'v2' }, kind: { version: 'v2' }, requestResource: { version: 'v1' }, requestKind: { version: 'v1' }, object: { apiVersion: 'autoscaling/v2' } });
});
