import type { Container, EnvVar } from '../../api/generated/core-v1.ts';
import type { RoleBinding, Subject } from '../../api/generated/rbac-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { dryRunOf, mutationFlags, NO_RESOURCES, printResult, writeQuery } from '../mutation.ts';
import { listTargets } from '../selected-targets.ts';
import { sourcesGiven, targetFlags, targetPath } from '../targets.ts';
import { sortKeys } from '../sort-keys.ts';
import { KubectlError, type Verb } from '../verb.ts';

const flags = { ...mutationFlags, ...targetFlags, all: { type: 'bool', usage: 'Select all resources, in the namespace of the specified resource types' } } as const;

/** Upstream: kubectl pkg/cmd/set/set_serviceaccount.go. */
export const setServiceAccount: Verb = {
  usage: '(-f FILENAME | TYPE NAME) SERVICE_ACCOUNT', summary: 'Update the service account of a resource', flags,
  async run(call) {
    const name = call.args.at(-1);
    if (name === undefined) throw new KubectlError('serviceaccount is required');
    const args = call.args.slice(0, -1);
    if (args.length === 0 && !sourcesGiven(call.flags)) throw new KubectlError(NO_RESOURCES);
    for (const target of await listTargets(call, { args })) {
      const live = await call.session.json<KubeObject>(targetPath(target));
      const inner = { spec: { serviceAccountName: name, serviceAccount: name } };
      const body = target.resource.kind === 'Pod' ? inner : target.resource.kind === 'CronJob' ? { spec: { jobTemplate: { spec: { template: inner } } } } : { spec: { template: inner } };
      const next = dryRunOf(call.flags) === 'client' ? live : await call.session.call('PATCH', targetPath(target), { body, contentType: 'application/strategic-merge-patch+json', query: writeQuery(call, 'kubectl-set') });
      printResult(call, target.resource, next, 'serviceaccount updated');
    }
  },
};

/** Upstream: kubectl pkg/cmd/set/set_selector.go. */
export const setSelector: Verb = {
  usage: '(-f FILENAME | TYPE NAME) EXPRESSIONS [--resource-version=version]', summary: 'Set the selector on a resource',
  flags: { ...flags, 'resource-version': { type: 'string', usage: 'If non-empty, the selectors update will only succeed if this is the current resource-version for the object.' } },
  async run(call) {
    const expression = call.args.at(-1);
    if (expression === undefined || !expression.includes('=')) throw new KubectlError('one selector is required');
    const selector = Object.fromEntries(expression.split(',').map((pair) => pair.split('=') as [string, string]));
    for (const target of await listTargets(call, { args: call.args.slice(0, -1) })) {
      if (target.resource.kind !== 'Service') throw new KubectlError('setting a selector is only supported for Services');
      const live = await call.session.json<KubeObject & { readonly spec?: { readonly selector?: Readonly<Record<string, string>> } }>(targetPath(target));
      const gone = Object.fromEntries(Object.keys(live.spec?.selector ?? {}).map((key) => [key, null]));
      const version = call.flags.string('resource-version');
      const body = { ...(version && { metadata: { resourceVersion: version } }), spec: { selector: { ...gone, ...selector } } };
      const next = dryRunOf(call.flags) === 'client' ? live : await call.session.call('PATCH', targetPath(target), { body, contentType: 'application/merge-patch+json', query: writeQuery(call, 'kubectl-set') });
      printResult(call, target.resource, next, 'selector updated');
    }
  },
};

/** Upstream: kubectl pkg/cmd/set/set_subject.go. */
export const setSubject: Verb = {
  usage: '(-f FILENAME | TYPE NAME) [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname]', summary: 'Update the user, group, or service account in a role binding or cluster role binding',
  flags: {
    ...flags, user: { type: 'array', usage: 'Usernames to bind to the role' }, group: { type: 'array', usage: 'Groups to bind to the role' }, serviceaccount: { type: 'array', usage: 'Service accounts to bind to the role' },
  },
  async run(call) {
    const { flags: given, session } = call;
    const apiGroup = 'rbac.authorization.k8s.io';
    const wanted: Subject[] = [
      ...given.strings('user').map((name) => ({ kind: 'User', apiGroup, name })), ...given.strings('group').map((name) => ({ kind: 'Group', apiGroup, name })),
      ...given.strings('serviceaccount').map((text) => {
        const [namespace, name, more] = text.split(':');
        if (name === undefined || more !== undefined) throw new KubectlError('serviceaccount must be <namespace>:<name>');
        if (!namespace) throw new KubectlError('serviceaccount must be <namespace>:<name>, namespace must be specified');
        return { kind: 'ServiceAccount', name, namespace };
      }),
    ];
    if (wanted.length === 0) throw new KubectlError('you must specify at least one value of user, group or serviceaccount');
    const text = (subject: Subject): string => JSON.stringify(sortKeys(subject));
    for (const target of await listTargets(call)) {
      if (!['RoleBinding', 'ClusterRoleBinding'].includes(target.resource.kind)) throw new KubectlError('setting subjects is only supported for RoleBinding/ClusterRoleBinding');
      const live = await session.json<RoleBinding>(targetPath(target));
      const present = live.subjects ?? [];
      const added = wanted.filter((subject) => !present.some((one) => text(one) === text(subject)));
      if (added.length === 0) continue;
      const next = { ...live, subjects: [...present, ...added] };
      const query = { ...writeQuery(call, 'kubectl-set') };
      printResult(call, target.resource, dryRunOf(given) === 'client' ? next : await session.call('PATCH', targetPath(target), { body: { subjects: next.subjects }, contentType: 'application/merge-patch+json', query }), 'subjects updated');
    }
  },
};

/** What `set env --list` says of a container's variables. */
export function environmentText(resource: string, containers: readonly Container[]): string {
  return containers.map(({ name, env = [] }) => `# ${resource}, container ${name}\n${env.map((one) => `${variableText(one)}\n`).join('')}`).join('');
}

function variableText({ name, value = '', valueFrom }: EnvVar): string {
  if (valueFrom?.fieldRef) return `# ${name} from field path ${valueFrom.fieldRef.fieldPath}`;
  if (valueFrom?.resourceFieldRef) return `# ${name} from resource field ${valueFrom.resourceFieldRef.resource}`;
  if (valueFrom?.secretKeyRef) return `# ${name} from secret ${valueFrom.secretKeyRef.name}, key ${valueFrom.secretKeyRef.key}`;
  if (valueFrom?.configMapKeyRef) return `# ${name} from configmap ${valueFrom.configMapKeyRef.name}, key ${valueFrom.configMapKeyRef.key}`;
  return `${name}=${value}`;
}
