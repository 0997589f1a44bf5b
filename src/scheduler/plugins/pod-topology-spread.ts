import type { Node, Pod, PodSpec } from '../../api/generated/core-v1.ts';
import { labelSelectorMatches, Selector, selectorOf } from '../../api/selector.ts';
import { matchesNodeAffinity } from '../../api/scheduling/node-affinity.ts';
import { SCHEDULING_EFFECTS, untoleratedTaint } from '../../api/scheduling/taints.ts';
import { MAX_SCORE, rejection, unresolvable, type ClusterEvent, type SchedulerPlugin } from '../framework.ts';
import { podGroup, type NodeInfo, type PodGroup } from '../node-info.ts';
import type { PodInfo } from '../pod-info.ts';
import { defaultSelector } from './default-selector.ts';
import type { PluginContext } from './plugin-context.ts';

const HOSTNAME = 'kubernetes.io/hostname';
const MISMATCH = "node(s) didn't match pod topology spread constraints";

/** One constraint, ready to be asked. */
interface Constraint {
  readonly maxSkew: number;
  readonly topologyKey: string;
  readonly selector: Selector;
  readonly group: PodGroup;
  readonly minDomains: number;
  readonly honorAffinity: boolean;
  readonly honorTaints: boolean;
}

/** For each constraint, how many matching pods each domain has. */
interface FilterState {
  readonly constraints: readonly Constraint[];
  readonly counts: readonly Map<string, number>[];
}

interface ScoreState {
  readonly constraints: readonly Constraint[];
  /** Of the domains that candidate nodes are in; for the host name a node counts its own. */
  readonly counts: readonly Map<string, number>[];
  readonly weights: readonly number[];
  /** Candidates without all the topology labels: they get nothing. */
  readonly ignored: ReadonlySet<string>;
}

/** What spreads pods that say nothing of it, where a service or a controller binds them together. Upstream: systemDefaultConstraints. */
const DEFAULTS = [{ maxSkew: 3, topologyKey: HOSTNAME }, { maxSkew: 5, topologyKey: 'topology.kubernetes.io/zone' }];

/** Upstream: plugins/podtopologyspread. */
export const podTopologySpread = (context: PluginContext): SchedulerPlugin<FilterState, ScoreState> => ({
  name: 'PodTopologySpread',

  preFilter(pod) {
    const constraints = constraintsOf(pod.pod, 'DoNotSchedule');
    if (constraints.length === 0) return 'skip';
    const counts = constraints.map(() => new Map<string, number>());
    for (const node of context.cluster.nodes()) {
      if (!hasAllKeys(node, constraints)) continue;
      for (const [i, constraint] of constraints.entries()) {
        if (!countsNode(constraint, pod.pod.spec, node.node!)) continue;
        const domain = node.labels[constraint.topologyKey]!;
        counts[i]!.set(domain, (counts[i]!.get(domain) ?? 0) + node.countOf(constraint.group));
      }
    }
    return { state: { constraints, counts } };
  },

  filter({ constraints, counts }, { pod }, node) {
    for (const [i, { topologyKey, maxSkew, minDomains, selector }] of constraints.entries()) {
      const domain = node.labels[topologyKey];
      if (domain === undefined) return unresolvable(`${MISMATCH} (missing required label)`);
      const inDomain = counts[i]!;
      const least = inDomain.size < minDomains ? 0 : inDomain.values().reduce((a, b) => Math.min(a, b), Infinity);
      const self = selector.matches(pod.metadata.labels) ? 1 : 0;
      if ((inDomain.get(domain) ?? 0) + self - least > maxSkew) return rejection(MISMATCH);
    }
    return undefined;
  },

  cloneState: ({ constraints, counts }) => ({ constraints, counts: counts.map((domains) => new Map(domains)) }),
  addPod: (state, pod, other, node) => change(state, pod, other, node, 1),
  removePod: (state, pod, other, node) => change(state, pod, other, node, -1),

  preScore(pod, nodes) {
    const own = pod.pod.spec.topologySpreadConstraints ?? [];
    const constraints = own.length > 0 ? constraintsOf(pod.pod, 'ScheduleAnyway') : defaultConstraints(pod.pod, context);
    if (constraints.length === 0) return 'skip';
    // Default constraints spread over hosts also where there are no zones.
    const needAllKeys = own.length > 0;
    const ignored = new Set<string>();
    const counts = constraints.map(() => new Map<string, number>());
    for (const node of nodes) {
      if (needAllKeys && !hasAllKeys(node, constraints)) {
        ignored.add(node.name);
        continue;
      }
      for (let i = 0; i < constraints.length; i++) {
        const { topologyKey } = constraints[i]!;
        if (topologyKey !== HOSTNAME) counts[i]!.set(node.labels[topologyKey] ?? '', 0);
      }
    }
    // Where no candidate has a zone there is nothing to count.
    if (counts.some((domains) => domains.size > 1 || (domains.size === 1 && !domains.has('')))) {
      for (const node of context.cluster.nodes()) {
        if (needAllKeys && !hasAllKeys(node, constraints)) continue;
        for (let i = 0; i < constraints.length; i++) {
          const constraint = constraints[i]!;
          if (constraint.topologyKey === HOSTNAME) continue;
          const domain = node.labels[constraint.topologyKey] ?? '';
          const before = counts[i]!.get(domain);
          if (before === undefined || !countsNode(constraint, pod.pod.spec, node.node!)) continue;
          counts[i]!.set(domain, before + node.countOf(constraint.group));
        }
      }
    }
    // Few domains must not weigh less than many.
    const weights = constraints.map(({ topologyKey }, i) => Math.log((topologyKey === HOSTNAME ? nodes.length - ignored.size : counts[i]!.size) + 2));
    return { constraints, counts, weights, ignored };
  },

  /** The more matching pods there are in the node's domains, the higher: `normalize` turns it round. */
  score({ constraints, counts, weights, ignored }, _pod, node) {
    if (ignored.has(node.name)) return 0;
    let score = 0;
    for (let i = 0; i < constraints.length; i++) {
      const { topologyKey, group, maxSkew } = constraints[i]!;
      const domain = node.labels[topologyKey];
      if (domain === undefined) continue;
      const count = topologyKey === HOSTNAME ? node.countOf(group) : counts[i]!.get(domain)!;
      score += count * weights[i]! + (maxSkew - 1);
    }
    return Math.round(score);
  },

  normalize({ ignored }, scores, nodes) {
    const counted = scores.filter((_, n) => !ignored.has(nodes[n]!.name));
    const least = counted.reduce((a, b) => Math.min(a, b), Infinity);
    const most = counted.reduce((a, b) => Math.max(a, b), 0);
    for (let n = 0; n < scores.length; n++) {
      if (ignored.has(nodes[n]!.name)) scores[n] = 0;
      else scores[n] = most === 0 ? MAX_SCORE : Math.trunc((MAX_SCORE * (most + least - scores[n]!)) / most);
    }
  },

  hints: { AssignedPod: podChanges, Node: nodeChanges },
});

