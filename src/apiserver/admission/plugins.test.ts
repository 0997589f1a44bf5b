import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Pod } from '../../api/generated/core-v1.ts';
import { clusterRoleBindings, clusterRoles, leases, limitRanges, namespaces, nodes, persistentVolumeClaims, pods, priorityClasses, resourceQuotas, roleBindings, secrets, serviceAccounts, services, storageClasses, tokenReviews } from '../../api/generated/resources.ts';
import type { User } from '../../api/kind.ts';
import type { New } from '../../api/object.ts';
import { createAuthority } from '../../base/certificates.ts';
import { systemClock } from '../../base/clock.ts';
import { silentLog, type Log } from '../../base/log.ts';
import { systemRandom } from '../../base/random.ts';
import type { ApiServer } from '../api-server.ts';
import { startApiServer } from '../start-api-server.ts';

const authority = await createAuthority('ca', { now: Date.now() });
const serviceAccountKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
const ADMIN: User = { name: 'admin', groups: ['system:masters'] };

async function world() {
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warn: (text) => void warnings.push(text), child: () => log };
  const server: ApiServer = await startApiServer({
    clock: systemClock, random: systemRandom, log, authority, serviceAccountKey, serviceCidr: '10.96.0.0/16', nodePorts: [30000, 32767], freezeObjects: true,
  });
  const admin = server.client(ADMIN);
  await admin.create(namespaces, { metadata: { name: 'a' } } as never);
  await admin.create(serviceAccounts, { metadata: { namespace: 'a', name: 'default' } });
  const pod = (name: string, spec: object = {}, container: object = {}, metadata: object = {}): New<Pod> =>
    ({ metadata: { namespace: 'a', name, ...metadata }, spec: { containers: [{ name: 'c', image: 'i', ...container }], ...spec } }) as New<Pod>;
  return { server, admin, pod, warnings, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

test('a plain pod gets its account, its token, its priority and its tolerations', async () => {
  await using w = await world();
  const created = await w.admin.create(pods, w.pod('p'));
  expect(created.spec).toMatchObject({ serviceAccountName: 'default', serviceAccount: 'default', priority: 0, preemptionPolicy: 'PreemptLowerPriority' });
  const [volume] = created.spec.volumes!;
  expect(volume!.name).toMatch(/^kube-api-access-[a-z0-9]{5}$/);
  expect(volume!.projected!.sources!.map((s) => Object.keys(s)[0])).toEqual(['serviceAccountToken', 'configMap', 'downwardAPI']);
  expect(created.spec.containers[0]!.volumeMounts).toEqual([{ name: volume!.name, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }]);
  expect(created.spec.tolerations!.map((t) => `${t.key} ${t.effect} ${t.tolerationSeconds}`)).toEqual(['node.kubernetes.io/not-ready NoExecute 300', 'node.kubernetes.io/unreachable NoExecute 300']);
  expect((await w.admin.create(pods, w.pod('q', { automountServiceAccountToken: false }))).spec.volumes).toBeUndefined();
  await expect(w.admin.create(pods, w.pod('r', { serviceAccountName: 'none' }))).rejects.toThrow('pods "r" is forbidden: error looking up service account a/none: serviceaccount "none" not found');
  await w.admin.create(priorityClasses, { metadata: { name: 'high' }, value: 7 });
  expect((await w.admin.create(pods, w.pod('s', { priorityClassName: 'high' }))).spec.priority).toBe(7);
  await expect(w.admin.create(pods, w.pod('t', { priorityClassName: 'none' }))).rejects.toThrow('no PriorityClass with name none was found');
});

test('a pod waits a moment for the account of a new namespace', async () => {
  await using w = await world();
  await w.admin.create(namespaces, { metadata: { name: 'b' } } as never);
  const creating = w.admin.create(pods, w.pod('p', {}, {}, { namespace: 'b' }));
  await w.admin.create(serviceAccounts, { metadata: { namespace: 'b', name: 'default' } });
  expect((await creating).spec.serviceAccountName).toBe('default');
});

test('a secret for an account holds its token', async () => {
  await using w = await world();
  const made = await w.admin.create(secrets, { metadata: { namespace: 'a', name: 's', annotations: { 'kubernetes.io/service-account.name': 'default' } }, type: 'kubernetes.io/service-account-token' });
  expect(Object.keys(made.data!).sort()).toEqual(['ca.crt', 'namespace', 'token']);
  const token = Buffer.from(made.data!['token']!, 'base64').toString();
  const review = await w.admin.create(tokenReviews, { metadata: {}, spec: { token } } as never);
  expect(review.status).toMatchObject({ authenticated: true, user: { username: 'system:serviceaccount:a:default' } });
  await w.admin.delete(secrets, { namespace: 'a', name: 's' });
  expect((await w.admin.create(tokenReviews, { metadata: {}, spec: { token } } as never)).status).toEqual({ user: {}, error: '[invalid bearer token, service account token has been invalidated]' });
});

test('namespaces', async () => {
  await using w = await world();
  await expect(w.admin.create(pods, w.pod('p', {}, {}, { namespace: 'none' }))).rejects.toMatchObject({ code: 404, message: 'namespaces "none" not found' });
  await expect(w.admin.delete(namespaces, { name: 'kube-system' })).rejects.toThrow('namespaces "kube-system" is forbidden: this namespace may not be deleted');
  await w.admin.delete(namespaces, { name: 'a' });
  await expect(w.admin.create(services, { metadata: { namespace: 'a', name: 's' }, spec: { ports: [{ port: 1 }] } } as never)).rejects.toMatchObject({
    code: 403, message: 'services "s" is forbidden: unable to create new content in namespace a because it is being terminated',
    status: { details: { causes: [{ reason: 'NamespaceTerminating' }] } },
  });
});

test('limit ranges fill in and refuse', async () => {
  await using w = await world();
  await w.admin.create(limitRanges, { metadata: { namespace: 'a', name: 'l' }, spec: { limits: [{ type: 'Container', default: { cpu: '500m' }, defaultRequest: { cpu: '100m' }, max: { cpu: '1' }, min: { cpu: '50m' }, maxLimitRequestRatio: { cpu: '10' } }] } });
  const created = await w.admin.create(pods, w.pod('p'));
  expect(created.spec.containers[0]!.resources).toEqual({ limits: { cpu: '500m' }, requests: { cpu: '100m' } });
  expect(created.metadata.annotations).toEqual({ 'kubernetes.io/limit-ranger': 'LimitRanger plugin set: cpu request for container c; cpu limit for container c' });
  const amounts = (requests: string, limits: string): object => ({ resources: { requests: { cpu: requests }, limits: { cpu: limits } } });
  await expect(w.admin.create(pods, w.pod('q', {}, amounts('1', '2')))).rejects.toThrow('pods "q" is forbidden: maximum cpu usage per Container is 1, but limit is 2');
  await expect(w.admin.create(pods, w.pod('q', {}, amounts('10m', '500m')))).rejects.toThrow('[minimum cpu usage per Container is 50m, but request is 10m, cpu max limit to request ratio per Container is 10, but provided ratio is 50.000000]');
});

test('a deadline moves a pod to the quotas of those that end', async () => {
  await using w = await world();
  await w.admin.create(resourceQuotas, { metadata: { namespace: 'a', name: 'ending' }, spec: { hard: { pods: '1' }, scopes: ['Terminating'] } });
  const quota = await w.admin.get(resourceQuotas, { namespace: 'a', name: 'ending' });
  await w.admin.updateStatus(resourceQuotas, { ...quota, status: { hard: { pods: '1' }, used: { pods: '0' } } });
  const pod = await w.admin.create(pods, w.pod('p'));
  await w.admin.update(pods, { ...pod, spec: { ...pod.spec, activeDeadlineSeconds: 60 } });
  await expect(w.admin.create(pods, w.pod('q', { activeDeadlineSeconds: 60 }))).rejects.toThrow('exceeded quota: ending, requested: pods=1, used: pods=1, limited: pods=1');
  const revised = (name: string, spec: object): Pod => ({ ...w.pod(name, spec), metadata: { namespace: 'a', name, resourceVersion: '1' } }) as Pod;
  await expect(w.admin.create(pods, revised('q', { activeDeadlineSeconds: 60 }))).rejects.toThrow('exceeded quota: ending');
  await expect(w.admin.create(pods, revised('r', {}))).rejects.toThrow('resourceVersion should not be set on objects to be created');
});

test('quotas are charged as things are made, by no more than there is room for', async () => {
  await using w = await world();
  await w.admin.create(resourceQuotas, { metadata: { namespace: 'a', name: 'q' }, spec: { hard: { pods: '2', 'requests.cpu': '1', 'count/services': '1', 'services.nodeports': '1' } } });
  const quota = await w.admin.get(resourceQuotas, { namespace: 'a', name: 'q' });
  const zero = { pods: '0', 'requests.cpu': '0', 'count/services': '0', 'services.nodeports': '0' };
  await w.admin.updateStatus(resourceQuotas, { ...quota, status: { hard: quota.spec!.hard!, used: zero } });
  const asks = (cpu: string): object => ({ resources: { requests: { cpu } } });
  await expect(w.admin.create(pods, w.pod('p'))).rejects.toThrow('pods "p" is forbidden: failed quota: q: must specify requests.cpu for: c');
  await w.admin.create(pods, w.pod('p', {}, asks('400m')));
  const race = await Promise.allSettled(['x', 'y', 'z'].map((name) => w.admin.create(pods, w.pod(name, {}, asks('400m')))));
  expect(race.filter((r) => r.status === 'fulfilled')).toHaveLength(1);
  expect(String(race.find((r) => r.status === 'rejected')!.reason)).toContain('exceeded quota: q, requested: pods=1,requests.cpu=400m, used: pods=2,requests.cpu=800m, limited: pods=2,requests.cpu=1');
  await expect(w.admin.create(services, { metadata: { namespace: 'a', name: 's' }, spec: { type: 'NodePort', ports: [{ name: 'x', port: 1 }, { name: 'y', port: 2 }] } } as never)).rejects.toThrow('exceeded quota: q, requested: services.nodeports=2, used: services.nodeports=0, limited: services.nodeports=1');
  await w.admin.create(services, { metadata: { namespace: 'a', name: 's' }, spec: { ports: [{ port: 1 }] } } as never);
  expect((await w.admin.get(resourceQuotas, { namespace: 'a', name: 'q' })).status!.used).toEqual({ pods: '2', 'requests.cpu': '800m', 'count/services': '1', 'services.nodeports': '0' });
});

test('pod security standards by the labels of the namespace', async () => {
  await using w = await world();
  const labelled = async (name: string, labels: Record<string, string>): Promise<void> => {
    await w.admin.create(namespaces, { metadata: { name, labels } } as never);
    await w.admin.create(serviceAccounts, { metadata: { namespace: name, name: 'default' } });
  };
  await labelled('strict', { 'pod-security.kubernetes.io/enforce': 'restricted' });
  await labelled('base', { 'pod-security.kubernetes.io/enforce': 'baseline', 'pod-security.kubernetes.io/warn': 'restricted' });
  await expect(w.admin.create(pods, w.pod('p', {}, {}, { namespace: 'strict' }))).rejects.toThrow(
    'pods "p" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), '
    + 'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), '
    + 'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")');
  const good = { securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } } };
  await w.admin.create(pods, w.pod('p', {}, good, { namespace: 'strict' }));
  await expect(w.admin.create(pods, w.pod('p', { hostNetwork: true, volumes: [{ name: 'v', hostPath: { path: '/' } }] }, { securityContext: { privileged: true } }, { namespace: 'base' }))).rejects.toThrow(
    'violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true), hostPath volumes (volume "v"), privileged (container "c" must not set securityContext.privileged=true)');
  await w.admin.create(pods, w.pod('p', {}, {}, { namespace: 'base' }));
  expect(w.warnings.some((text) => text.startsWith('would violate PodSecurity "restricted:latest": allowPrivilegeEscalation'))).toBe(true);
  const base = await w.admin.get(namespaces, { name: 'base' });
  await w.admin.update(namespaces, { ...base, metadata: { ...base.metadata, labels: { ...base.metadata.labels, 'pod-security.kubernetes.io/enforce': 'restricted' } } });
  expect(w.warnings).toContain('existing pods in namespace "base" violate the new PodSecurity enforce level "restricted:latest"');
  expect(w.warnings).toContain('p: allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile');
  await expect(labelled('odd', { 'pod-security.kubernetes.io/enforce': 'nonsense' })).rejects.toThrow('must be one of privileged, baseline, restricted');
});

