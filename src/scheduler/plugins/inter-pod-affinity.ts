import type { Node, Pod } from '../../api/generated/core-v1.ts';
import type { Labels } from '../../api/selector.ts';
import { MAX_SCORE, rejection, unresolvable, type ClusterEvent, type SchedulerPlugin } from '../framework.ts';
import type { NodeInfo } from '../node-info.ts';
import { podInfoOf, termMatches, type AffinityTerm, type PodInfo, type WeightedAffinityTerm } from '../pod-info.ts';
import type { PluginContext } from './plugin-context.ts';

/** How many pods matched, by `topology key=value`. Zeroes are not kept. */
type Counts = Map<string, number>;

interface FilterState {
  /** Pods already there that will not have the new one in their domain. */
  readonly existingAnti: Counts;
  /** Pods that the new one wants in its domain, and that it does not. */
  readonly affinity: Counts;
  readonly anti: Counts;
}

/** What a pod that must be near the new one adds to the score of its domain. Upstream: HardPodAffinityWeight. */
const HARD_AFFINITY_WEIGHT = 1;

/** Upstream: plugins/interpodaffinity. */
export function interPodAffinity(context: PluginContext): SchedulerPlugin<FilterState, Counts> {
  const labelsOf = (namespace: string): Labels | undefined => context.namespaces.get(namespace)?.metadata.labels;
  const matches = (term: AffinityTerm, pod: Pod): boolean => termMatches(term, pod, labelsOf);

  const bump = (counts: Counts, node: NodeInfo, key: string, by: number): void => {
    const value = node.labels[key];
    if (value === undefined) return;
    const pair = `${key}=${value}`;
    const count = (counts.get(pair) ?? 0) + by;
    if (count === 0) counts.delete(pair);
    else counts.set(pair, count);
  };
  const matchesAll = (terms: readonly AffinityTerm[], pod: Pod): boolean => terms.length > 0 && terms.every((term) => matches(term, pod));

  /** Counts `other`, which is on `node`, in all that matters to `pod`. */
  const count = (state: FilterState, pod: PodInfo, other: PodInfo, node: NodeInfo, by: 1 | -1): void => {
    for (const term of other.requiredAntiAffinity) if (matches(term, pod.pod)) bump(state.existingAnti, node, term.topologyKey, by);
    if (matchesAll(pod.requiredAffinity, other.pod)) for (const term of pod.requiredAffinity) bump(state.affinity, node, term.topologyKey, by);
    for (const term of pod.requiredAntiAffinity) if (matches(term, other.pod)) bump(state.anti, node, term.topologyKey, by);
  };

  const weigh = (counts: Counts, terms: readonly WeightedAffinityTerm[], target: Pod, node: NodeInfo, sign: 1 | -1): void => {
    for (const term of terms) if (matches(term, target)) bump(counts, node, term.topologyKey, sign * term.weight);
  };

  return {
    name: 'InterPodAffinity',

    preFilter(pod) {
      const state: FilterState = { existingAnti: new Map(), affinity: new Map(), anti: new Map() };
      const selective = pod.requiredAffinity.length > 0 || pod.requiredAntiAffinity.length > 0;
      for (const node of selective ? context.cluster.nodes() : context.cluster.nodesWithRequiredAntiAffinity()) {
        for (const other of (selective ? node.pods : node.podsWithRequiredAntiAffinity).values()) count(state, pod, other, node, 1);
      }
      return !selective && state.existingAnti.size === 0 ? 'skip' : { state };
    },

    filter(state, pod, node) {
      if (!hasCompany(state, pod, node)) return unresolvable("node(s) didn't match pod affinity rules");
      const meets = (counts: Counts, key: string): boolean => (counts.get(`${key}=${node.labels[key]}`) ?? 0) > 0;
      if (pod.requiredAntiAffinity.some(({ topologyKey }) => meets(state.anti, topologyKey))) return rejection("node(s) didn't match pod anti-affinity rules");
      if (state.existingAnti.size > 0 && Object.keys(node.labels).some((key) => meets(state.existingAnti, key))) {
        return rejection("node(s) didn't satisfy existing pods anti-affinity rules");
      }
      return undefined;
    },

    cloneState: ({ existingAnti, affinity, anti }) => ({ existingAnti: new Map(existingAnti), affinity: new Map(affinity), anti: new Map(anti) }),
    addPod: (state, pod, other, node) => count(state, pod, other, node, 1),
    removePod: (state, pod, other, node) => count(state, pod, other, node, -1),

    preScore(pod) {
      const selective = pod.preferredAffinity.length > 0 || pod.preferredAntiAffinity.length > 0;
      const counts: Counts = new Map();
      for (const node of selective ? context.cluster.nodes() : context.cluster.nodesWithAffinity()) {
        for (const other of (selective ? node.pods : node.podsWithAffinity).values()) {
          weigh(counts, pod.preferredAffinity, other.pod, node, 1);
          weigh(counts, pod.preferredAntiAffinity, other.pod, node, -1);
          for (const term of other.requiredAffinity) if (matches(term, pod.pod)) bump(counts, node, term.topologyKey, HARD_AFFINITY_WEIGHT);
          weigh(counts, other.preferredAffinity, pod.pod, node, 1);
          weigh(counts, other.preferredAntiAffinity, pod.pod, node, -1);
        }
      }
      return counts.size === 0 ? 'skip' : counts;
    },

    score(counts, _pod, node) {
      let score = 0;
      for (const [key, value] of Object.entries(node.labels)) score += counts.get(`${key}=${value}`) ?? 0;
      return score;
    },

    normalize(_state, scores) {
      const least = scores.reduce((a, b) => Math.min(a, b), Infinity);
      const most = scores.reduce((a, b) => Math.max(a, b), -Infinity);
      for (let n = 0; n < scores.length; n++) scores[n] = most > least ? Math.trunc(MAX_SCORE * ((scores[n]! - least) / (most - least))) : 0;
    },

    hints: {
      Node: (_pod, { action, previous, object }) =>
        action === 'add' || (action === 'update' && !sameLabels((previous as Node).metadata.labels, (object as Node).metadata.labels)),
      AssignedPod: podChanges,
    },
  };

  /** Whether the pods it must be with are in the node's domains; the first of a series that wants its like is let in. */
  function hasCompany(state: FilterState, pod: PodInfo, node: NodeInfo): boolean {
    let found = true;
    for (const { topologyKey } of pod.requiredAffinity) {
      const value = node.labels[topologyKey];
      if (value === undefined) return false;
      if ((state.affinity.get(`${topologyKey}=${value}`) ?? 0) <= 0) found = false;
    }
    return found || (state.affinity.size === 0 && matchesAll(pod.requiredAffinity, pod.pod));
  }

  function podChanges(pod: Pod, { action, previous, object }: ClusterEvent): boolean {
    const own = podInfoOf(pod);
    const wanted = (other: Pod): boolean => own.requiredAffinity.some((term) => matches(term, other));
    const hindering = (other: Pod): boolean => own.requiredAntiAffinity.some((term) => matches(term, other)) || podInfoOf(other).requiredAntiAffinity.some((term) => matches(term, pod));
    const other = object as Pod;
    if (action === 'add') return wanted(other);
    if (action === 'delete') return hindering(other);
    return (wanted(other) && !wanted(previous as Pod)) || (hindering(previous as Pod) && !hindering(other));
  }
}

function sameLabels(a: Labels | undefined = {}, b: Labels | undefined = {}): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
