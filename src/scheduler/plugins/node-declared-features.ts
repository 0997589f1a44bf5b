import type { Node, PodSpec } from '../../api/generated/core-v1.ts';
import type { SchedulerPlugin } from '../framework.ts';
import { unresolvable } from '../rejection.ts';

/** What not every kubelet of the last versions can do, by the name that it is declared under, and which pods need it. Upstream: component-helpers nodedeclaredfeatures/features. */
const FEATURES: readonly (readonly [name: string, isNeeded: (spec: PodSpec) => boolean])[] = [
  ['RestartAllContainersOnContainerExits', ({ containers, initContainers = [] }) =>
    [...containers, ...initContainers].some(({ restartPolicyRules }) => restartPolicyRules?.some(({ action }) => action === 'RestartAllContainers'))],
  ['UserNamespacesHostNetworkSupport', ({ hostNetwork, hostUsers }) => hostNetwork === true && hostUsers === false],
];

/** A pod goes only to nodes that declare the features that it needs. Upstream: plugins/nodedeclaredfeatures. */
export const nodeDeclaredFeatures = (): SchedulerPlugin<readonly string[]> => ({
  name: 'NodeDeclaredFeatures',
  preFilter({ pod: { spec } }) {
    const needed = FEATURES.flatMap(([name, isNeeded]) => (isNeeded(spec) ? [name] : []));
    return needed.length === 0 ? 'skip' : { state: needed };
  },
  filter: (needed, _pod, { node }) => (needed.every((name) => node!.status?.declaredFeatures?.includes(name)) ? undefined : lacking),
  hints: {
    Node: (_pod, { action, previous, object }) => action === 'add' || (action === 'update' && featuresOf(previous) !== featuresOf(object)),
  },
});

const lacking = unresolvable("node(s) didn't match Pod's required features");

const featuresOf = (node: unknown): string => (node as Node).status?.declaredFeatures?.join() ?? '';