test('a node writes itself and nobody else', async () => {
  await using w = await world();
  const node = w.server.client({ name: 'system:node:n', groups: ['system:nodes'] });
  const made = await node.create(nodes, { metadata: { name: 'n', labels: { 'kubernetes.io/hostname': 'n' } } } as never);
  expect(made.spec.taints).toEqual([{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }]);
  await expect(node.create(nodes, { metadata: { name: 'm' } } as never)).rejects.toThrow('node "n" is not allowed to modify node "m"');
  await expect(node.update(nodes, { ...made, metadata: { ...made.metadata, labels: { 'node-role.kubernetes.io/control-plane': '' } } })).rejects.toThrow('is not allowed to modify labels: node-role.kubernetes.io/control-plane');
  await expect(node.update(nodes, { ...made, spec: {} })).rejects.toThrow('node "n" is not allowed to modify taints');
  await node.updateStatus(nodes, { ...made, status: { phase: 'Running' } });
  await expect(node.create(leases, { metadata: { namespace: 'kube-node-lease', name: 'm' }, spec: {} })).rejects.toThrow('can only access node lease with the same name as the requesting node');
  await node.create(leases, { metadata: { namespace: 'kube-node-lease', name: 'n' }, spec: {} });
  const pod = await w.admin.create(pods, w.pod('p'));
  await expect(node.updateStatus(pods, pod)).rejects.toThrow('node "n" can only update pod status for pods with spec.nodeName set to itself');
  await w.admin.createSubresource(pods, { namespace: 'a', name: 'p' }, 'binding', { metadata: { name: 'p' }, target: { kind: 'Node', name: 'n' } });
  const bound = await node.get(pods, { namespace: 'a', name: 'p' });
  await node.updateStatus(pods, { ...bound, status: { ...bound.status, phase: 'Running' } });
  const account = { namespace: 'a', name: 'default' };
  const ask = (spec: object): Promise<{ status: { token: string } }> => node.createSubresource(serviceAccounts, account, 'token', { spec });
  const token = await ask({ boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: bound.metadata.uid }, expirationSeconds: 3607 });
  expect(token.status.token.split('.')).toHaveLength(3);
  await expect(ask({})).rejects.toThrow('node requested token not bound to a pod');
  await expect(ask({ audiences: ['vault'], boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: bound.metadata.uid } })).rejects.toThrow('audience "vault" not found in pod spec volume');
});

