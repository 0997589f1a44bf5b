import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding } from '../../api/generated/rbac-v1.ts';
import { forbidden, notFound } from '../../api/errors.ts';
import type { User } from '../../api/kind.ts';
import { without } from '../../api/kinds/fill.ts';
import type { KubeObject } from '../../api/object.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../admission/admission.ts';
import type { Authorizer } from './authorizer.ts';
import type { RbacAuthorizer } from './rbac.ts';
import { aggregate } from './rbac.ts';
import { deepEqual } from '../registry/deep-equal.ts';
import { compactRules, covers, ruleText } from './rule-coverage.ts';

const GROUP = 'rbac.authorization.k8s.io';
const EVERYTHING: readonly PolicyRule[] = [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }, { verbs: ['*'], nonResourceURLs: ['*'] }];

/**
 * Nobody can grant by a role or a binding what he may not do himself, unless he may `escalate` the role or `bind` it.
 * Upstream does this around storage: pkg/registry/rbac/{clusterrole,role,clusterrolebinding,rolebinding}/policybased.
 */
export function rbacEscalation(rbac: RbacAuthorizer, authorizer: Authorizer): AdmissionPlugin {
  const may = async (user: User, verb: string, resource: string, namespace: string, name: string): Promise<boolean> =>
    (await authorizer.authorize({ user, verb, resource: { group: GROUP, version: '*', resource, subresource: '', namespace, name } })).allowed;

  const confirm = ({ context: { user }, resource, namespace, name }: AdmissionAttributes, rules: readonly PolicyRule[]): void => {
    const owned = rbac.rulesFor(user, namespace);
    const missing = covers(owned.rules, rules);
    if (missing.length === 0) return;
    const groups = `[${user.groups.map((g) => JSON.stringify(g)).join(' ')}]`;
    const lines = [...new Set(compactRules(missing).map(ruleText))].sort();
    const faults = owned.faults.length ? `; resolution errors: [${aggregate(owned.faults)}]` : '';
    throw forbidden(resource, name, `user ${JSON.stringify(user.name)} (groups=${groups}) is attempting to grant RBAC permissions not currently held:\n${lines.join('\n')}${faults}`);
  };

  const checkRole = async (attributes: AdmissionAttributes, role: ClusterRole | Role, old: ClusterRole | Role | undefined): Promise<void> => {
    const { context: { user }, resource, namespace, name } = attributes;
    if (await may(user, 'escalate', resource.resource, namespace, name)) return;
    confirm(attributes, role.rules ?? []);
    // What an aggregated role will hold is not known, so that it takes the right to everything to write one.
    if (![role, old].some((r) => (r as ClusterRole | undefined)?.aggregationRule?.clusterRoleSelectors?.length)) return;
    const missing = covers(rbac.rulesFor(user, '').rules, EVERYTHING);
    if (missing.length) throw forbidden(resource, name, 'must have cluster-admin privileges to use the aggregationRule');
  };

  const checkBinding = async (attributes: AdmissionAttributes, binding: ClusterRoleBinding | RoleBinding): Promise<void> => {
    const { context: { user }, namespace } = attributes;
    const { roleRef } = binding;
    const resource = roleRef.kind === 'ClusterRole' ? 'clusterroles' : 'roles';
    if (await may(user, 'bind', resource, namespace, roleRef.name)) return;
    const rules = rbac.rulesOfRole(roleRef, namespace);
    if (!rules) throw notFound({ group: GROUP, resource }, roleRef.name);
    confirm(attributes, rules);
  };

  return {
    name: 'RBACEscalation',
    handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
    validate(attributes) {
      if (attributes.resource.group !== GROUP || !attributes.object || attributes.context.user.groups.includes('system:masters')) return undefined;
      const { object, oldObject } = attributes;
      if (oldObject && onlyBookkeeping(object, oldObject)) return undefined;
      if (object.kind === 'ClusterRole' || object.kind === 'Role') {
        return checkRole(attributes, object as ClusterRole | Role, oldObject as ClusterRole | Role | undefined);
      } else if (object.kind === 'ClusterRoleBinding' || object.kind === 'RoleBinding') return checkBinding(attributes, object as ClusterRoleBinding | RoleBinding);
      return undefined;
    },
  };
}

/** What the garbage collector changes (owners and finalizers) grants nothing. */
function onlyBookkeeping(object: KubeObject, old: KubeObject): boolean {
  const bare = (value: KubeObject): unknown =>
    ({ ...value, metadata: without(value.metadata, 'ownerReferences', 'finalizers', 'managedFields', 'resourceVersion', 'generation') });
  return deepEqual(bare(object), bare(old));
}
