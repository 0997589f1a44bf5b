/** Roles and their bindings. Upstream: pkg/registry/rbac, pkg/apis/rbac/validation. Whether a user may give away these rights is the API server's to check. */
import type { KindDefinition, TableColumn } from '../kind.ts';
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding, RoleRef, Subject } from '../generated/rbac-v1.ts';
import type { KubeObject } from '../object.ts';
import { clusterRoleBindings, clusterRoles, roleBindings, roles } from '../generated/resources.ts';
import { bindingErrors, bindingUpdateErrors, clusterRoleErrors, ruleErrors } from '../validation/rbac.ts';
import { fill, mapItems, mapMember } from './fill.ts';
import { ageColumn, nameColumn, text, wide } from './table-columns.ts';

const ownGroup = 'rbac.authorization.k8s.io';

export const role: KindDefinition<Role> = {
  resource: roles,
  validate: (object) => (object.rules ?? []).flatMap((rule, i) => [...ruleErrors(`rules[${i}]`, rule, true)]),
  createOnUpdate: true,
  nameRule: 'path',
};

export const clusterRole: KindDefinition<ClusterRole> = {
  resource: clusterRoles,
  validate: (object) => [...clusterRoleErrors(object)],
  createOnUpdate: true,
  nameRule: 'path',
};

interface Bound extends KubeObject {
  readonly roleRef: RoleRef;
  readonly subjects?: readonly Subject[];
}

export const roleBinding: KindDefinition<RoleBinding> = {
  resource: roleBindings,
  defaults: defaultBinding,
  validate: (object) => [...bindingErrors(object, true)],
  validateUpdate: (next, previous) => [...bindingUpdateErrors(next, previous)],
  createOnUpdate: true,
  nameRule: 'path',
  columns: bindingColumns(),
};

export const clusterRoleBinding: KindDefinition<ClusterRoleBinding> = {
  resource: clusterRoleBindings,
  defaults: defaultBinding,
  validate: (object) => [...bindingErrors(object, false)],
  validateUpdate: (next, previous) => [...bindingUpdateErrors(next, previous)],
  createOnUpdate: true,
  nameRule: 'path',
  columns: bindingColumns(),
};

function defaultBinding<B extends Bound>(object: B): B {
  const next = mapMember<Bound, 'roleRef'>(object, 'roleRef', (ref) => fill(ref, { apiGroup: ownGroup }));
  return mapMember(next, 'subjects', (subjects) => mapItems(subjects, (subject) => (subject.kind === 'User' || subject.kind === 'Group' ? fill(subject, { apiGroup: ownGroup }) : subject))) as B;
}

function bindingColumns<B extends Bound>(): readonly TableColumn<B>[] {
  const named = (object: B, kind: string, show: (subject: Subject) => string): string => (object.subjects ?? []).filter((subject) => subject.kind === kind).map(show).join(', ');
  return [
    nameColumn,
    text('Role', 'The role that is given.', (object) => `${object.roleRef.kind}/${object.roleRef.name}`),
    ageColumn,
    wide(text('Users', 'The users who have the role.', (object) => named(object, 'User', (subject) => subject.name))),
    wide(text('Groups', 'The groups that have the role.', (object) => named(object, 'Group', (subject) => subject.name))),
    wide(text('ServiceAccounts', 'The service accounts that have the role.', (object) => named(object, 'ServiceAccount', (subject) => `${subject.namespace ?? ''}/${subject.name}`))),
  ];
}
