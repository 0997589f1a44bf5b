import type { PodCondition, PodStatus } from '../../api/generated/core-v1.ts';
import { isEqual } from './equal.ts';
import { KUBELET_CONDITIONS } from './pod-conditions.ts';

/**
 * The strategic merge patch that turns `from` into `to`; undefined when nothing differs. Conditions merge by type, so that those of
 * others, written meanwhile, stay. The uid makes the server refuse it for a later pod of the same name.
 */
export function statusPatch(uid: string, from: PodStatus, to: PodStatus): { metadata: { uid: string }; status: Record<string, unknown> } | undefined {
  const status: Record<string, unknown> = {};
  const before = from as Readonly<Record<string, unknown>>;
  const after = to as Readonly<Record<string, unknown>>;
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (isEqual(before[key], after[key])) continue;
    if (key === 'conditions') {
      const changed = (to.conditions ?? []).filter((c) => isOwn(c) && !isEqual(c, from.conditions?.find((old) => old.type === c.type)));
      const replaced = changed.map((c) => withNulls(c, from.conditions?.find((old) => old.type === c.type)));
      const gone = (from.conditions ?? []).filter((c) => isOwn(c) && !(to.conditions ?? []).some((next) => next.type === c.type)).map(({ type }) => ({ type, $patch: 'delete' }));
      if (replaced.length + gone.length > 0) status[key] = [...replaced, ...gone];
    } else if (key === 'podIPs') {
      // Merged by ip otherwise, which would keep the old address beside the new.
      status[key] = [{ $patch: 'replace' }, ...(to.podIPs ?? [])];
    } else {
      status[key] = after[key] ?? null;
    }
  }
  return Object.keys(status).length > 0 ? { metadata: { uid }, status } : undefined;
}

/** Others' conditions may be newer in the API than here: they are never written. */
export const isOwn = ({ type, reason }: PodCondition): boolean => KUBELET_CONDITIONS.includes(type) || (type === 'DisruptionTarget' && reason === 'TerminationByKubelet');

/** Names the fields that went away, for a merge keeps what is not named. */
function withNulls(next: PodCondition, previous: PodCondition | undefined): object {
  const gone = Object.keys(previous ?? {}).filter((key) => (next as unknown as Record<string, unknown>)[key] === undefined);
  return { ...next, ...Object.fromEntries(gone.map((key) => [key, null])) };
}
