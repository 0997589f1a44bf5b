import type { Node, Pod, PodSpec } from '../../api/generated/core-v1.ts';
import { labelSelectorMatches, Selector, selectorOf } from '../../api/selector.ts';
import { matchesNodeAffinity } from '../../api/scheduling/node-affinity.ts';
import { SCHEDULING_EFFECTS, untoleratedTaint } from '../../api/scheduling/taints.ts';
import { type ClusterEvent, MAX_SCORE, type SchedulerPlugin } from '../framework.ts';
import { rejection, unresolvable } from '../rejection.ts';
import { FoldCache, type Fold } from '../node-fold.ts';
import { podGroup, type NodeInfo, type PodGroup } from '../node-info.ts';
import type { PodInfo } from '../pod-info.ts';
import type { PluginArguments } from '../scheduler-configuration.ts';
import { defaultSelector } from './default-selector.ts';
import type { PluginContext } from './plugin-context.ts';

const HOSTNAME = 'kubernetes.io/hostname';
const MISMATCH = "node(s) didn't match pod topology spread constraints";
const mismatch = rejection(MISMATCH);
const missingLabel = unresolvable(`${MISMATCH} (missing required label)`);

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
  readonly counts: readonly ReadonlyMap<string, number>[];
  /** The least count of each constraint's domains; undefined until asked for. */
  readonly least: (number | undefined)[];
}

interface ScoreState {
  readonly constraints: readonly Constraint[];
  /** For the host name a node counts its own. */
  readonly counts: readonly ReadonlyMap<string, number>[];
  readonly weights: readonly number[];
  /** Candidates without all the topology labels: they get nothing. */
  readonly ignored: ReadonlySet<string>;
}

type DefaultConstraint = NonNullable<PluginArguments['defaultConstraints']>[number];

