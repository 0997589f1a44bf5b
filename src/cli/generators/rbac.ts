import { type FlagSpecs, UsageError } from '../command/flags.ts';
import { KubectlError } from '../command/kubectl-error.ts';
import type { Call } from '../command/verb.ts';
import { nameOf, requireFlags } from './generator-arguments.ts';
import type { Generated, Generator } from './generator.ts';
import { parseLabels } from './pod-template.ts';

const RESOURCE_VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection', 'use', 'bind', 'escalate', 'impersonate', 'approve', 'sign', 'attest', '*'];

/** Verbs that belong to few resources. Upstream: kubectl pkg/cmd/create/create_role.go. */
const SPECIAL_VERBS: Readonly<Record<string, readonly string[]>> = {
  use: ['podsecuritypolicies.policy', 'podsecuritypolicies.extensions'], bind: ['roles.rbac.authorization.k8s.io', 'clusterroles.rbac.authorization.k8s.io'],
  escalate: ['roles.rbac.authorization.k8s.io', 'clusterroles.rbac.authorization.k8s.io'], impersonate: ['users.', 'serviceaccounts.', 'groups.', 'userextras.authentication.k8s.io'],
};

const URL_VERBS = ['*', 'get', 'post', 'put', 'delete', 'patch', 'head', 'options'];

const roleFlags = {
  verb: { type: 'strings', usage: 'Verb that applies to the resources contained in the rule' },
  resource: { type: 'strings', usage: 'Resource that the rule applies to' },
  'resource-name': { type: 'array', usage: 'Resource in the white list that the rule applies to' },
} as const satisfies FlagSpecs;

/** `deployments.apps/scale` of `--resource`, grouped by API group as the rules need them. */
async function rulesOf(call: Call): Promise<unknown[]> {
  const verbs = call.flags.strings('verb');
  if (verbs.length === 0) throw new KubectlError('at least one verb must be specified');
  if (call.flags.strings('resource').length === 0) throw new KubectlError('at least one resource must be specified');
  for (const verb of verbs) if (!RESOURCE_VERBS.includes(verb)) call.io.err(`Warning: '${verb}' is not a standard resource verb\n`);
  const mapper = await call.session.mapper((builtIn) => call.flags.strings('resource').every((text) => text === '*' || builtIn.find(text.split('/')[0]!)));
  const groups = new Map<string, string[]>();
  for (const text of call.flags.strings('resource')) {
    const [name, subresource] = text.split('/');
    const found = name === '*' ? { group: '', resource: '*' } : mapper.find(name!);
    if (!found) {
      const [resource, ...group] = name!.split('.');
      throw new KubectlError(`the server doesn't have a resource type "${resource}"${group.length > 0 ? ` in group "${group.join('.')}"` : ''}`, { bare: true });
    }
    if (name === '*') break;
    for (const verb of verbs) {
      const bound = SPECIAL_VERBS[verb];
      if (bound && !bound.includes(`${found.resource}.${found.group}`)) throw new KubectlError(`can not perform '${verb}' on '${found.resource}' in group '${found.group}'`);
    }
    groups.set(found.group, [...(groups.get(found.group) ?? []), subresource ? `${found.resource}/${subresource}` : found.resource]);
  }
  const names = call.flags.strings('resource-name');
  return [...groups].map(([group, resources]) => ({ apiGroups: [group], ...(names.length > 0 && { resourceNames: names }), resources, verbs: verbs.includes('*') ? ['*'] : [...verbs] }));
}

const bindingFlags = {
  clusterrole: { type: 'string', usage: 'ClusterRole this binding should reference' },
  role: { type: 'string', usage: 'Role this RoleBinding should reference' },
  user: { type: 'array', usage: 'Usernames to bind to the role.' },
  group: { type: 'array', usage: 'Groups to bind to the role.' },
  serviceaccount: { type: 'array', usage: 'Service accounts to bind to the role, in the format <namespace>:<name>.' },
} as const satisfies FlagSpecs;

const { role: _role, ...clusterBindingFlags } = bindingFlags;