test('bindings, evictions and budgets', async () => {
  await using w = await world();
  const scheduler = w.server.client({ name: 'system:kube-scheduler', groups: [] });
  await w.admin.create(pods, w.pod('p'));
  const bind = (node: string): Promise<unknown> => scheduler.createSubresource(pods, { namespace: 'a', name: 'p' }, 'binding', { metadata: { name: 'p' }, target: { kind: 'Node', name: node } });
  await bind('n1');
  const bound = await w.admin.get(pods, { namespace: 'a', name: 'p' });
  expect(bound.spec.nodeName).toBe('n1');
  expect(bound.metadata.generation).toBe(1);
  expect(bound.status!.conditions).toMatchObject([{ type: 'PodScheduled', status: 'True' }]);
  await expect(bind('n2')).rejects.toMatchObject({ code: 409, message: 'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "n1"' });
  await expect(w.admin.createSubresource(pods, { namespace: 'a', name: 'p' }, 'binding', { metadata: { name: 'p' }, target: { kind: 'Pod', name: '' } })).rejects.toMatchObject({ code: 422 });
});

test('nobody grants what he has not', async () => {
  await using w = await world();
  await w.admin.create(clusterRoles, { metadata: { name: 'granter' }, rules: [
    { verbs: ['*'], apiGroups: ['rbac.authorization.k8s.io'], resources: ['clusterroles', 'rolebindings'] }, { verbs: ['get'], apiGroups: [''], resources: ['pods'] },
  ] });
  await w.admin.create(clusterRoles, { metadata: { name: 'power' }, rules: [{ verbs: ['get', 'delete'], apiGroups: [''], resources: ['secrets'] }] });
  await w.admin.create(clusterRoleBindings, { metadata: { name: 'g' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'granter' }, subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'gina' }] });
  const binding = (name: string, role: string) => ({ metadata: { namespace: 'a', name }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role }, subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'x' }] });
  await w.admin.create(clusterRoles, { metadata: { name: 'reader' }, rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }] });
  const weak = w.server.client({ name: 'gina', groups: [] });
  // The star on clusterroles holds `escalate` and `bind` too.
  await weak.create(roleBindings, binding('all', 'power') as never);
  await w.admin.create(clusterRoles, { metadata: { name: 'plain-granter' }, rules: [{ verbs: ['create'], apiGroups: ['rbac.authorization.k8s.io'], resources: ['rolebindings', 'clusterroles'] }, { verbs: ['get'], apiGroups: [''], resources: ['pods'] }] });
  await w.admin.create(clusterRoleBindings, { metadata: { name: 'p' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'plain-granter' }, subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'paul' }] });
  const paul = w.server.client({ name: 'paul', groups: ['dev'] });
  await paul.create(roleBindings, binding('read', 'reader') as never);
  await expect(paul.create(roleBindings, binding('power', 'power') as never)).rejects.toThrow(
    'rolebindings.rbac.authorization.k8s.io "power" is forbidden: user "paul" (groups=["dev" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n'
    + '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "delete"]}');
  await expect(paul.create(clusterRoles, { metadata: { name: 'c' }, rules: [{ verbs: ['list'], apiGroups: [''], resources: ['pods'] }] })).rejects.toThrow('is attempting to grant RBAC permissions not currently held');
});

