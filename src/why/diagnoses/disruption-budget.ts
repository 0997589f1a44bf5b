import type { PodDisruptionBudget } from '../../api/generated/policy-v1.ts';
import { selectorOf } from '../../api/selector.ts';
import type { Diagnose, Finding, Situation } from '../finding.ts';
import { namesOf } from '../names-of.ts';

/** Budgets that let no pod go: asked about themselves, or where a node is being emptied. */
export const disruptionBudget: Diagnose = (situation) => {
  const { focus, budgets } = situation;
  if (focus.kind === 'PodDisruptionBudget') return blocked(focus as PodDisruptionBudget) ? [findingOf(focus as PodDisruptionBudget, situation)] : [];
  if (focus.kind !== 'Node' || !(focus as { spec?: { unschedulable?: boolean } }).spec?.unschedulable) return [];
  return budgets.filter(blocked).flatMap((budget) => {
    const kept = situation.placed.filter((pod) => pod.spec.nodeName === focus.metadata.name && pod.metadata.namespace === budget.metadata.namespace && selectorOf(budget.spec?.selector).matches(pod.metadata.labels));
    if (kept.length === 0) return [];
    const { because, help } = findingOf(budget, situation);
    return [{ waitsFor: `leave to take ${namesOf(kept, 'pod')} off the node ${focus.metadata.name} (if it is being drained)`, because: [`The budget ${budget.metadata.name} keeps ${kept.length === 1 ? 'it' : 'them'} there.`, ...because], help }];
  });
};

const blocked = ({ status }: PodDisruptionBudget): boolean => (status?.expectedPods ?? 0) > 0 && (status?.disruptionsAllowed ?? 0) === 0;

function findingOf({ metadata: { name }, spec, status }: PodDisruptionBudget, { neighbours }: Situation): Finding {
  const rule = spec?.maxUnavailable !== undefined ? `at most ${spec.maxUnavailable} of its pods may be missing` : `at least ${spec?.minAvailable ?? 1} of its pods must be there`;
  const [healthy, needed, expected] = [status?.currentHealthy ?? 0, status?.desiredHealthy ?? 0, status?.expectedPods ?? 0];
  const unready = neighbours.filter((pod) => selectorOf(spec?.selector).matches(pod.metadata.labels) && !pod.status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'));
  return {
    waitsFor: `more ready pods, before the budget ${name} lets one go`,
    because: [`It says that ${rule} when pods are moved on purpose (drain, eviction): ${healthy} of ${expected} are ready, and ${needed} must stay.`, ...(unready.length > 0 ? [`Not ready: ${namesOf(unready, 'pod')}.`] : [])],
    help: [
      ...(unready.length > 0 ? [`See why: wherry why pod/${unready[0]!.metadata.name}`] : []),
      ...(needed >= expected ? ['As it stands, no pod may ever go: ask for more pods than must stay (kubectl scale …), or change the budget.'] : []),
      'A pod that is deleted (not evicted) is not asked after: kubectl drain … --disable-eviction',
    ],
  };
}
