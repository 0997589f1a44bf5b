import { expect, test } from 'vitest';
import type { KubeObject } from '../../api/object.ts';
import type { User } from '../../api/kind.ts';
import { systemClock } from '../../base/clock.ts';
import { silentLog } from '../../base/log.ts';
import { createMemoryEngine } from '../../storage/memory.ts';
import type { StorageEngine } from '../../storage/engine.ts';
import { authorizationFault, mastersAuthorizer, unionAuthorizer, type AuthorizationAttributes } from './authorizer.ts';
import { NodeAuthorizer } from './node-authorizer.ts';
import { RbacAuthorizer } from './rbac.ts';
import { storedObjects } from './stored-objects.ts';

const GROUP = 'rbac.authorization.k8s.io';

function put(engine: StorageEngine<KubeObject>, group: string, resource: string, object: unknown): Promise<unknown> {
  const { metadata } = object as KubeObject;
  return engine.put(`/registry/${group || 'core'}/${resource}/${metadata.namespace ? `${metadata.namespace}/` : ''}${metadata.name}`, () => object as KubeObject);
}

async function world(): Promise<{ engine: StorageEngine<KubeObject>; rbac: RbacAuthorizer; authorize: (a: AuthorizationAttributes) => boolean }> {
  const engine = createMemoryEngine<KubeObject>({ clock: systemClock, log: silentLog });
  const clusterRole = (name: string, rules: unknown): Promise<unknown> => put(engine, GROUP, 'clusterroles', { metadata: { name }, rules });
  await clusterRole('view', [{ verbs: ['get', 'list'], apiGroups: [''], resources: ['pods', 'pods/log'] }]);
  await clusterRole('scale-any', [{ verbs: ['get'], apiGroups: ['*'], resources: ['*/scale'] }]);
  await clusterRole('one-map', [{ verbs: ['get'], apiGroups: [''], resources: ['configmaps'], resourceNames: ['only'] }]);
  await clusterRole('health', [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/metrics/*'] }]);
  await put(engine, GROUP, 'clusterrolebindings', { metadata: { name: 'all' }, roleRef: { kind: 'ClusterRole', name: 'view' }, subjects: [{ kind: 'Group', name: 'readers' }] });
  await put(engine, GROUP, 'clusterrolebindings', { metadata: { name: 'anna' }, roleRef: { kind: 'ClusterRole', name: 'scale-any' }, subjects: [{ kind: 'User', name: 'anna' }] });
  await put(engine, GROUP, 'clusterrolebindings', { metadata: { name: 'health' }, roleRef: { kind: 'ClusterRole', name: 'health' }, subjects: [{ kind: 'User', name: 'anna' }] });
  await put(engine, GROUP, 'rolebindings', { metadata: { namespace: 'a', name: 'maps' }, roleRef: { kind: 'ClusterRole', name: 'one-map' }, subjects: [{ kind: 'ServiceAccount', name: 'bot' }] });
  await put(engine, GROUP, 'rolebindings', { metadata: { namespace: 'a', name: 'gone' }, roleRef: { kind: 'Role', name: 'gone' }, subjects: [{ kind: 'User', name: 'ghost' }] });
  const rbac = new RbacAuthorizer(storedObjects(engine, (o) => o));
  const union = unionAuthorizer([mastersAuthorizer, new NodeAuthorizer(storedObjects(engine, (o) => o)), rbac]);
  return { engine, rbac, authorize: (a) => union.authorize(a).allowed };
}

const user = (name: string, ...groups: string[]): User => ({ name, groups });
const ask = (who: User, verb: string, resource: string, namespace = '', name = '', group = '', fieldSelector?: string): AuthorizationAttributes => {
  const [main, subresource = ''] = resource.split('/');
  return { user: who, verb, resource: { group, version: 'v1', resource: main!, subresource, namespace, name, ...(fieldSelector && { fieldSelector }) } };
};

test('who may do what', async () => {
  const { authorize, engine } = await world();
  await put(engine, '', 'pods', { metadata: { namespace: 'a', name: 'p' }, spec: { nodeName: 'n1', serviceAccountName: 'bot', containers: [{ env: [{ valueFrom: { secretKeyRef: { name: 's' } } }] }], volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] } });
  await put(engine, '', 'persistentvolumes', { metadata: { name: 'pv' }, spec: { claimRef: { namespace: 'a', name: 'c' }, csi: { nodeStageSecretRef: { namespace: 'x', name: 'stage' } } } });
  const reader = user('r', 'readers');
  const anna = user('anna');
  const bot = user('system:serviceaccount:a:bot');
  const node = user('system:node:n1', 'system:nodes');
  const other = user('system:node:n2', 'system:nodes');
  const table: readonly [AuthorizationAttributes, boolean][] = [
    [ask(reader, 'get', 'pods', 'a', 'p'), true],
    [ask(reader, 'get', 'pods/log', 'a', 'p'), true],
    [ask(reader, 'get', 'pods/exec', 'a', 'p'), false],
    [ask(reader, 'watch', 'pods'), false],
    [ask(reader, 'get', 'pods', 'a', 'p', 'apps'), false],
    [ask(anna, 'get', 'deployments/scale', 'a', 'd', 'apps'), true],
    [ask(anna, 'get', 'deployments', 'a', 'd', 'apps'), false],
    [{ user: anna, verb: 'get', path: '/healthz' }, true],
    [{ user: anna, verb: 'get', path: '/metrics/x' }, true],
    [{ user: anna, verb: 'get', path: '/version' }, false],
    [ask(bot, 'get', 'configmaps', 'a', 'only'), true],
    [ask(bot, 'get', 'configmaps', 'a', 'else'), false],
    [ask(bot, 'get', 'configmaps', 'b', 'only'), false],
    [ask(user('x', 'system:masters'), 'delete', 'anything', '', 'x', 'any.group'), true],
    [ask(node, 'get', 'secrets', 'a', 's'), true],
    [ask(node, 'list', 'secrets', 'a', 's'), true],
    [ask(node, 'list', 'secrets', 'a'), false],
    [ask(node, 'watch', 'secrets', 'a', '', '', 'metadata.name=s'), true],
    [ask(node, 'watch', 'secrets', 'a', '', '', 'metadata.name=other'), false],
    [ask(node, 'watch', 'secrets', 'a', '', '', 'metadata.name!=s'), false],
    [ask(node, 'watch', 'nodes', '', '', '', 'metadata.name=n1'), true],
    [ask(bot, 'list', 'configmaps', 'a', '', '', 'metadata.name=only'), false],
    [ask(other, 'get', 'secrets', 'a', 's'), false],
    [ask(node, 'get', 'persistentvolumes', '', 'pv'), true],
    [ask(other, 'get', 'persistentvolumes', '', 'pv'), false],
    [ask(node, 'get', 'secrets', 'x', 'stage'), true],
    [ask(node, 'create', 'serviceaccounts/token', 'a', 'bot'), true],
    [ask(other, 'create', 'serviceaccounts/token', 'a', 'bot'), false],
    [ask(node, 'list', 'pods', '', '', '', 'spec.nodeName=n1'), true],
    [ask(node, 'list', 'pods', '', '', '', 'spec.nodeName=n2'), false],
    [ask(node, 'list', 'pods'), false],
    [ask(node, 'get', 'pods', 'a', 'p'), true],
    [ask(node, 'get', 'nodes', '', 'n1'), true],
    [ask(node, 'get', 'nodes', '', 'n2'), false],
    [ask(node, 'update', 'leases', 'kube-node-lease', 'n1', 'coordination.k8s.io'), true],
    [ask(node, 'update', 'leases', 'kube-node-lease', 'n2', 'coordination.k8s.io'), false],
    [ask(node, 'watch', 'services'), true],
  ];
  for (const [attributes, expected] of table) expect([attributes, authorize(attributes)]).toEqual([attributes, expected]);
  await engine.delete('/registry/core/pods/a/p');
  expect(authorize(ask(node, 'get', 'secrets', 'a', 's'))).toBe(false);
});

test('the index follows writes, and says why', async () => {
  const { engine, rbac } = await world();
  expect(rbac.authorize(ask(user('r', 'readers'), 'get', 'pods')).reason).toBe('RBAC: allowed by ClusterRoleBinding "all" of ClusterRole "view" to Group "readers"');
  expect(rbac.authorize(ask(user('system:serviceaccount:a:bot'), 'get', 'configmaps', 'a', 'only')).reason).toBe('RBAC: allowed by RoleBinding "maps/a" of ClusterRole "one-map" to ServiceAccount "bot/a"');
  const denied = ask(user('ghost'), 'list', 'pods', 'a');
  expect(authorizationFault(denied, rbac.authorize(denied)).message).toBe('pods is forbidden: User "ghost" cannot list resource "pods" in API group "" in the namespace "a": RBAC: role.rbac.authorization.k8s.io "gone" not found');
  await put(engine, GROUP, 'clusterrolebindings', { metadata: { name: 'all' }, roleRef: { kind: 'ClusterRole', name: 'view' }, subjects: [{ kind: 'Group', name: 'others' }] });
  expect(rbac.authorize(ask(user('r', 'readers'), 'get', 'pods')).allowed).toBe(false);
  expect(rbac.authorize(ask(user('r', 'others'), 'get', 'pods')).allowed).toBe(true);
  await put(engine, GROUP, 'clusterroles', { metadata: { name: 'view' }, rules: [] });
  expect(rbac.authorize(ask(user('r', 'others'), 'get', 'pods')).allowed).toBe(false);
  const path: AuthorizationAttributes = { user: user('u'), verb: 'get', path: '/<x>' };
  expect(authorizationFault(path, { allowed: false, reason: '' }).message).toBe('forbidden: User "u" cannot get path "/&lt;x&gt;"');
});
