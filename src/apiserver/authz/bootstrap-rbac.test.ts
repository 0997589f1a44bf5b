import { expect, test } from 'vitest';
import type { ClusterRole, ClusterRoleBinding } from '../../api/generated/rbac-v1.ts';
import { expandRule, reconciledBinding, reconciledRole } from './bootstrap-rbac.ts';
import { clusterRoleBindings, clusterRoles, controllerRoles, ownClusterRoleBindings, ownClusterRoles } from './bootstrap-roles.ts';
import { compactRules, covers, ruleText } from './rule-coverage.ts';

const role = (rules: readonly string[], annotations: object = { a: 'b' }): ClusterRole => ({ metadata: { name: 'r', labels: {}, annotations }, rules: rules.map(expandRule) }) as unknown as ClusterRole;

test('rules are read', () => {
  expect(expandRule('get list | core apps | pods | one')).toEqual({ verbs: ['get', 'list'], apiGroups: ['', 'apps'], resources: ['pods'], resourceNames: ['one'] });
  expect(expandRule('get | /healthz /api/*')).toEqual({ verbs: ['get'], nonResourceURLs: ['/healthz', '/api/*'] });
  const names = [...clusterRoles, ...controllerRoles, ...ownClusterRoles].map((r) => r.name);
  expect(new Set(names).size).toBe(names.length);
  for (const binding of [...clusterRoleBindings, ...ownClusterRoleBindings]) expect(names).toContain(binding.role ?? binding.name);
});

test('a role is completed and never cut', () => {
  const expected = role(['get list | core | pods']);
  expect(reconciledRole(expected, role(['* | * | *']))).toBeUndefined();
  expect(reconciledRole(expected, role(['get | core | pods', 'delete | core | secrets']))!.rules).toEqual(
    ['get | core | pods', 'delete | core | secrets', 'list | core | pods'].map(expandRule),
  );
  expect(reconciledRole(expected, role([], { 'rbac.authorization.kubernetes.io/autoupdate': 'false' }))).toBeUndefined();
  expect(reconciledRole(expected, role(['get list | core | pods'], {}))!.metadata.annotations).toEqual({ a: 'b' });
});

test('a binding gets its missing subjects', () => {
  const binding = (...names: string[]): ClusterRoleBinding => ({ metadata: { name: 'b' }, roleRef: { kind: 'ClusterRole', name: 'r' }, subjects: names.map((name) => ({ kind: 'User', name })) }) as unknown as ClusterRoleBinding;
  expect(reconciledBinding(binding('a', 'b'), binding('b', 'c'))!.subjects!.map((s) => s.name)).toEqual(['b', 'c', 'a']);
  expect(reconciledBinding(binding('a'), binding('c', 'a'))).toBeUndefined();
});

test.each<[readonly string[], readonly string[], readonly string[]]>([
  [['get list | core | pods'], ['get | core | pods'], []],
  [['get | core | pods'], ['get list | core | pods secrets'], ['{APIGroups:[""], Resources:["pods"], Verbs:["list"]}', '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}']],
  [['get | core | configmaps | a'], ['get | core | configmaps'], ['{APIGroups:[""], Resources:["configmaps"], Verbs:["get"]}']],
  [['get | core | configmaps'], ['get | core | configmaps | a'], []],
  [['* | * | */scale'], ['get | apps | deployments/scale'], []],
  [['get | /api/*'], ['get | /api/v1 /apis'], ['{NonResourceURLs:["/apis"], Verbs:["get"]}']],
])('who has %j covers %j', (owned, wanted, missing) => {
  expect(compactRules(covers(owned.map(expandRule), wanted.map(expandRule))).map(ruleText)).toEqual(missing);
});