/** What spreads pods that say nothing of it, where a service or a controller binds them together. Upstream: systemDefaultConstraints. */
const DEFAULTS: readonly DefaultConstraint[] = [
  { maxSkew: 3, topologyKey: HOSTNAME, whenUnsatisfiable: 'ScheduleAnyway' }, { maxSkew: 5, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway' },
];

/** Upstream: plugins/podtopologyspread. */
export const podTopologySpread = (context: PluginContext, defaults: readonly DefaultConstraint[] = DEFAULTS): SchedulerPlugin<FilterState, ScoreState> => {
  const folds = new FoldCache<DomainPart, DomainCounts>(context.cluster);
  const countsOf = (pod: Pod, constraint: Constraint, keys: readonly string[]): ReadonlyMap<string, number> =>
    folds.current(foldKey(pod, constraint, keys), () => new DomainCounts(pod.spec, constraint, keys)).counts;
  return {
    name: 'PodTopologySpread',

    preFilter({ pod }) {
      const constraints = pod.spec.topologySpreadConstraints?.length ? constraintsOf(pod, 'DoNotSchedule') : defaultConstraints(pod, context, defaults, 'DoNotSchedule');
      if (constraints.length === 0) return 'skip';
      const keys = constraints.map(({ topologyKey }) => topologyKey);
      return { state: { constraints, counts: constraints.map((constraint) => countsOf(pod, constraint, keys)), least: constraints.map(() => undefined) } };
    },

    filter({ constraints, counts, least: leasts }, { pod }, node) {
      for (let i = 0; i < constraints.length; i++) {
        const { topologyKey, maxSkew, minDomains, selector } = constraints[i]!;
        const domain = node.labels[topologyKey];
        if (domain === undefined) return missingLabel;
        const inDomain = counts[i]!;
        const least = inDomain.size < minDomains ? 0 : (leasts[i] ??= leastOf(inDomain));
        const self = selector.matches(pod.metadata.labels) ? 1 : 0;
        if ((inDomain.get(domain) ?? 0) + self - least > maxSkew) return mismatch;
      }
      return undefined;
    },

    cloneState: ({ constraints, counts, least }) => ({ constraints, counts: counts.map((domains) => new Map(domains)), least: [...least] }),
    addPod: (state, pod, other, node) => change(state, pod, other, node, 1),
    removePod: (state, pod, other, node) => change(state, pod, other, node, -1),

    preScore(pod, nodes) {
      const own = pod.pod.spec.topologySpreadConstraints ?? [];
      const constraints = own.length > 0 ? constraintsOf(pod.pod, 'ScheduleAnyway') : defaultConstraints(pod.pod, context, defaults, 'ScheduleAnyway');
      if (constraints.length === 0) return 'skip';
      // Default constraints spread over hosts also where there are no zones.
      const needAllKeys = own.length > 0 || defaults !== DEFAULTS;
      const keys = needAllKeys ? constraints.map(({ topologyKey }) => topologyKey) : [];
      const ignored = new Set<string>();
      const domains = constraints.map(() => new Set<string>());
      for (const node of nodes) {
        if (!hasAllKeys(node, keys)) {
          ignored.add(node.name);
          continue;
        }
        for (let i = 0; i < constraints.length; i++) {
          const { topologyKey } = constraints[i]!;
          if (topologyKey !== HOSTNAME) domains[i]!.add(node.labels[topologyKey] ?? '');
        }
      }
      // Where no candidate has a zone there is nothing to count.
      const counts = constraints.map((constraint, i) => (domains[i]!.size > 1 || (domains[i]!.size === 1 && !domains[i]!.has('')) ? countsOf(pod.pod, constraint, keys) : noCounts));
      // Few domains must not weigh less than many.
      const weights = constraints.map(({ topologyKey }, i) => Math.log((topologyKey === HOSTNAME ? nodes.length - ignored.size : domains[i]!.size) + 2));
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
        const count = topologyKey === HOSTNAME ? node.countOf(group) : counts[i]!.get(domain) ?? 0;
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

    hints: {
      AssignedPod(pod, { object }) {
        const { namespace, labels } = (object as Pod).metadata;
        if (namespace !== pod.metadata.namespace) return false;
        const own = pod.spec.topologySpreadConstraints;
        return own?.length ? own.some(({ labelSelector }) => labelSelectorMatches(labelSelector, labels))
          : defaultConstraints(pod, context, defaults, 'DoNotSchedule').some(({ selector }) => selector.matches(labels));
      },
      Node: (pod, event) => nodeChanges((pod.spec.topologySpreadConstraints?.length ? pod.spec.topologySpreadConstraints : defaults).map(({ topologyKey }) => topologyKey), event),
    },
  };
};

const noCounts: ReadonlyMap<string, number> = new Map();

interface DomainPart {
  readonly domain: string;
  readonly count: number;
}

/** How many pods of a constraint's group each domain has, among the nodes that count. */
class DomainCounts implements Fold<DomainPart> {
  readonly counts = new Map<string, number>();
  /** A domain is there as long as it has nodes. */
  readonly #nodes = new Map<string, number>();
  readonly #spec: PodSpec;
  readonly #constraint: Constraint;
  readonly #keys: readonly string[];

  constructor(spec: PodSpec, constraint: Constraint, keys: readonly string[]) {
    this.#spec = spec;
    this.#constraint = constraint;
    this.#keys = keys;
  }

  part(node: NodeInfo): DomainPart | undefined {
    if (!hasAllKeys(node, this.#keys) || !countsNode(this.#constraint, this.#spec, node.node!)) return undefined;
    return { domain: node.labels[this.#constraint.topologyKey] ?? '', count: node.countOf(this.#constraint.group) };
  }

  add({ domain, count }: DomainPart, sign: 1 | -1): void {
    const nodes = (this.#nodes.get(domain) ?? 0) + sign;
    if (nodes === 0) {
      this.#nodes.delete(domain);
      this.counts.delete(domain);
      return;
    }
    this.#nodes.set(domain, nodes);
    this.counts.set(domain, (this.counts.get(domain) ?? 0) + sign * count);
  }

  reset(): void {
    this.counts.clear();
    this.#nodes.clear();
  }
}

/** All that decides which nodes count, and how much. */
function foldKey({ metadata: { namespace }, spec }: Pod, { topologyKey, selector, honorAffinity, honorTaints }: Constraint, keys: readonly string[]): string {
  const affinity = honorAffinity && (spec.nodeSelector || spec.affinity?.nodeAffinity) ? JSON.stringify([spec.nodeSelector, spec.affinity?.nodeAffinity]) : '';
  return [namespace, selector.matchesNothing ? '<none>' : selector.toString(), topologyKey, keys.join(), affinity, honorTaints ? JSON.stringify(spec.tolerations ?? []) : ''].join(' ');
}

function leastOf(counts: ReadonlyMap<string, number>): number {
  let least = Infinity;
  for (const count of counts.values()) if (count < least) least = count;
  return least;
}

function constraintsOf({ spec, metadata }: Pod, whenUnsatisfiable: 'DoNotSchedule' | 'ScheduleAnyway'): Constraint[] {
  return (spec.topologySpreadConstraints ?? []).filter((constraint) => constraint.whenUnsatisfiable === whenUnsatisfiable).map((constraint) => {
    const { maxSkew, topologyKey, labelSelector, minDomains = 1, nodeAffinityPolicy = 'Honor', nodeTaintsPolicy = 'Ignore', matchLabelKeys = [] } = constraint;
    const own = matchLabelKeys.flatMap((key) => (metadata.labels?.[key] === undefined ? [] : [{ key, operator: '=' as const, values: [metadata.labels[key]] }]));
    const base = selectorOf(labelSelector);
    const selector = own.length > 0 && !base.matchesNothing ? new Selector([...base.requirements, ...own]) : base;
    return { maxSkew, topologyKey, selector, group: podGroup(metadata.namespace, selector), minDomains, honorAffinity: nodeAffinityPolicy === 'Honor', honorTaints: nodeTaintsPolicy === 'Honor' };
  });
}

function defaultConstraints(pod: Pod, context: PluginContext, defaults: readonly DefaultConstraint[], whenUnsatisfiable: string): Constraint[] {
  const wanted = defaults.filter((constraint) => constraint.whenUnsatisfiable === whenUnsatisfiable);
  if (wanted.length === 0) return [];
  const selector = defaultSelector(pod, context);
  if (selector.empty) return [];
  const group = podGroup(pod.metadata.namespace, selector);
  return wanted.map((constraint) => ({ ...constraint, selector, group, minDomains: 1, honorAffinity: true, honorTaints: false }));
}

function hasAllKeys(node: NodeInfo, keys: readonly string[]): boolean {
  for (const key of keys) if (node.labels[key] === undefined) return false;
  return true;
}

/** Whether the pods on a node count, which the pod itself might not be allowed to go to. */
function countsNode({ honorAffinity, honorTaints }: Constraint, spec: PodSpec, node: Node): boolean {
  return (!honorAffinity || matchesNodeAffinity(spec, node)) && (!honorTaints || !untoleratedTaint(node.spec.taints, spec.tolerations, SCHEDULING_EFFECTS));
}

/** In a state that is a clone. */
function change({ constraints, counts, least }: FilterState, pod: PodInfo, other: PodInfo, node: NodeInfo, by: 1 | -1): void {
  if (other.pod.metadata.namespace !== pod.pod.metadata.namespace || !hasAllKeys(node, constraints.map(({ topologyKey }) => topologyKey))) return;
  for (const [i, constraint] of constraints.entries()) {
    if (!constraint.selector.matches(other.pod.metadata.labels) || !countsNode(constraint, pod.pod.spec, node.node!)) continue;
    const domain = node.labels[constraint.topologyKey]!;
    (counts[i] as Map<string, number>).set(domain, (counts[i]!.get(domain) ?? 0) + by);
    least[i] = undefined;
  }
}

/** A domain that comes, goes, or changes its name shifts the balance. */
function nodeChanges(keys: readonly string[], { action, previous, object }: ClusterEvent): boolean {
  const domains = (node: unknown): (string | undefined)[] => keys.map((key) => (node as Node).metadata.labels?.[key]);
  const now = domains(object);
  if (action !== 'update') return now.every((domain) => domain !== undefined);
  const before = domains(previous);
  const taintsChanged = JSON.stringify((previous as Node).spec.taints ?? []) !== JSON.stringify((object as Node).spec.taints ?? []);
  return taintsChanged || now.some((domain, i) => domain !== before[i]);
}
