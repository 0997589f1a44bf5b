import { isReason } from '../api/errors.ts';
import type { PolicyRule, RoleBinding, Subject } from '../api/generated/rbac-v1.ts';
import type { KubeObject } from '../api/object.ts';
import { dryRunOf, printResult } from './mutation.ts';
import { pathOf } from './resource-mapper.ts';
import { sortKeys } from './sort-keys.ts';
import { targetPath, type Target } from './targets.ts';
import { KubectlError, type Call } from './verb.ts';

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
    return printResult(call, target.resource, created, 'reconciled');
  }
  if (JSON.stringify(sortKeys(live.roleRef)) !== JSON.stringify(sortKeys(wanted.roleRef && { apiGroup: 'rbac.authorization.k8s.io', ...wanted.roleRef }))) {
    if (!dry) {
      await session.call('DELETE', targetPath(target), { body: { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid: live.metadata.uid } } });
      await session.call('POST', path, { body: wanted });
    }
    return printResult(call, target.resource, wanted, 'reconciled');
  }
  const next = {
    ...live,
    metadata: { ...live.metadata, labels: { ...live.metadata.labels, ...wanted.metadata.labels }, annotations: { ...live.metadata.annotations, ...wanted.metadata.annotations } },
    ...(wanted.rules && { rules: merged(live.rules ?? [], wanted.rules, flags.bool('remove-extra-permissions')) }),
    ...(wanted.subjects && { subjects: merged(live.subjects ?? [], wanted.subjects, flags.bool('remove-extra-subjects')) }),
  };
  printResult(call, target.resource, dry ? next : await session.call<KubeObject>('PUT', targetPath(target), { body: next }), 'reconciled');
}

async function liveOf({ session }: Call, target: Target): Promise<RbacObject | undefined> {
  try {
    return await session.json<RbacObject>(targetPath(target));
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
    return undefined;
  }
}

/** What is there, with what is wanted and was not; without what is not wanted where the extra goes. */
function merged<T>(present: readonly T[], wanted: readonly T[], removeExtra: boolean): T[] {
  const key = (item: T): string => JSON.stringify(sortKeys(item));
  const [has, wants] = [new Set(present.map(key)), new Set(wanted.map(key))];
  return [...(removeExtra ? present.filter((item) => wants.has(key(item))) : present), ...wanted.filter((item) => !has.has(key(item)))];
}