function bindingOf(call: Call, kind: 'RoleBinding' | 'ClusterRoleBinding'): Generated[] {
  const [clusterRole, role] = [call.flags.string('clusterrole'), call.flags.has('role') ? call.flags.string('role') : ''];
  if ((clusterRole === '') === (role === '')) throw new KubectlError('exactly one of clusterrole or role must be specified');
  const apiGroup = 'rbac.authorization.k8s.io';
  const subjects = [
    ...call.flags.strings('user').map((name) => ({ apiGroup, kind: 'User', name })),
    ...call.flags.strings('group').map((name) => ({ apiGroup, kind: 'Group', name })),
    ...call.flags.strings('serviceaccount').map((text) => {
      const [namespace, name, more] = text.split(':');
      if (!namespace || !name || more) throw new KubectlError('serviceaccount must be <namespace>:<name>');
      return { kind: 'ServiceAccount', name, namespace };
    }),
  ];
  return [{ apiVersion: `${apiGroup}/v1`, kind, metadata: { name: nameOf(call) }, roleRef: { apiGroup, kind: clusterRole ? 'ClusterRole' : 'Role', name: clusterRole || role }, ...(subjects.length > 0 && { subjects }) }];
}

export const clusterRoleGenerator: Generator = {
  usage: 'NAME --verb=verb --resource=resource.group [--resource-name=resourcename] [--dry-run=server|client|none]', summary: 'Create a cluster role',
  flags: {
    ...roleFlags, 'non-resource-url': { type: 'strings', usage: 'A partial url that user should have access to.' },
    'aggregation-rule': { type: 'string', usage: 'An aggregation label selector for combining ClusterRoles.' },
  },
  async generate(call) {
    const base = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: nameOf(call) } };
    const { flags } = call;
    const [aggregation, urls, verbs] = [flags.string('aggregation-rule'), flags.strings('non-resource-url'), flags.strings('verb')];
    if (aggregation) {
      const bad = aggregation.split(',').find((pair) => !pair.includes('='));
      if (bad !== undefined) throw new UsageError(`invalid argument "${aggregation}" for "--aggregation-rule" flag: malformed pair, expect string=string`);
      if (urls.length > 0 || verbs.length > 0 || flags.strings('resource').length > 0 || flags.strings('resource-name').length > 0) throw new KubectlError('aggregation rule must be specified without nonResourceURLs, verbs, resources or resourceNames');
      return [{ ...base, aggregationRule: { clusterRoleSelectors: [{ matchLabels: parseLabels(aggregation) }] }, rules: null }];
    }
    for (const url of urls) if (url !== '*' && !url.startsWith('/')) throw new KubectlError('nonResourceURL should start with /');
    const stray = urls.length > 0 && flags.strings('resource').length === 0 ? verbs.find((verb) => !URL_VERBS.includes(verb)) : undefined;
    if (stray !== undefined) throw new KubectlError(`invalid verb: '${stray}' for nonResourceURL`);
    const rules = flags.strings('resource').length > 0 || urls.length === 0 ? await rulesOf(call) : [];
    return [{ ...base, rules: [...rules, ...(urls.length > 0 ? [{ nonResourceURLs: [...urls], verbs: [...verbs] }] : [])] }];
  },
};

export const clusterRoleBindingGenerator: Generator = { usage: 'NAME --clusterrole=NAME [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none]', summary: 'Create a cluster role binding for a particular cluster role', flags: clusterBindingFlags, generate(call) { requireFlags(call, 'clusterrole'); return bindingOf(call, 'ClusterRoleBinding'); } };

export const roleGenerator: Generator = { usage: 'NAME --verb=verb --resource=resource.group/subresource [--resource-name=resourcename] [--dry-run=server|client|none]', summary: 'Create a role with single rule', flags: roleFlags, generate: async (call) => [{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: nameOf(call) }, rules: await rulesOf(call) }] };

export const roleBindingGenerator: Generator = { usage: 'NAME --clusterrole=NAME|--role=NAME [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none]', summary: 'Create a role binding for a particular role or cluster role', flags: bindingFlags, generate: (call) => bindingOf(call, 'RoleBinding') };
