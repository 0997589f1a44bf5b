/** Upstream: pkg/apis/rbac/validation. */
import { fieldError } from '../errors.ts';
import type { ClusterRole, PolicyRule, RoleRef, Subject } from '../generated/rbac-v1.ts';
import { isDns1123Subdomain, isPathSegmentName } from '../names.ts';
import { formatErrors, labelSelector, type FieldErrors } from './fields.ts';
import { isSame } from './same.ts';

const ownGroup = 'rbac.authorization.k8s.io';

export function* ruleErrors(path: string, rule: PolicyRule, namespaced: boolean): FieldErrors {
  if (!rule.verbs?.length) yield fieldError.required(`${path}.verbs`, 'verbs must contain at least one value');
  if (rule.nonResourceURLs?.length) {
    const at = `${path}.nonResourceURLs`;
    if (namespaced) yield fieldError.invalid(at, rule.nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs');
    if (rule.apiGroups?.length || rule.resources?.length || rule.resourceNames?.length) {
      yield fieldError.invalid(at, rule.nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs');
    }
    return;
  }
  if (!rule.apiGroups?.length) yield fieldError.required(`${path}.apiGroups`, 'resource rules must supply at least one api group');
  if (!rule.resources?.length) yield fieldError.required(`${path}.resources`, 'resource rules must supply at least one resource');
}

export function* clusterRoleErrors(role: ClusterRole): FieldErrors {
  for (const [i, rule] of (role.rules ?? []).entries()) yield* ruleErrors(`rules[${i}]`, rule, false);
  if (!role.aggregationRule) return;
  const path = 'aggregationRule.clusterRoleSelectors';
  const selectors = role.aggregationRule.clusterRoleSelectors ?? [];
  if (selectors.length === 0) yield fieldError.required(path, 'at least one clusterRoleSelector required if aggregationRule is non-nil');
  for (const [i, selector] of selectors.entries()) {
    const faults = [...labelSelector(`${path}[${i}]`, selector)];
    yield* faults;
    if (faults.length > 0) yield fieldError.invalid(`${path}[${i}]`, null, 'invalid label selector.');
  }
}

interface Binding {
  readonly roleRef: RoleRef;
  readonly subjects?: readonly Subject[];
}

export function* bindingErrors({ roleRef, subjects = [] }: Binding, namespaced: boolean): FieldErrors {
  const { apiGroup = '', kind = '', name = '' } = roleRef ?? {};
  const kinds = namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole'];
  if (apiGroup !== ownGroup) yield fieldError.notSupported('roleRef.apiGroup', apiGroup, [ownGroup]);
  if (!kinds.includes(kind)) yield fieldError.notSupported('roleRef.kind', kind, kinds);
  if (!name) yield fieldError.required('roleRef.name');
  else yield* formatErrors('roleRef.name', name, isPathSegmentName(name));
  for (const [i, subject] of subjects.entries()) yield* subjectErrors(`subjects[${i}]`, subject, namespaced);
}

function* subjectErrors(path: string, { kind, name, namespace, apiGroup = '' }: Subject, namespaced: boolean): FieldErrors {
  if (!name) yield fieldError.required(`${path}.name`);
  switch (kind) {
    case 'ServiceAccount':
      if (name) yield* formatErrors(`${path}.name`, name, isDns1123Subdomain(name));
      if (apiGroup) yield fieldError.notSupported(`${path}.apiGroup`, apiGroup, ['']);
      if (!namespaced && !namespace) yield fieldError.required(`${path}.namespace`);
      return;
    case 'User':
    case 'Group':
      if (apiGroup !== ownGroup) yield fieldError.notSupported(`${path}.apiGroup`, apiGroup, [ownGroup]);
      return;
    default:
      yield fieldError.notSupported(`${path}.kind`, kind, ['ServiceAccount', 'User', 'Group']);
  }
}

export function* bindingUpdateErrors(next: Binding, previous: Binding): FieldErrors {
  if (!isSame(next.roleRef, previous.roleRef)) yield fieldError.invalid('roleRef', next.roleRef, 'cannot change roleRef');
}
