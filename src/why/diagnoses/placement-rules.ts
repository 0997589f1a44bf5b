import type { Node, NodeSelectorRequirement, NodeSelectorTerm, Pod, PodAffinityTerm } from '../../api/generated/core-v1.ts';
import { isPodActive } from '../../api/pod/conditions.ts';
import { matchesNodeSelector } from '../../api/scheduling/node-affinity.ts';
import { formatLabelSelector, labelSelectorMatches } from '../../api/selector.ts';

export interface Place {
  readonly node: Node;
  readonly nodes: readonly Node[];
  /** All pods that have a node. */
  readonly placed: readonly Pod[];
}

/** Which of the pod's rules on where it may be the node breaks, in words; undefined where it breaks none that can be seen from here. */
export function brokenRule(pod: Pod, place: Place): string | undefined {
  const { affinity } = pod.spec;
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (required && !matchesNodeSelector(required, place.node)) return `is none of those that the pod asks for (${required.nodeSelectorTerms.map(termWords).join(', or ')})`;
  for (const term of affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
    if (podsThere(pod, term, place).length === 0) return `has no pod with ${formatLabelSelector(term.labelSelector)} ${whereWords(term)}, and the pod wants to be beside one`;
  }
  for (const term of affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
    const [other] = podsThere(pod, term, place);
    if (other) return `has the pod ${other.metadata.name} ${whereWords(term)} already, and the pod wants to be apart from such (${formatLabelSelector(term.labelSelector)})`;
  }
  return takenPort(pod, place) ?? unevenSpread(pod, place);
}

/** `disk is ssd or nvme`, `zone is set`. */
function termWords({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm): string {
  return [...matchExpressions, ...matchFields.map((field) => ({ ...field, key: 'its name' }))].map(requirementWords).join(' and ');
}

function requirementWords({ key, operator, values = [] }: NodeSelectorRequirement): string {
  switch (operator) {
    case 'In': return `${key} is ${values.join(' or ')}`;
    case 'NotIn': return `${key} is not ${values.join(' or ')}`;
    case 'Exists': return `${key} is set`;
    case 'DoesNotExist': return `${key} is not set`;
    case 'Gt': return `${key} is more than ${values[0]}`;
    default: return `${key} is less than ${values[0]}`;
  }
}

const whereWords = ({ topologyKey }: PodAffinityTerm): string => (topologyKey === 'kubernetes.io/hostname' ? 'on it' : `in its ${topologyKey.split('/').at(-1)}`);

function podsThere(pod: Pod, { labelSelector, namespaces, namespaceSelector, topologyKey }: PodAffinityTerm, { node, nodes, placed }: Place): readonly Pod[] {
  const value = node.metadata.labels?.[topologyKey];
  const near = new Set(value === undefined ? [] : nodes.filter(({ metadata }) => metadata.labels?.[topologyKey] === value).map(({ metadata }) => metadata.name));
  const everywhere = namespaceSelector && !namespaces?.length;
  return placed.filter((other) => isPodActive(other) && near.has(other.spec.nodeName ?? '') && (everywhere || (namespaces ?? [pod.metadata.namespace]).includes(other.metadata.namespace)) && labelSelectorMatches(labelSelector, other.metadata.labels));
}

const hostPorts = (pod: Pod): readonly string[] => pod.spec.containers.flatMap(({ ports = [] }) => ports.flatMap(({ hostPort, protocol = 'TCP' }) => (hostPort ? [`${hostPort}/${protocol}`] : [])));

function takenPort(pod: Pod, { node, placed }: Place): string | undefined {
  const wanted = hostPorts(pod);
  if (wanted.length === 0) return undefined;
  for (const other of placed) {
    if (other.spec.nodeName !== node.metadata.name || !isPodActive(other)) continue;
    const taken = hostPorts(other).find((port) => wanted.includes(port));
    if (taken) return `has its port ${taken} taken by the pod ${other.metadata.name}, and the pod asks for that port of the node`;
  }
  return undefined;
}

/** Counted as the scheduler does, but for its finer rules on which nodes count. */
function unevenSpread(pod: Pod, { node, nodes, placed }: Place): string | undefined {
  for (const { whenUnsatisfiable, topologyKey, maxSkew, labelSelector } of pod.spec.topologySpreadConstraints ?? []) {
    if (whenUnsatisfiable !== 'DoNotSchedule') continue;
    const here = node.metadata.labels?.[topologyKey];
    if (here === undefined) return `has not the label ${topologyKey}, over whose values the pods are to be spread`;
    const domainOf = new Map(nodes.map(({ metadata }) => [metadata.name, metadata.labels?.[topologyKey]]));
    const counts = new Map([...domainOf.values()].filter((domain) => domain !== undefined).map((domain) => [domain, 0]));
    for (const other of placed) {
      const domain = domainOf.get(other.spec.nodeName ?? '');
      if (domain !== undefined && other.metadata.namespace === pod.metadata.namespace && isPodActive(other) && labelSelectorMatches(labelSelector, other.metadata.labels)) counts.set(domain, counts.get(domain)! + 1);
    }
    const least = Math.min(...counts.values());
    const mine = counts.get(here)!;
    if (mine + 1 - least > maxSkew) return `has ${mine} of these pods already (by ${topologyKey.split('/').at(-1)}), and may have ${maxSkew} more than the emptiest place, which has ${least}`;
  }
  return undefined;
}
