import { isReason } from '../../api/errors.ts';
import type { PolicyRule, RoleBinding, Subject } from '../../api/generated/rbac-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { dryRunOf, printResult } from '../mutation/mutation.ts';
import { pathOf } from '../command/resource-mapper.ts';
import { sortKeys } from '../printers/sort-keys.ts';
import { targetPath, type Target } from '../targets/targets.ts';
import type { Call } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

interface RbacObject extends KubeObject {
  readonly rules?: readonly PolicyRule[];
  readonly subjects?: readonly Subject[];
  readonly roleRef?: RoleBinding['roleRef'];
}

/**
 * Makes a role or binding grant what the manifest says: what is missing is added, what is too much goes only where the flags ask for it. A binding to
 * another role is made anew, for its roleRef cannot change. Upstream: component-helpers rbac/reconciliation.
 */
export async function reconcileRbac(call: Call, target: Target): Promise<void> {
  const { session, flags } = call;
  if (target.resource.group !== 'rbac.authorization.k8s.io') return;
  const wanted = target.object as unknown as RbacObject;
  if (target.resource.version !== 'v1') throw new KubectlError(`only rbac.authorization.k8s.io/v1 is supported: not ${wanted.apiVersion}`);
  const dry = dryRunOf(flags) !== 'none';
  const path = pathOf(target.resource, { namespace: target.namespace });
  const live = await liveOf(call, target);
  if (!live) {
    const created = dry ? wanted : await session.call<KubeObject>('POST', path, { body: wanted });
    return tell(call, target, created, 'create', { rules: wanted.rules ?? [], subjects: wanted.subjects ?? [] });
  }
  if (JSON.stringify(sortKeys(live.roleRef)) !== JSON.stringify(sortKeys(wanted.roleRef && { apiGroup: 'rbac.authorization.k8s.io', ...wanted.roleRef }))) {
    if (!dry) {
      await session.call('DELETE', targetPath(target), { body: { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid: live.metadata.uid } } });
      await session.call('POST', path, { body: wanted });
    }
    return tell(call, target, wanted, 'recreate', {});
  }
  const [rules, subjects] = [compared(live.rules ?? [], wanted.rules ?? []), compared(live.subjects ?? [], wanted.subjects ?? [])];
  const [dropRules, dropSubjects] = [flags.bool('remove-extra-permissions'), flags.bool('remove-extra-subjects')];
  const next = {
    ...live,
    metadata: { ...live.metadata, labels: { ...live.metadata.labels, ...wanted.metadata.labels }, annotations: { ...live.metadata.annotations, ...wanted.metadata.annotations } },
    ...(wanted.rules && { rules: [...(dropRules ? rules.shared : live.rules ?? []), ...rules.missing] }), ...(wanted.subjects && { subjects: [...(dropSubjects ? subjects.shared : live.subjects ?? []), ...subjects.missing] }),
  };
  const same = rules.missing.length + subjects.missing.length === 0 && !(dropRules && rules.extra.length > 0) && !(dropSubjects && subjects.extra.length > 0) && sameMetadata(live, next);
  if (same) return printResult(call, target.resource, live, 'reconciled');
  const written = dry ? next : await session.call<KubeObject>('PUT', targetPath(target), { body: next });
  tell(call, target, written, 'update', { rules: rules.missing, subjects: subjects.missing, ...(dropRules && { goneRules: rules.extra }), ...(dropSubjects && { goneSubjects: subjects.extra }) });
}

function sameMetadata(live: KubeObject, next: KubeObject): boolean {
  const of = ({ metadata: { labels = {}, annotations = {} } }: KubeObject): string => JSON.stringify(sortKeys({ labels, annotations }));
  return of(live) === of(next);
}

interface Told {
  readonly rules?: readonly PolicyRule[];
  readonly subjects?: readonly Subject[];
  readonly goneRules?: readonly PolicyRule[];
  readonly goneSubjects?: readonly Subject[];
}

/** Says what was done, and what for. */
function tell(call: Call, target: Target, object: unknown, operation: string, { subjects = [], goneSubjects = [], rules = [], goneRules = [] }: Told): void {
  printResult(call, target.resource, object, 'reconciled');
  const lines = (title: string, items: readonly string[]): string => (items.length > 0 ? `\t${title}:\n${items.map((item) => `\t\t${item}\n`).join('')}` : '');
  call.io.err(`\treconciliation required ${operation}\n${lines('missing subjects added', subjects.map(subjectText))}${lines('extra subjects removed', goneSubjects.map(subjectText))}`
    + lines('missing rules added', rules.map(ruleText)) + lines('extra rules removed', goneRules.map(ruleText)));
}

/** As Go prints the structures. */
const subjectText = ({ kind, apiGroup = '', name, namespace = '' }: Subject): string => `{Kind:${kind} APIGroup:${apiGroup} Name:${name} Namespace:${namespace}}`;
const ruleText = ({ verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] }: PolicyRule): string =>
  `{Verbs:[${verbs.join(' ')}] APIGroups:[${apiGroups.join(' ')}] Resources:[${resources.join(' ')}] ResourceNames:[${resourceNames.join(' ')}] NonResourceURLs:[${nonResourceURLs.join(' ')}]}`;

async function liveOf({ session }: Call, target: Target): Promise<RbacObject | undefined> {
  try {
    return await session.json<RbacObject>(targetPath(target));
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
    return undefined;
  }
}

/** What both have, what is wanted and not there, and what is there and not wanted. */
function compared<T>(present: readonly T[], wanted: readonly T[]): { readonly shared: T[]; readonly missing: T[]; readonly extra: T[] } {
  const key = (item: T): string => JSON.stringify(sortKeys(item));
  const [has, wants] = [new Set(present.map(key)), new Set(wanted.map(key))];
  return { shared: present.filter((item) => wants.has(key(item))), missing: wanted.filter((item) => !has.has(key(item))), extra: present.filter((item) => !wants.has(key(item))) };
}
