import type { Node, NodeSelectorTerm, PodSpec, PodTemplateSpec, Toleration } from '../../api/generated/core-v1.ts';
import { matchesNodeAffinity } from '../../api/scheduling/node-affinity.ts';
import { SCHEDULING_EFFECTS, untoleratedTaint } from '../../api/scheduling/taints.ts';

/** What every daemon bears: it belongs to its node, in whatever state that is. Upstream: daemon/util AddOrUpdateDaemonPodTolerations. */
function daemonTolerations(hostNetwork: boolean): readonly Toleration[] {
  const bear = (name: string, effect: string): Toleration => ({ key: `node.kubernetes.io/${name}`, operator: 'Exists', effect });
  return [
    bear('not-ready', 'NoExecute'), bear('unreachable', 'NoExecute'), bear('disk-pressure', 'NoSchedule'), bear('memory-pressure', 'NoSchedule'),
    bear('pid-pressure', 'NoSchedule'), bear('unschedulable', 'NoSchedule'), ...(hostNetwork ? [bear('network-unavailable', 'NoSchedule')] : []),
  ];
}

/** The template with what every daemon's pod gets. `revision` is the hash of the template's revision. */
export function daemonTemplate(template: PodTemplateSpec, revision: string, generation: string | undefined): PodTemplateSpec {
  const spec = template.spec!;
  const present = spec.tolerations ?? [];
  const same = (a: Toleration, b: Toleration): boolean => a.key === b.key && a.effect === b.effect && a.operator === b.operator && (a.value ?? '') === (b.value ?? '');
  const added = daemonTolerations(spec.hostNetwork ?? false);
  const tolerations = [...present.filter((toleration) => !added.some((own) => same(own, toleration))), ...added];
  const labels = { ...template.metadata?.labels, 'controller-revision-hash': revision, ...(generation !== undefined && { 'pod-template-generation': generation }) };
  return { ...template, metadata: { ...template.metadata, labels }, spec: { ...spec, tolerations } };
}

/** The same, bound to a node by its name: the scheduler sees to it, and whether the node has room. */
export function onNode(template: PodTemplateSpec, node: string): PodTemplateSpec {
  const spec = template.spec!;
  const byName: NodeSelectorTerm = { matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] };
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const nodeSelectorTerms = required?.nodeSelectorTerms?.length ? required.nodeSelectorTerms.map((term) => ({ ...term, matchFields: byName.matchFields })) : [byName];
  const nodeAffinity = { ...spec.affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } };
  return { ...template, spec: { ...spec, affinity: { ...spec.affinity, nodeAffinity } } };
}

/** The node a daemon's pod is for, whether it is there already or not. */
export function targetNode(spec: PodSpec): string | undefined {
  if (spec.nodeName) return spec.nodeName;
  for (const term of spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []) {
    const field = term.matchFields?.find((match) => match.key === 'metadata.name' && match.operator === 'In' && match.values?.length === 1);
    if (field) return field.values![0];
  }
  return undefined;
}

/** `run`: a pod belongs there; `stay`: none is started there (a taint says so), but one that is there goes on; `leave`: none may be there. */
export type Placement = 'run' | 'stay' | 'leave';

/** Upstream: NodeShouldRunDaemonPod. `template` is a `daemonTemplate`. */
export function placementOn(node: Node, template: PodTemplateSpec): Placement {
  const spec = template.spec!;
  if (spec.nodeName && spec.nodeName !== node.metadata.name) return 'leave';
  if (!matchesNodeAffinity(spec, node)) return 'leave';
  const { taints } = node.spec;
  if (!untoleratedTaint(taints, spec.tolerations, SCHEDULING_EFFECTS)) return 'run';
  return untoleratedTaint(taints, spec.tolerations, ['NoExecute']) ? 'leave' : 'stay';
}
