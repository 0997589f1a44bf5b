import { isReason } from '../../api/errors.ts';
import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, Subject } from '../../api/generated/rbac-v1.ts';
import { clusterRoleBindings as clusterRoleBindingType, clusterRoles as clusterRoleType, roleBindings as roleBindingType, roles as roleType } from '../../api/generated/resources.ts';
import { apiVersionOf, type KubeObject, type ResourceType } from '../../api/object.ts';
import type { Registry } from '../registry/store.ts';
import type { RequestContext } from '../request.ts';
import * as data from './bootstrap-roles.ts';
import { covers } from './rule-coverage.ts';
import type { StoredObjects } from './stored-objects.ts';

const GROUP = 'rbac.authorization.k8s.io';
const AUTOUPDATE = 'rbac.authorization.kubernetes.io/autoupdate';
const AGGREGATE = `${GROUP}/aggregate-to-`;

/** `get list | core apps | pods` → a rule. */
export function expandRule(text: string): PolicyRule {
  const [verbs, second, resources, names] = text.split(' | ').map((part) => part.split(' '));
  if (!resources) return { verbs: verbs!, nonResourceURLs: second! };
  return { verbs: verbs!, apiGroups: second!.map((group) => (group === 'core' ? '' : group)), resources, ...(names && { resourceNames: names }) };
}

function expandSubject(text: string): Subject {
  const [kind, name] = text.split(' ') as [string, string];
  if (kind !== 'ServiceAccount') return { kind, apiGroup: GROUP, name };
  const [namespace, account] = name.split('/') as [string, string];
  return { kind, name: account, namespace };
}

const metadataOf = (entry: { readonly name: string; readonly namespace?: string; readonly aggregateTo?: string }): KubeObject['metadata'] => ({
  name: entry.name, ...(entry.namespace && { namespace: entry.namespace }),
  labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...(entry.aggregateTo && { [AGGREGATE + entry.aggregateTo]: 'true' }) },
  annotations: { [AUTOUPDATE]: 'true' },
}) as unknown as KubeObject['metadata'];

function expandRole(entry: data.CompactRole): ClusterRole | Role {
  return {
    apiVersion: `${GROUP}/v1`, kind: entry.namespace ? 'Role' : 'ClusterRole', metadata: metadataOf(entry), rules: entry.rules.map(expandRule),
    ...(entry.aggregates && { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [AGGREGATE + entry.aggregates]: 'true' } }] } }),
  } as ClusterRole | Role;
}

function expandBinding(entry: data.CompactBinding): ClusterRoleBinding | RoleBinding {
  return {
    apiVersion: `${GROUP}/v1`, kind: entry.namespace ? 'RoleBinding' : 'ClusterRoleBinding', metadata: metadataOf(entry),
    roleRef: { apiGroup: GROUP, kind: entry.namespace ? 'Role' : 'ClusterRole', name: entry.role ?? entry.name },
    ...(entry.subjects.length && { subjects: entry.subjects.map(expandSubject) }),
  } as ClusterRoleBinding | RoleBinding;
}

/**
 * What a stored role has to become so that it grants at least what it must: missing rules and labels are added, nothing is taken away.
 * Undefined when it is in order, or its owner has switched reconciliation off. Upstream: component-helpers auth/rbac/reconciliation.
 */
export function reconciledRole<T extends ClusterRole | Role>(expected: T, stored: T): T | undefined {
  if (stored.metadata.annotations?.[AUTOUPDATE] === 'false') return undefined;
  const metadata = reconciledMetadata(expected, stored);
  const aggregation = (expected as ClusterRole).aggregationRule;
  const needsAggregation = aggregation !== undefined && !(stored as ClusterRole).aggregationRule;
  const missing = covers(stored.rules ?? [], expected.rules ?? []);
  if (!metadata && !needsAggregation && missing.length === 0) return undefined;
  return { ...stored, metadata: metadata ?? stored.metadata, rules: [...(stored.rules ?? []), ...missing], ...(needsAggregation && { aggregationRule: aggregation }) };
}

/** The same for a binding: missing subjects are added. */
export function reconciledBinding<T extends ClusterRoleBinding | RoleBinding>(expected: T, stored: T): T | undefined {
  if (stored.metadata.annotations?.[AUTOUPDATE] === 'false') return undefined;
  const metadata = reconciledMetadata(expected, stored);
  const same = (a: Subject, b: Subject): boolean => a.kind === b.kind && a.name === b.name && (a.namespace ?? '') === (b.namespace ?? '');
  const missing = (expected.subjects ?? []).filter((subject) => !(stored.subjects ?? []).some((present) => same(present, subject)));
  if (!metadata && missing.length === 0) return undefined;
  return { ...stored, metadata: metadata ?? stored.metadata, ...(missing.length && { subjects: [...(stored.subjects ?? []), ...missing] }) };
}

function reconciledMetadata<T extends KubeObject>(expected: T, stored: T): T['metadata'] | undefined {
  const lacks = (want: Readonly<Record<string, string>> = {}, have: Readonly<Record<string, string>> = {}): boolean => Object.keys(want).some((key) => have[key] === undefined);
  if (!lacks(expected.metadata.labels, stored.metadata.labels) && !lacks(expected.metadata.annotations, stored.metadata.annotations)) return undefined;
  return {
    ...stored.metadata,
    labels: { ...expected.metadata.labels, ...stored.metadata.labels },
    annotations: { ...expected.metadata.annotations, ...stored.metadata.annotations },
  };
}

/**
 * Creates the default roles and bindings that are missing and completes those that lack something. Needs the namespaces
 * kube-system and kube-public. `context` is the server's own.
 */
export async function ensureBootstrapRbac(registry: Registry, objects: StoredObjects, context: RequestContext): Promise<void> {
  const roles = [...data.clusterRoles, ...data.controllerRoles, ...data.ownClusterRoles, ...data.namespacedRoles].map(expandRole);
  const bindings = [...data.clusterRoleBindings, ...data.controllerBindings, ...data.ownClusterRoleBindings, ...data.namespacedBindings].map(expandBinding);
  const work: Promise<void>[] = [];
  for (const role of roles) {
    const type = namespaceOf(role) ? roleType : clusterRoleType;
    work.push(ensure(registry, objects, context, type as ResourceType<ClusterRole | Role>, role, reconciledRole));
  }
  for (const binding of bindings) {
    const type = namespaceOf(binding) ? roleBindingType : clusterRoleBindingType;
    work.push(ensure(registry, objects, context, type as ResourceType<ClusterRoleBinding | RoleBinding>, binding, reconciledBinding));
  }
  await Promise.all(work);
}

const namespaceOf = (object: KubeObject): string | undefined => object.metadata.namespace;

async function ensure<T extends KubeObject>(registry: Registry, objects: StoredObjects, context: RequestContext, type: ResourceType<T>, expected: T,
  reconcile: (expected: T, stored: T) => T | undefined): Promise<void> {
  const store = registry.store(type.group, type.version, type.resource);
  if (!store) throw new Error(`${apiVersionOf(type)} ${type.resource} is not served`);
  const key = { name: expected.metadata.name, ...(expected.metadata.namespace && { namespace: expected.metadata.namespace }) };
  const stored = objects.get(type, key);
  if (!stored) {
    try {
      await store.create(context, expected.metadata.namespace ?? '', expected);
      return;
    } catch (error) {
      // Another server came first; its object is completed below.
      if (!isReason(error, 'AlreadyExists')) throw error;
    }
  } else if (!reconcile(expected, stored)) return;
  await store.update(context, key, (current) => reconcile(expected, current as unknown as T) ?? current!);
}