function constraintsOf({ spec, metadata }: Pod, whenUnsatisfiable: 'DoNotSchedule' | 'ScheduleAnyway'): Constraint[] {
  return (spec.topologySpreadConstraints ?? []).filter((constraint) => constraint.whenUnsatisfiable === whenUnsatisfiable).map((constraint) => {
    const { maxSkew, topologyKey, labelSelector, minDomains = 1, nodeAffinityPolicy = 'Honor', nodeTaintsPolicy = 'Ignore', matchLabelKeys = [] } = constraint;
    const own = matchLabelKeys.flatMap((key) => (metadata.labels?.[key] === undefined ? [] : [{ key, operator: '=' as const, values: [metadata.labels[key]] }]));
    const base = selectorOf(labelSelector);
    const selector = own.length > 0 && !base.matchesNothing ? new Selector([...base.requirements, ...own]) : base;
    return { maxSkew, topologyKey, selector, group: podGroup(metadata.namespace, selector), minDomains, honorAffinity: nodeAffinityPolicy === 'Honor', honorTaints: nodeTaintsPolicy === 'Honor' };
  });
}

function defaultConstraints(pod: Pod, context: PluginContext): Constraint[] {
  const selector = defaultSelector(pod, context);
  if (selector.empty) return [];
  const group = podGroup(pod.metadata.namespace, selector);
  return DEFAULTS.map((constraint) => ({ ...constraint, selector, group, minDomains: 1, honorAffinity: true, honorTaints: false }));
}

function hasAllKeys(node: NodeInfo, constraints: readonly Constraint[]): boolean {
  return constraints.every(({ topologyKey }) => node.labels[topologyKey] !== undefined);
}

/** Whether the pods on a node count, which the pod itself might not be allowed to go to. */
function countsNode({ honorAffinity, honorTaints }: Constraint, spec: PodSpec, node: Node): boolean {
  return (!honorAffinity || matchesNodeAffinity(spec, node)) && (!honorTaints || !untoleratedTaint(node.spec.taints, spec.tolerations, SCHEDULING_EFFECTS));
}

function change({ constraints, counts }: FilterState, pod: PodInfo, other: PodInfo, node: NodeInfo, by: 1 | -1): void {
  if (other.pod.metadata.namespace !== pod.pod.metadata.namespace || !hasAllKeys(node, constraints)) return;
  for (const [i, constraint] of constraints.entries()) {
    if (!constraint.selector.matches(other.pod.metadata.labels) || !countsNode(constraint, pod.pod.spec, node.node!)) continue;
    const domain = node.labels[constraint.topologyKey]!;
    counts[i]!.set(domain, (counts[i]!.get(domain) ?? 0) + by);
  }
}

function podChanges(pod: Pod, { object }: ClusterEvent): boolean {
  const other = object as Pod;
  return other.metadata.namespace === pod.metadata.namespace
    && (pod.spec.topologySpreadConstraints ?? []).some(({ labelSelector }) => labelSelectorMatches(labelSelector, other.metadata.labels));
}

/** A domain that comes, goes, or changes its name shifts the balance. */
function nodeChanges(pod: Pod, { action, previous, object }: ClusterEvent): boolean {
  const keys = (pod.spec.topologySpreadConstraints ?? []).map(({ topologyKey }) => topologyKey);
  const domains = (node: unknown): (string | undefined)[] => keys.map((key) => (node as Node).metadata.labels?.[key]);
  const now = domains(object);
  if (action !== 'update') return now.every((domain) => domain !== undefined);
  const before = domains(previous);
  const taintsChanged = JSON.stringify((previous as Node).spec.taints ?? []) !== JSON.stringify((object as Node).spec.taints ?? []);
  return taintsChanged || now.some((domain, i) => domain !== before[i]);
}
