import { untoleratedTaint } from '../../api/scheduling/taints.ts';
import type { Node } from '../../api/generated/core-v1.ts';
import type { SchedulerPlugin } from '../framework.ts';
import { unresolvable } from '../rejection.ts';

const TAINT = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

/** Keeps pods off cordoned nodes. Upstream: plugins/nodeunschedulable. */
export const nodeUnschedulable = (): SchedulerPlugin => ({
  name: 'NodeUnschedulable',
  local: true,
  filter(_state, { pod }, { node }) {
    if (!node!.spec.unschedulable || !untoleratedTaint([TAINT], pod.spec.tolerations, [TAINT.effect])) return undefined;
    return unresolvable('node(s) were unschedulable');
  },
  hints: {
    Node: (_pod, { action, previous, object }) => action !== 'delete' && !(object as Node).spec.unschedulable && (action === 'add' || (previous as Node).spec.unschedulable === true),
  },
});