test('claims get the default class, grow only if it can, and are protected', async () => {
  await using w = await world();
  await w.admin.create(storageClasses, { metadata: { name: 'std', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } }, provisioner: 'x' } as never);
  const claim = await w.admin.create(persistentVolumeClaims, { metadata: { namespace: 'a', name: 'c' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } });
  expect(claim.spec.storageClassName).toBe('std');
  expect(claim.metadata.finalizers).toEqual(['kubernetes.io/pvc-protection']);
  await expect(w.admin.update(persistentVolumeClaims, { ...claim, spec: { ...claim.spec, resources: { requests: { storage: '2Gi' } } } })).rejects.toMatchObject({ name: 'StatusError' });
});

test('a pod learns where its node is, and cannot outgrow it', async () => {
  await using w = await world();
  const labels = { 'topology.kubernetes.io/zone': 'z', 'topology.kubernetes.io/region': 'r', other: 'x' };
  const node = await w.admin.create(nodes, { metadata: { name: 'n', labels } } as never);
  await w.admin.updateStatus(nodes, { ...node, status: { allocatable: { cpu: '2', memory: '1Gi' } } });
  await w.admin.create(pods, w.pod('p', {}, { resources: { requests: { cpu: '1' }, limits: { cpu: '4' } } }));
  await w.admin.createSubresource(pods, { namespace: 'a', name: 'p' }, 'binding', { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'p' }, target: { kind: 'Node', name: 'n' } });
  const topology = { 'topology.kubernetes.io/zone': 'z', 'topology.kubernetes.io/region': 'r' };
  expect((await w.admin.get(pods, { namespace: 'a', name: 'p' })).metadata.labels).toEqual(topology);
  expect((await w.admin.create(pods, w.pod('q', { nodeName: 'n' }, {}, { labels: { a: 'b' } }))).metadata.labels).toEqual({ a: 'b', ...topology });
  const resize = (cpu: string) => w.admin.patch(pods, { namespace: 'a', name: 'p' }, { type: 'application/strategic-merge-patch+json', body: { spec: { containers: [{ name: 'c', resources: { requests: { cpu } } }] } } }, { subresource: 'resize' });
  const whole = w.admin.patch(pods, { namespace: 'a', name: 'p' }, { type: 'application/strategic-merge-patch+json', body: { spec: { resources: { limits: { cpu: '8' } } } } }, { subresource: 'resize' });
  await expect(whole).rejects.toMatchObject({ status: { code: 403, message: expect.stringContaining('pod update requires features InPlacePodLevelResourcesVerticalScaling which are not available on node "') } });
  expect((await resize('1500m')).spec.containers[0]!.resources!.requests).toEqual({ cpu: '1500m' });
  await expect(resize('3')).rejects.toMatchObject({
    code: 403, message: 'pods "p" is forbidden: node didn\'t have enough allocatable resources: cpu, requested: 3000, allocatable: 2000', status: { details: { causes: [{ reason: 'NodeCapacity' }] } },
  });
});
