import type { Pod } from '../../api/generated/core-v1.ts';
import type { SchedulerPlugin } from '../framework.ts';
import { rejection } from '../rejection.ts';
import { portsConflict } from '../node-info.ts';
import { podInfoOf } from '../pod-info.ts';

/** Two pods cannot have one port of the host. Upstream: plugins/nodeports. */
export const nodePorts = (): SchedulerPlugin => ({
  name: 'NodePorts',
  local: true,
  preFilter: ({ hostPorts }) => (hostPorts.length === 0 ? 'skip' : { state: undefined }),
  filter: (_state, { hostPorts }, node) => (node.conflictsWith(hostPorts) ? rejection("node(s) didn't have free ports for the requested pod ports") : undefined),
  hints: {
    Node: (_pod, { action }) => action === 'add',
    AssignedPod: (pod, { action, object }) => action === 'delete' && portsConflict(podInfoOf(object as Pod).hostPorts, podInfoOf(pod).hostPorts),
  },
});
