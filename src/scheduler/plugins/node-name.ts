import type { Node } from '../../api/generated/core-v1.ts';
import type { SchedulerPlugin } from '../framework.ts';
import { unresolvable } from '../rejection.ts';

/** A pod that names its node goes nowhere else. Upstream: plugins/nodename. */
export const nodeName = (): SchedulerPlugin => ({
  name: 'NodeName',
  local: true,
  filter: (_state, { pod }, node) => (pod.spec.nodeName && pod.spec.nodeName !== node.name ? unresolvable("node(s) didn't match the requested node name") : undefined),
  hints: { Node: (pod, { action, object }) => action === 'add' && (object as Node).metadata.name === pod.spec.nodeName },
});
