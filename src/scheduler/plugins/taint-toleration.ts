import type { Node, Pod, Toleration } from '../../api/generated/core-v1.ts';
import { SCHEDULING_EFFECTS, tolerates, untoleratedTaint } from '../../api/scheduling/taints.ts';
import { normalizeByMaximum, type SchedulerPlugin } from '../framework.ts';
import { unresolvable } from '../rejection.ts';

const repelled = (pod: Pod, node: Node): boolean => untoleratedTaint(node.spec.taints, pod.spec.tolerations, SCHEDULING_EFFECTS) !== undefined;

/** Keeps pods off nodes with taints they do not tolerate, and prefers nodes with few that would rather not have them. Upstream: plugins/tainttoleration. */
export const taintToleration = (): SchedulerPlugin<unknown, readonly Toleration[]> => ({
  name: 'TaintToleration',
  local: true,
  filter: (_state, { pod }, { node }) => (repelled(pod, node!) ? unresolvable('node(s) had untolerated taint(s)') : undefined),
  preScore: ({ pod }) => (pod.spec.tolerations ?? []).filter(({ effect }) => !effect || effect === 'PreferNoSchedule'),
  score: (tolerations, _pod, { node }) =>
    (node!.spec.taints ?? []).filter((taint) => taint.effect === 'PreferNoSchedule' && !tolerations.some((toleration) => tolerates(toleration, taint))).length,
  normalize: (_state, scores) => normalizeByMaximum(scores, true),
  hints: {
    Node: (pod, { action, previous, object }) => action !== 'delete' && !repelled(pod, object as Node) && (action === 'add' || repelled(pod, previous as Node)),
  },
});
