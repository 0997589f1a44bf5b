import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject } from '../../api/generated/rbac-v1.ts';
import { clusterRoleBindings, clusterRoles, roleBindings, roles } from '../../api/generated/resources.ts';
import type { User } from '../../api/kind.ts';
import type { KubeObject } from '../../api/object.ts';
import type { AuthorizationAttributes, Authorizer, Decision } from './authorizer.ts';
import { RuleSet, ruleKey } from './policy-rule.ts';
import type { StoredObjects } from './stored-objects.ts';

/** One subject of one binding, as the index holds it. */
interface Grant {
  readonly roleRef: RoleRef;
  /** Empty for cluster role bindings. */
  readonly namespace: string;
  readonly bindingName: string;
  readonly subject: Subject;
}

const NO_GRANTS: ReadonlyMap<string, readonly Grant[]> = new Map();

/**
 * Role-based access control out of memory: who is granted what is indexed by user and by group, and each role's rules by resource,
 * so that a request costs a few look-ups. The index follows storage as writes are published.
 * Upstream: plugin/pkg/auth/authorizer/rbac, pkg/registry/rbac/validation.
 */
export class RbacAuthorizer implements Authorizer, Disposable {
  readonly #clusterRoles = new Map<string, RuleSet>();
  /** By `namespace/name`. */
  readonly #roles = new Map<string, RuleSet>();
  /** Namespace (empty: whole cluster) → subject (`User x`, `Group x`) → grants. */
  readonly #grants = new Map<string, Map<string, Grant[]>>();
  readonly #stack = new DisposableStack();

  constructor(objects: StoredObjects) {
    const keep = <T extends ClusterRole | Role>(into: Map<string, RuleSet>, key: (role: T) => string) => ({
      put: (role: T): void => void into.set(key(role), new RuleSet(role.rules ?? [])),
      delete: (role: T): void => void into.delete(key(role)),
    });
    this.#stack.use(objects.follow(clusterRoles, keep<ClusterRole>(this.#clusterRoles, (role) => role.metadata.name)));
    this.#stack.use(objects.follow(roles, keep<Role>(this.#roles, (role) => `${role.metadata.namespace}/${role.metadata.name}`)));
    const bindings = {
      put: (binding: ClusterRoleBinding | RoleBinding, previous: ClusterRoleBinding | RoleBinding | undefined): void => {
        if (previous) this.#remove(previous);
        this.#add(binding);
      },
      delete: (binding: ClusterRoleBinding | RoleBinding): void => this.#remove(binding),
    };
    this.#stack.use(objects.follow(clusterRoleBindings, bindings));
    this.#stack.use(objects.follow(roleBindings, bindings));
  }

  authorize(attributes: AuthorizationAttributes): Decision {
    const key = ruleKey(attributes);
    const missing: string[] = [];
    const { user } = attributes;
    const namespace = attributes.resource?.namespace ?? '';
    const granted = this.#find(user, '', (grant) => this.#rulesOf(grant, missing)?.allows(attributes, key) ?? false)
      ?? (namespace ? this.#find(user, namespace, (grant) => this.#rulesOf(grant, missing)?.allows(attributes, key) ?? false) : undefined);
    if (granted) return { allowed: true, reason: `RBAC: allowed by ${describe(granted)}` };
    return { allowed: false, reason: missing.length ? `RBAC: ${aggregate(missing)}` : '' };
  }

  /** All rules that apply to a user in a namespace (empty: cluster-wide), and the faults met on the way (roles that are gone). */
  rulesFor(user: User, namespace: string): { readonly rules: readonly PolicyRule[]; readonly faults: readonly string[] } {
    const rules: PolicyRule[] = [];
    const faults: string[] = [];
    const gather = (grant: Grant): boolean => {
      rules.push(...(this.#rulesOf(grant, faults)?.rules ?? []));
      return false;
    };
    this.#find(user, '', gather);
    if (namespace) this.#find(user, namespace, gather);
    return { rules, faults };
  }

  /** The rules that a binding in `namespace` to this role would grant; undefined where the role does not exist. */
  rulesOfRole(roleRef: RoleRef, namespace: string): readonly PolicyRule[] | undefined {
    return (roleRef.kind === 'ClusterRole' ? this.#clusterRoles.get(roleRef.name) : this.#roles.get(`${namespace}/${roleRef.name}`))?.rules;
  }

  [Symbol.dispose](): void {
    this.#stack[Symbol.dispose]();
  }

  #find(user: User, namespace: string, accept: (grant: Grant) => boolean): Grant | undefined {
    const index = this.#grants.get(namespace) ?? NO_GRANTS;
    if (index.size === 0) return undefined;
    const own = index.get(`User ${user.name}`)?.find(accept);
    if (own) return own;
    for (const group of user.groups) {
      const found = index.get(`Group ${group}`)?.find(accept);
      if (found) return found;
    }
    return undefined;
  }

  #rulesOf(grant: Grant, missing: string[]): RuleSet | undefined {
    const { roleRef, namespace } = grant;
    const cluster = roleRef.kind === 'ClusterRole';
    const rules = cluster ? this.#clusterRoles.get(roleRef.name) : this.#roles.get(`${namespace}/${roleRef.name}`);
    if (!rules) missing.push(`${cluster ? 'clusterrole' : 'role'}.rbac.authorization.k8s.io ${JSON.stringify(roleRef.name)} not found`);
    return rules;
  }

  #add(binding: ClusterRoleBinding | RoleBinding): void {
    const namespace = namespaceOf(binding);
    let index = this.#grants.get(namespace);
    if (!index) this.#grants.set(namespace, (index = new Map()));
    for (const subject of binding.subjects ?? []) {
      const key = subjectKey(subject, namespace);
      if (!key) continue;
      const grant = { roleRef: binding.roleRef, namespace, bindingName: binding.metadata.name, subject };
      const at = index.get(key);
      if (at) at.push(grant);
      else index.set(key, [grant]);
    }
  }

  #remove(binding: ClusterRoleBinding | RoleBinding): void {
    const namespace = namespaceOf(binding);
    const index = this.#grants.get(namespace);
    if (!index) return;
    for (const subject of binding.subjects ?? []) {
      const key = subjectKey(subject, namespace);
      const left = key && index.get(key)?.filter((grant) => grant.bindingName !== binding.metadata.name);
      if (!key || !left) continue;
      if (left.length) index.set(key, left);
      else index.delete(key);
    }
    if (index.size === 0) this.#grants.delete(namespace);
  }
}

const namespaceOf = (binding: KubeObject): string => binding.metadata.namespace ?? '';

/** Under which key of the index a subject is found; undefined where it names nobody. */
function subjectKey(subject: Subject, bindingNamespace: string): string | undefined {
  if (subject.kind !== 'ServiceAccount') return `${subject.kind} ${subject.name}`;
  const namespace = subject.namespace || bindingNamespace;
  return namespace ? `User system:serviceaccount:${namespace}:${subject.name}` : undefined;
}

function describe({ namespace, bindingName, roleRef, subject }: Grant): string {
  const binding = namespace ? `RoleBinding ${JSON.stringify(`${bindingName}/${namespace}`)}` : `ClusterRoleBinding ${JSON.stringify(bindingName)}`;
  const who = subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace || namespace}` : subject.name;
  return `${binding} of ${roleRef.kind} ${JSON.stringify(roleRef.name)} to ${subject.kind} ${JSON.stringify(who)}`;
}

/** Several faults as one text, each once. */
export function aggregate(faults: readonly string[]): string {
  const unique = [...new Set(faults)];
  return unique.length === 1 ? unique[0]! : `[${unique.join(', ')}]`;
}
