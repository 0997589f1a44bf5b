import type { RoleBinding, Subject } from '../../api/generated/rbac-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { checkSetFlags, setFlags } from '../mutation/change-containers.ts';
import { printResult } from '../mutation/mutation.ts';
import { currentObject, currentObjects, patchObject } from '../mutation/patch-object.ts';
import { aroundPodSpec, podSpecOf } from '../mutation/pod-spec-of.ts';
import { listTargets } from '../targets/selected-targets.ts';
import { NO_RESOURCES, sourcesGiven } from '../targets/targets.ts';
import { sortKeys } from '../printers/sort-keys.ts';
import type { Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

/** Upstream: kubectl pkg/cmd/set/set_serviceaccount.go. */
export const setServiceAccount: Verb = {
  usage: '(-f FILENAME | TYPE NAME) SERVICE_ACCOUNT', summary: 'Update the service account of a resource', flags: setFlags,
  async run(call) {
    checkSetFlags(call);
    const name = call.args.at(-1);
    if (name === undefined) throw new KubectlError('serviceaccount is required');
    const args = call.args.slice(0, -1);
    if (args.length === 0 && !sourcesGiven(call.flags)) throw new KubectlError(NO_RESOURCES);
    for (const target of await listTargets(call, { args })) {
      const live = await currentObject(call, target);
      podSpecOf(live, target.resource.resource);
      const body = aroundPodSpec(target.resource.kind, { serviceAccountName: name, serviceAccount: name });
      const next = await patchObject(call, target, live, { kind: 'strategic', body, manager: 'kubectl-set' });
      printResult(call, target.resource, next, 'serviceaccount updated');
    }
  },
};

const { selector: _selector, ...unselected } = setFlags;
const { kustomize: _kustomize, ...unkustomized } = unselected;

/** Upstream: kubectl pkg/cmd/set/set_selector.go. */
export const setSelector: Verb = {
  usage: '(-f FILENAME | TYPE NAME) EXPRESSIONS [--resource-version=version]', summary: 'Set the selector on a resource',
  flags: { ...unkustomized, recursive: { ...setFlags.recursive, default: true }, all: setFlags.all, 'resource-version': { type: 'string', usage: 'If non-empty, the selectors update will only succeed if this is the current resource-version for the object.' } },
  async run(call) {
    checkSetFlags(call);
    const expression = call.args.at(-1);
    if (expression === undefined) throw new KubectlError('one selector is required');
    const other = requirementsOf(expression).find(({ operator }) => operator !== 'In=');
    const selector = Object.fromEntries(expression.split(',').map((pair) => pair.split('=') as [string, string]));
    for (const target of await listTargets(call, { args: call.args.slice(0, -1) })) {
      if (target.resource.kind !== 'Service') throw new KubectlError('setting a selector is only supported for Services');
      if (other) throw new KubectlError(`match expression [{${other.key} ${other.operator} [${other.values.join(' ')}]}] not supported on this object`);
      const live = await currentObject<KubeObject & { readonly spec?: { readonly selector?: Readonly<Record<string, string>> } }>(call, target);
      const gone = Object.fromEntries(Object.keys(live.spec?.selector ?? {}).map((key) => [key, null]));
      const version = call.flags.string('resource-version');
      const body = { ...(version && { metadata: { resourceVersion: version } }), spec: { selector: { ...gone, ...selector } } };
      const next = await patchObject(call, target, live, { kind: 'merge', body, manager: 'kubectl-set' });
      printResult(call, target.resource, next, 'selector updated');
    }
  },
};

interface Requirement {
  readonly key: string;
  /** `In=`: a plain pair. */
  readonly operator: string;
  readonly values: readonly string[];
}

/** The parts of a selector: a service takes plain pairs only. */
function requirementsOf(expression: string): Requirement[] {
  return expression.split(/,(?![^(]*\))/).map((text) => {
    const set = /^\s*(\S+)\s+(in|notin)\s*\(([^)]*)\)\s*$/.exec(text);
    if (set) return { key: set[1]!, operator: set[2] === 'in' ? 'In' : 'NotIn', values: set[3]!.split(',').map((value) => value.trim()) };
    const pair = /^([^=!]+)(!=|==?)(.*)$/.exec(text);
    if (pair) return { key: pair[1]!, operator: pair[2] === '!=' ? 'NotIn' : 'In=', values: [pair[3]!] };
    return { key: text.replace(/^!/, ''), operator: text.startsWith('!') ? 'DoesNotExist' : 'Exists', values: [] };
  });
}

/** Upstream: kubectl pkg/cmd/set/set_subject.go. */
export const setSubject: Verb = {
  usage: '(-f FILENAME | TYPE NAME) [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none]', summary: 'Update the user, group, or service account in a role binding or cluster role binding',
  flags: {
    ...setFlags, user: { type: 'array', usage: 'Usernames to bind to the role' }, group: { type: 'array', usage: 'Groups to bind to the role' }, serviceaccount: { type: 'array', usage: 'Service accounts to bind to the role' },
  },
  async run(call) {
    const { flags: given } = call;
    checkSetFlags(call);
    const apiGroup = 'rbac.authorization.k8s.io';
    const current = await currentObjects<RoleBinding>(call, await listTargets(call));
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
    for (const [target, live] of current) {
      if (!['RoleBinding', 'ClusterRoleBinding'].includes(target.resource.kind)) throw new KubectlError(`${target.resource.resource}/${target.name} setting subjects is only supported for RoleBinding/ClusterRoleBinding`);
      const present = live.subjects ?? [];
      const added = wanted.filter((subject) => !present.some((one) => text(one) === text(subject)));
      if (added.length === 0) continue;
      const next = await patchObject(call, target, live, { kind: 'merge', body: { subjects: [...present, ...added] }, manager: 'kubectl-set' });
      printResult(call, target.resource, next, 'subjects updated');
    }
  },
};
