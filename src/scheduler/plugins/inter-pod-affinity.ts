import type { Node, Pod } from '../../api/generated/core-v1.ts';
import type { Labels } from '../../api/selector.ts';
import { type ClusterEvent, MAX_SCORE, type SchedulerPlugin } from '../framework.ts';
import { rejection, unresolvable } from '../rejection.ts';
import { FoldCache, type Fold } from '../node-fold.ts';
import type { NodeInfo } from '../node-info.ts';
import { podInfoOf, termMatches, type AffinityTerm, type PodInfo, type WeightedAffinityTerm } from '../pod-info.ts';
import type { PluginContext } from './plugin-context.ts';
import { TopologyCounts } from './topology-counts.ts';

/** One count of a node's pods: of what, in which domain, how many. */
interface Bump<K> {
  readonly of: K;
  readonly key: string;
  readonly value: string;
  readonly by: number;
}

/** Pods already there that will not have the new one in their domain; pods that the new one wants in its domain, and that it does not. */
type Kind = 'existingAnti' | 'affinity' | 'anti';
type FilterState = Readonly<Record<Kind, TopologyCounts>>;

/** `hardWeight`: what a pod that must be near the new one adds to the score of its domain. Upstream: plugins/interpodaffinity. */
export function interPodAffinity(context: PluginContext, hardWeight = 1): SchedulerPlugin<FilterState, TopologyCounts> {
  const { cluster } = context;
  const labelsOf = (namespace: string): Labels | undefined => context.namespaces.get(namespace)?.metadata.labels;
  const matches = (term: AffinityTerm, pod: Pod): boolean => termMatches(term, pod, labelsOf);
  const matchesAll = (terms: readonly AffinityTerm[], pod: Pod): boolean => terms.length > 0 && terms.every((term) => matches(term, pod));
  const filterFolds = new FoldCache<readonly Bump<Kind>[], FilterFold>(cluster);
  const scoreFolds = new FoldCache<readonly Bump<undefined>[], ScoreFold>(cluster);

  const bump = <K>(bumps: Bump<K>[], of: K, node: NodeInfo, key: string, by: number): void => {
    const value = node.labels[key];
    if (value !== undefined) bumps.push({ of, key, value, by });
  };

  /** Counts `other`, which is on `node`, in all that matters to `pod`. */
  const count = (bumps: Bump<Kind>[], pod: PodInfo, other: PodInfo, node: NodeInfo, by: 1 | -1): void => {
    for (const term of other.requiredAntiAffinity) if (matches(term, pod.pod)) bump(bumps, 'existingAnti', node, term.topologyKey, by);
    if (matchesAll(pod.requiredAffinity, other.pod)) for (const term of pod.requiredAffinity) bump(bumps, 'affinity', node, term.topologyKey, by);
    for (const term of pod.requiredAntiAffinity) if (matches(term, other.pod)) bump(bumps, 'anti', node, term.topologyKey, by);
  };
  const change = (state: FilterState, pod: PodInfo, other: PodInfo, node: NodeInfo, by: 1 | -1): void => {
    const bumps: Bump<Kind>[] = [];
    count(bumps, pod, other, node, by);
    for (const one of bumps) state[one.of].bump(one.key, one.value, one.by);
  };

  const weigh = (bumps: Bump<undefined>[], terms: readonly WeightedAffinityTerm[], target: Pod, node: NodeInfo, sign: 1 | -1): void => {
    for (const term of terms) if (matches(term, target)) bump(bumps, undefined, node, term.topologyKey, sign * term.weight);
  };

  return {
    name: 'InterPodAffinity',

    preFilter(pod) {
      const selective = pod.requiredAffinity.length > 0 || pod.requiredAntiAffinity.length > 0;
      if (!selective && isEmpty(cluster.nodesWithRequiredAntiAffinity())) return 'skip';
      const state = filterFolds.current(foldKey(pod.pod), () => new FilterFold((node) => {
        const bumps: Bump<Kind>[] = [];
        for (const other of (selective ? node.pods : node.podsWithRequiredAntiAffinity).values()) count(bumps, pod, other, node, 1);
        return bumps;
      }));
      return !selective && state.existingAnti.empty ? 'skip' : { state };
    },

    filter(state, pod, { labels }) {
      if (pod.requiredAffinity.length > 0 && !hasCompany(state, pod, labels)) return noCompany;
      for (const { topologyKey } of pod.requiredAntiAffinity) if (state.anti.at(labels, topologyKey) > 0) return unwelcome;
      return state.existingAnti.someAt(labels) ? unwanted : undefined;
    },

    cloneState: ({ existingAnti, affinity, anti }) => ({ existingAnti: existingAnti.clone(), affinity: affinity.clone(), anti: anti.clone() }),
    addPod: (state, pod, other, node) => change(state, pod, other, node, 1),
    removePod: (state, pod, other, node) => change(state, pod, other, node, -1),

    preScore(pod) {
      const selective = pod.preferredAffinity.length > 0 || pod.preferredAntiAffinity.length > 0;
      if (!selective && isEmpty(cluster.nodesWithAffinity())) return 'skip';
      const { counts } = scoreFolds.current(foldKey(pod.pod), () => new ScoreFold((node) => {
        const bumps: Bump<undefined>[] = [];
        for (const other of (selective ? node.pods : node.podsWithAffinity).values()) {
          weigh(bumps, pod.preferredAffinity, other.pod, node, 1);
          weigh(bumps, pod.preferredAntiAffinity, other.pod, node, -1);
          for (const term of other.requiredAffinity) if (matches(term, pod.pod)) bump(bumps, undefined, node, term.topologyKey, hardWeight);
          weigh(bumps, other.preferredAffinity, pod.pod, node, 1);
          weigh(bumps, other.preferredAntiAffinity, pod.pod, node, -1);
        }
        return bumps;
      }));
      return counts.empty ? 'skip' : counts;
    },

    score: (counts, _pod, node) => counts.sumAt(node.labels),

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
  function hasCompany({ affinity }: FilterState, pod: PodInfo, labels: Labels): boolean {
    let found = true;
    for (const { topologyKey } of pod.requiredAffinity) {
      if (labels[topologyKey] === undefined) return false;
      if (affinity.at(labels, topologyKey) <= 0) found = false;
    }
    return found || (affinity.empty && matchesAll(pod.requiredAffinity, pod.pod));
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

const noCompany = unresolvable("node(s) didn't match pod affinity rules");
const unwelcome = rejection("node(s) didn't match pod anti-affinity rules");
const unwanted = rejection("node(s) didn't satisfy existing pods anti-affinity rules");

class FilterFold implements Fold<readonly Bump<Kind>[]>, FilterState {
  readonly existingAnti = new TopologyCounts();
  readonly affinity = new TopologyCounts();
  readonly anti = new TopologyCounts();
  readonly #bumpsOf: (node: NodeInfo) => readonly Bump<Kind>[];

  constructor(bumpsOf: (node: NodeInfo) => readonly Bump<Kind>[]) {
    this.#bumpsOf = bumpsOf;
  }

  part(node: NodeInfo): readonly Bump<Kind>[] | undefined {
    const bumps = this.#bumpsOf(node);
    return bumps.length > 0 ? bumps : undefined;
  }

  add(bumps: readonly Bump<Kind>[], sign: 1 | -1): void {
    for (const { of, key, value, by } of bumps) this[of].bump(key, value, sign * by);
  }

  reset(): void {
    this.existingAnti.clear();
    this.affinity.clear();
    this.anti.clear();
  }
}

class ScoreFold implements Fold<readonly Bump<undefined>[]> {
  readonly counts = new TopologyCounts();
  readonly #bumpsOf: (node: NodeInfo) => readonly Bump<undefined>[];

  constructor(bumpsOf: (node: NodeInfo) => readonly Bump<undefined>[]) {
    this.#bumpsOf = bumpsOf;
  }

  part(node: NodeInfo): readonly Bump<undefined>[] | undefined {
    const bumps = this.#bumpsOf(node);
    return bumps.length > 0 ? bumps : undefined;
  }

  add(bumps: readonly Bump<undefined>[], sign: 1 | -1): void {
    for (const { key, value, by } of bumps) this.counts.bump(key, value, sign * by);
  }

  reset(): void {
    this.counts.clear();
  }
}

/** All of a pod that decides how it gets on with others. */
function foldKey({ metadata: { namespace, labels }, spec: { affinity } }: Pod): string {
  return JSON.stringify([namespace, labels, affinity?.podAffinity, affinity?.podAntiAffinity]);
}

function isEmpty(items: Iterable<unknown>): boolean {
  for (const _ of items) return false;
  return true;
}

function sameLabels(a: Labels | undefined = {}, b: Labels | undefined = {}): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
