import type { Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PodSpec } from '../generated/core-v1.ts';

type LabeledNode = Pick<Node, 'metadata'>;

/** Whether a pod may be put on the node by its nodeSelector and required node affinity. Upstream: component-helpers scheduling/corev1/nodeaffinity. */
export function matchesNodeAffinity(spec: PodSpec, node: LabeledNode): boolean {
  if (spec.nodeSelector) {
    const labels = node.metadata.labels ?? {};
    for (const key in spec.nodeSelector) if (labels[key] !== spec.nodeSelector[key]) return false;
  }
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return !required || matchesNodeSelector(required, node);
}

/** Whether one of the terms matches; no terms match nothing. */
export function matchesNodeSelector(selector: NodeSelector, node: LabeledNode): boolean {
  return selector.nodeSelectorTerms.some((term) => matchesNodeSelectorTerm(term, node));
}

/** All requirements must hold; a term without any matches nothing. */
export function matchesNodeSelectorTerm(term: NodeSelectorTerm, node: LabeledNode): boolean {
  const { matchExpressions = [], matchFields = [] } = term;
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  const labels = node.metadata.labels ?? {};
  return matchExpressions.every((requirement) => holds(requirement, labels[requirement.key]))
    && matchFields.every((requirement) => requirement.key === 'metadata.name' && holds(requirement, node.metadata.name));
}

function holds({ operator, values = [] }: NodeSelectorRequirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In': return value !== undefined && values.includes(value);
    case 'NotIn': return value === undefined || !values.includes(value);
    case 'Exists': return value !== undefined;
    case 'DoesNotExist': return value === undefined;
    case 'Gt': return value !== undefined && compares(value, values[0], (a, b) => a > b);
    case 'Lt': return value !== undefined && compares(value, values[0], (a, b) => a < b);
    default: return false;
  }
}

function compares(left: string, right: string | undefined, compare: (a: bigint, b: bigint) => boolean): boolean {
  const integer = /^[+-]?\d+$/;
  return right !== undefined && integer.test(left) && integer.test(right) && compare(BigInt(left.replace('+', '')), BigInt(right.replace('+', '')));
}
